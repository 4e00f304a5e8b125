; Interrupt and exception entry: 256 stubs from one macro, two common paths.
;
; A stub pushes 0 where the processor pushed no error code, then its vector, and goes on to a common
; path that completes a KTRAP_FRAME, calls C with interrupts off, and undoes it all. IRQL, EOI and
; enabling interrupts are the C handlers' business (trap.c, softint.c). XMM0-5 and MXCSR are saved
; because drivers, which compilers let use them freely, are interrupted and run as handlers. An NMI
; may arrive at any instruction here: it has its own stack and saves everything again. Unwinding works from
; every instruction, too (cfi.inc).

%include "asmoffsets.inc"
%include "cfi.inc"

bits 64
default rel

; Bit n: the processor itself pushes an error code for exception n.
ERROR_CODES equ 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30

%macro SAVE 2
        mov     [rsp + KTRAP_FRAME_%1], %2
%endmacro
%macro RESTORE 2
        mov     %2, [rsp + KTRAP_FRAME_%1]
%endmacro
%macro EACH_REGISTER 1          ; 1: SAVE or RESTORE
        %1      Rax, rax
        %1      Rbx, rbx
        %1      Rcx, rcx
        %1      Rdx, rdx
        %1      Rsi, rsi
        %1      Rdi, rdi
        %1      Rbp, rbp
        %1      R8, r8
        %1      R9, r9
        %1      R10, r10
        %1      R11, r11
        %1      R12, r12
        %1      R13, r13
        %1      R14, r14
        %1      R15, r15
%endmacro

%macro EACH_XMM 1               ; 1: save or restore
%assign n 0
%rep 6
%ifidn %1, save
        movaps  [rsp + KTRAP_FRAME_Xmm + n * 16], xmm %+ n
%else
        movaps  xmm %+ n, [rsp + KTRAP_FRAME_Xmm + n * 16]
%endif
%assign n n + 1
%endrep
%endmacro

; Unwinding from here leads to what was interrupted, whose RIP and RSP the processor has pushed. The CFA
; is the end of a KTRAP_FRAME.
CFI_COMMON_BEGIN CfiTrap, "zRS"
        CFI_CFA CFI_RSP, KTRAP_FRAME_SIZE - KTRAP_FRAME_Vector
        CFI_SAVED CFI_RIP, KTRAP_FRAME_SIZE - KTRAP_FRAME_Rip
        CFI_SAVED CFI_RSP, KTRAP_FRAME_SIZE - KTRAP_FRAME_Rsp
CFI_COMMON_END CfiTrap

%macro IN_FRAME 2               ; 1: the member of KTRAP_FRAME that the register (2) is saved in
        CFI_SAVED CFI_%1, KTRAP_FRAME_SIZE - KTRAP_FRAME_%2
%endmacro
%macro EACH_REGISTER_IN_FRAME 0
        IN_FRAME RAX, Rax
        IN_FRAME RBX, Rbx
        IN_FRAME RCX, Rcx
        IN_FRAME RDX, Rdx
        IN_FRAME RSI, Rsi
        IN_FRAME RDI, Rdi
        IN_FRAME RBP, Rbp
        IN_FRAME R8, R8
        IN_FRAME R9, R9
        IN_FRAME R10, R10
        IN_FRAME R11, R11
        IN_FRAME R12, R12
        IN_FRAME R13, R13
        IN_FRAME R14, R14
        IN_FRAME R15, R15
%endmacro

; Everything between a stub and its return: %1 is the C handler, void %1(PKTRAP_FRAME Frame).
%macro COMMON_PATH 1
        extern  %1
%%start:
        sub     rsp, KTRAP_FRAME_Vector
%%allocated:
        EACH_REGISTER SAVE
%%saved:
        mov     rax, [rsp + KTRAP_FRAME_Rip]
        mov     [rsp + KTRAP_FRAME_LinkRbp], rbp
        mov     [rsp + KTRAP_FRAME_LinkRip], rax
        mov     rbp, rsp
        EACH_XMM save
        stmxcsr [rsp + KTRAP_FRAME_MxCsr]
        ldmxcsr [gs:KPCR_MxCsr]
        cld
        mov     rdi, rsp
        call    %1
        ldmxcsr [rsp + KTRAP_FRAME_MxCsr]
        EACH_XMM restore
        EACH_REGISTER RESTORE
        add     rsp, KTRAP_FRAME_Rip
%%freed:
        iretq
%%end:
        CFI_BEGIN CfiTrap, %%start, %%end
        CFI_AT %%allocated
        CFI_CFA_OFFSET KTRAP_FRAME_SIZE
        CFI_REMEMBER
        CFI_AT %%saved
        EACH_REGISTER_IN_FRAME
        CFI_FAR %%freed
        CFI_AS_REMEMBERED
        CFI_CFA_OFFSET KTRAP_FRAME_SIZE - KTRAP_FRAME_Rip
        CFI_END
%endmacro

section .text

global KiTrapEntryStart         ; between these two, RBP points to a KTRAP_FRAME (backtrace.c)
global KiTrapEntryEnd
KiTrapEntryStart:
KiExceptionEntry:
        COMMON_PATH KiHandleException
KiInterruptEntry:
        COMMON_PATH KiHandleInterrupt
KiTrapEntryEnd:

KiStubs:
; An interrupt that went away before the APIC could say which it was. It is not to be acknowledged.
KiSpuriousEntry:
        inc     qword [gs:KPCR_SpuriousCount]
        add     rsp, 16
        iretq

