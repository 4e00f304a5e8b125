; The last resort to restart a PC: an interrupt that finds no table to go through shuts the
; processor down, and the chip set answers a shutdown with a reset.

section .text
bits 64

; DECLSPEC_NORETURN void HalpTripleFault(void);
global HalpTripleFault
HalpTripleFault:
        cli
        lidt    [rel EmptyIdt]
        int3
.stop:
        hlt
        jmp     .stop

section .rodata
align 8
EmptyIdt:
        dw      0
        dq      0
