; chkstk.asm - stack probes of compiled drivers.
;
; Windows compilers call __chkstk in the prologue of a function with a page or more of locals,
; before they move RSP, so that the stack's guard page is hit at its very edge and never jumped
; over: an overflow is then diagnosed as one.
;
; Not callable from C: RAX = bytes about to be taken off RSP; every register is kept, flags are not.

%include "cfi.inc"

bits 64
default rel

PAGE_SIZE equ 1000h

section .text

global __chkstk
__chkstk:
    push rcx
.pushed_rcx:
    push rax
.pushed_rax:
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
.popped_rax:
    pop rcx
.popped_rcx:
    ret

CFI_COMMON CfiProbe
CFI_BEGIN CfiProbe, __chkstk, __chkstk.popped_rcx
    CFI_AT __chkstk.pushed_rcx
    CFI_CFA_OFFSET 16
    CFI_SAVED CFI_RCX, 16
    CFI_AT __chkstk.pushed_rax
    CFI_CFA_OFFSET 24
    CFI_SAVED CFI_RAX, 24
    CFI_AT __chkstk.popped_rax
    CFI_CFA_OFFSET 16
    CFI_RESTORED CFI_RAX
CFI_END
