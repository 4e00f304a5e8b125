; What images made with /guard:cf (control flow guard) find behind __guard_check_icall_fptr and
; __guard_dispatch_icall_fptr. There is no table of allowed targets here, so every target is allowed.
bits 64
section .text

; const UCHAR LdrpGuardCheck[]: called with the target in RCX; keeps all registers.
global LdrpGuardCheck
LdrpGuardCheck:
    ret

; const UCHAR LdrpGuardDispatch[]: called in place of the target, which is in RAX.
global LdrpGuardDispatch
LdrpGuardDispatch:
    jmp rax