%macro VECTOR_STUB 1
KiVector%1:
%if %1 >= 32 || (ERROR_CODES & (1 << %1)) == 0
        push    0
%endif
        push    strict dword %1
%if %1 == KI_VECTOR_SPURIOUS
        jmp     KiSpuriousEntry
%elif %1 == KI_VECTOR_APC || %1 == KI_VECTOR_DISPATCH || %1 >= KI_FIRST_DEVICE_VECTOR
        jmp     KiInterruptEntry
%else
        jmp     KiExceptionEntry
%endif
%endmacro

%assign vector 0
%rep 256
        VECTOR_STUB %[vector]
%assign vector vector + 1
%endrep
global KiVectorStubsEnd
KiVectorStubsEnd:
KiStubsEnd:

; In a stub none, one or two words lie on top of the processor's: behind RIP stands CS, which neither the
; flags nor a stack pointer can equal. CFA = RSP + 40 + 8 * (RSP[2] == CS) + 16 * (RSP[3] == CS).
CFI_BEGIN CfiTrap, KiStubs, KiStubsEnd
        db      0x0F, .end - .begin
.begin:
        db      0x70 + CFI_RSP, 40
        db      0x70 + CFI_RSP, 16, 0x06, 0x08, KGDT_R0_CODE, 0x29, 0x33, 0x24, 0x22
        db      0x70 + CFI_RSP, 24, 0x06, 0x08, KGDT_R0_CODE, 0x29, 0x34, 0x24, 0x22
.end:
CFI_END

; const ULONG64 KiVectorTable[256];
section .rodata
global KiVectorTable
align 8
KiVectorTable:
%assign vector 0
%rep 256
%define stub KiVector %+ vector
        dq      stub
%assign vector vector + 1
%endrep

section .text

; At the start of a routine that does not return: records the caller's registers in a KTRAP_FRAME at RSP
; as if it had been interrupted after the call, before any C code changes them. Only RAX is changed.
; The frame may be misaligned by a caller's stack; nothing here depends on it.
%macro RECORD_CALLER 0
%%start:
        pushfq
%%flags:
        cli
        sub     rsp, KTRAP_FRAME_SIZE
%%allocated:
        CFI_BEGIN CfiCalled, %%start, %%end
        CFI_AT %%flags
        CFI_CFA_OFFSET 16
        CFI_AT %%allocated
        CFI_CFA_OFFSET KTRAP_FRAME_SIZE + 16
        CFI_END
        EACH_REGISTER SAVE
        mov     rax, [rsp + KTRAP_FRAME_SIZE]
        mov     [rsp + KTRAP_FRAME_EFlags], rax
        mov     rax, [rsp + KTRAP_FRAME_SIZE + 8]
        mov     [rsp + KTRAP_FRAME_Rip], rax
        mov     [rsp + KTRAP_FRAME_LinkRip], rax
        mov     [rsp + KTRAP_FRAME_LinkRbp], rbp
        lea     rax, [rsp + KTRAP_FRAME_SIZE + 16]
        mov     [rsp + KTRAP_FRAME_Rsp], rax
        mov     qword [rsp + KTRAP_FRAME_SegCs], KGDT_R0_CODE
        mov     qword [rsp + KTRAP_FRAME_SegSs], KGDT_R0_DATA
        mov     qword [rsp + KTRAP_FRAME_ErrorCode], 0
        mov     qword [rsp + KTRAP_FRAME_Vector], -1
%%end:
%endmacro

; The rest of such a routine, with the frame in RBP, on a stack that is aligned: calls %1, which does not return.
%macro GO_ON_IN 1
        extern  %1
%%start:
        mov     rbp, rsp
%%frame:
        and     rsp, -16
        cld
        call    %1
        ud2
%%end:
        CFI_BEGIN CfiCalled, %%start, %%end
        CFI_CFA_OFFSET KTRAP_FRAME_SIZE + 16
        CFI_AT %%frame
        CFI_CFA CFI_RBP, KTRAP_FRAME_SIZE + 16
        CFI_SAVED CFI_RBP, KTRAP_FRAME_SIZE + 16 - KTRAP_FRAME_Rbp
        CFI_END
%endmacro

CFI_COMMON CfiCalled

; VOID NTAPI KeBugCheckEx(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4);
; Goes on in void KiBugCheck(Code, P1, P2, P3, P4, PKTRAP_FRAME Frame).
global KeBugCheckEx
KeBugCheckEx:
        RECORD_CALLER
.arguments:
        mov     edi, ecx
        mov     rsi, rdx
        mov     rdx, r8
        mov     rcx, r9
        mov     r8, [rsp + KTRAP_FRAME_SIZE + 8 + 0x28]
        mov     r9, rsp
.end:
        CFI_BEGIN CfiCalled, .arguments, .end
        CFI_CFA_OFFSET KTRAP_FRAME_SIZE + 16
        CFI_END
        GO_ON_IN KiBugCheck

; void KeRaiseStatus(NTSTATUS Status);
; Goes on in void KiRaiseStatus(Status, PKTRAP_FRAME Frame).
global KeRaiseStatus
KeRaiseStatus:
        RECORD_CALLER
.arguments:
        mov     rsi, rsp
.end:
        CFI_BEGIN CfiCalled, .arguments, .end
        CFI_CFA_OFFSET KTRAP_FRAME_SIZE + 16
        CFI_END
        GO_ON_IN KiRaiseStatus
