; The context switch: everything a called routine must preserve, under both calling conventions in
; use. System V's callee-saved registers belong to the kernel's own code; XMM6-15 and MXCSR belong
; to Windows drivers up the stack. The other registers are dead here, or saved by the trap stub.

%include "asmoffsets.inc"
%include "cfi.inc"

bits 64
default rel
section .text

CFI_COMMON CfiSwap

extern KiStartThread

MXCSR_SLOT equ 10 * 16               ; behind XMM6-15
SAVE_AREA  equ MXCSR_SLOT + 8        ; with padding, so that MOVAPS finds RSP at a multiple of 16

%macro EACH_SAVED_XMM 1              ; 1: load or store
%assign n 6
%rep 10
%ifidn %1, store
        movaps [rsp + (n - 6) * 16], xmm %+ n
%else
        movaps xmm %+ n, [rsp + (n - 6) * 16]
%endif
%assign n n + 1
%endrep
%endmacro

; void KiSwapContext(PVOID *OldKernelStack, PVOID NewKernelStack);
; Saves this thread and continues the other one, on its stack. Returns when somebody switches back.
global KiSwapContext
KiSwapContext:
        push    rbx
.pushed_rbx:
        push    rbp
.pushed_rbp:
        push    r12
.pushed_r12:
        push    r13
.pushed_r13:
        push    r14
.pushed_r14:
        push    r15
.pushed_r15:
        sub     rsp, SAVE_AREA
.allocated:
        EACH_SAVED_XMM store
        stmxcsr [rsp + MXCSR_SLOT]
        mov     [rdi], rsp
        mov     rsp, rsi
.resume:
        ldmxcsr [rsp + MXCSR_SLOT]
        EACH_SAVED_XMM load
        add     rsp, SAVE_AREA
.freed:
        pop     r15
.popped_r15:
        pop     r14
.popped_r14:
        pop     r13
.popped_r13:
        pop     r12
.popped_r12:
        pop     rbp
.popped_rbp:
        pop     rbx
.popped_rbx:
        ret
.end:
global KiSwapResume                  ; where threads that do not run go on (backtrace.c)
KiSwapResume equ KiSwapContext.resume

; The stack changes under the same description: what RSP points to is laid out alike before and after.
CFI_BEGIN CfiSwap, KiSwapContext, KiSwapContext.end
%assign depth 8
%macro PUSHED 2
%assign depth depth + 8
        CFI_AT KiSwapContext.pushed_%1
        CFI_CFA_OFFSET depth
        CFI_SAVED %2, depth
%endmacro
        PUSHED rbx, CFI_RBX
        PUSHED rbp, CFI_RBP
        PUSHED r12, CFI_R12
        PUSHED r13, CFI_R13
        PUSHED r14, CFI_R14
        PUSHED r15, CFI_R15
        CFI_AT KiSwapContext.allocated
        CFI_CFA_OFFSET depth + SAVE_AREA
        CFI_FAR KiSwapContext.freed
        CFI_CFA_OFFSET depth
%macro POPPED 2
%assign depth depth - 8
        CFI_AT KiSwapContext.popped_%1
        CFI_CFA_OFFSET depth
        CFI_RESTORED %2
%endmacro
        POPPED r15, CFI_R15
        POPPED r14, CFI_R14
        POPPED r13, CFI_R13
        POPPED r12, CFI_R12
        POPPED rbp, CFI_RBP
        POPPED rbx, CFI_RBX
CFI_END

; void KiThreadStartup(void);
; A new thread's first instruction: KeInitThread left its three arguments in saved registers.
; RBP is 0, which ends backtraces.
global KiThreadStartup
KiThreadStartup:
        mov     rdi, rbx
        mov     rsi, r12
        mov     rdx, r13
        call    KiStartThread
        ud2
.end:
CFI_BEGIN CfiSwap, KiThreadStartup, KiThreadStartup.end
        CFI_OUTERMOST
CFI_END

; void KiCaptureRegisters(PKI_STACK_WALK Walk);
; The caller's registers, as they are behind the call; a routine of the kernel's own convention.
global KiCaptureRegisters
KiCaptureRegisters:
        mov     [rdi + KI_STACK_WALK_Register + 0 * 8], rax
        mov     [rdi + KI_STACK_WALK_Register + 1 * 8], rcx
        mov     [rdi + KI_STACK_WALK_Register + 2 * 8], rdx
        mov     [rdi + KI_STACK_WALK_Register + 3 * 8], rbx
        lea     rax, [rsp + 8]
        mov     [rdi + KI_STACK_WALK_Register + 4 * 8], rax
        mov     [rdi + KI_STACK_WALK_Register + 5 * 8], rbp
        mov     [rdi + KI_STACK_WALK_Register + 6 * 8], rsi
        mov     [rdi + KI_STACK_WALK_Register + 7 * 8], rdi
%assign n 8
%rep 8
        mov     [rdi + KI_STACK_WALK_Register + n * 8], r %+ n
%assign n n + 1
%endrep
        mov     rax, [rsp]
        mov     [rdi + KI_STACK_WALK_Rip], rax
        mov     byte [rdi + KI_STACK_WALK_Interrupted], 0
        ret
