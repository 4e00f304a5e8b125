; The context switch: everything a called routine must preserve, under both calling conventions in
; use. System V's callee-saved registers belong to the kernel's own code; XMM6-15 and MXCSR belong
; to Windows drivers up the stack. The other registers are dead here, or saved by the trap stub.

bits 64
default rel
section .text

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
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, SAVE_AREA
        EACH_SAVED_XMM store
        stmxcsr [rsp + MXCSR_SLOT]
        mov     [rdi], rsp
        mov     rsp, rsi
        ldmxcsr [rsp + MXCSR_SLOT]
        EACH_SAVED_XMM load
        add     rsp, SAVE_AREA
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

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
