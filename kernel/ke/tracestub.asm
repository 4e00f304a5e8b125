; Where the stubs of trace points (tracepoint.h) call into C.

bits 64
default rel
section .text

; Called with kind, A, B and C on the stack, which it takes off. Preserves every register but the flags:
; a trace point is a place where the compiler counts on nothing else.
global KiTraceEntry
KiTraceEntry:
        extern  KiTraceHit
        push    rbp
        mov     rbp, rsp
        push    rax
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    r8
        push    r9
        push    r10
        push    r11
        lea     rdi, [rbp + 16]
        call    KiTraceHit              ; void KiTraceHit(const KI_TRACE_HIT *Hit);
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rax
        pop     rbp
        ret     32
