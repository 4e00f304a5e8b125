; chkstk.asm - stack probes of compiled drivers.
;
; Windows compilers call __chkstk in the prologue of a function with a page or more of locals,
; before they move RSP, so that the stack's guard page is hit at its very edge and never jumped
; over: an overflow is then diagnosed as one.
;
; Not callable from C: RAX = bytes about to be taken off RSP; every register is kept, flags are not.

bits 64
default rel

PAGE_SIZE equ 1000h

section .text

global __chkstk
__chkstk:
    push rcx
    push rax
    lea rcx, [rsp + 24]         ; the caller's RSP before its call
    cmp rax, PAGE_SIZE
    jb .last
.page:
    sub rcx, PAGE_SIZE
    test [rcx], cl              ; reads one byte of each page on the way down
    sub rax, PAGE_SIZE
    cmp rax, PAGE_SIZE
    jae .page
.last:
    sub rcx, rax
    test [rcx], cl
    pop rax
    pop rcx
    ret
