; From UEFI's 64-bit mode, with the firmware gone, to the kernel's entry point in 32-bit protected mode.
;
; The kernel goes where memory may hold anything of the firmware's, its page tables and this loader included.
; So what does the copying stands in a page apart (main.c copies it there) and does it without paging: it
; refers to nothing but itself and the plan. All of it is below 4 GB, where virtual and physical addresses
; are the same.

MULTIBOOT_LOADED_MAGIC equ 0x36D76289
MSR_EFER        equ 0xC0000080
EFER_LME        equ 1 << 8
CR0_PG_WP       equ 1 << 31 | 1 << 16
CR4_PCIDE       equ 1 << 17
CODE_SELECTOR   equ 8
DATA_SELECTOR   equ 16

; BL_PLAN and BL_SEGMENT of loader.h
PLAN_ENTRY      equ 0
PLAN_INFO       equ 8
PLAN_COUNT      equ 16
PLAN_SEGMENTS   equ 24
SEGMENT_SOURCE  equ 0
SEGMENT_TARGET  equ 8
SEGMENT_FILE    equ 16
SEGMENT_MEMORY  equ 24
SEGMENT_SIZE    equ 32

section .text
bits 64
global BlEnterStart, BlEnterEnd
align 16
BlEnterStart:
        cli
        cld
        mov     rbp, rdi                ; the plan
        mov     rsp, rdi
        mov     rax, cr0                ; the page may be protected, and is written to below
        btr     rax, 16
        mov     cr0, rax

        lea     rax, [rel Gdt]
        mov     [rel GdtPointer + 2], rax
        lgdt    [rel GdtPointer]
        mov     rax, cr4                ; paging cannot be left with it
        and     eax, ~CR4_PCIDE
        mov     cr4, rax
        lea     rax, [rel Compatible]
        push    CODE_SELECTOR
        push    rax
        retfq

bits 32
Compatible:
        mov     ax, DATA_SELECTOR
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     eax, cr0
        and     eax, ~CR0_PG_WP
        mov     cr0, eax                ; out of long mode
        mov     ecx, MSR_EFER
        rdmsr
        and     eax, ~EFER_LME
        wrmsr

        lea     ebx, [ebp + PLAN_SEGMENTS]
        mov     edx, [ebp + PLAN_COUNT]
.segment:
        mov     esi, [ebx + SEGMENT_SOURCE]
        mov     edi, [ebx + SEGMENT_TARGET]
        mov     ecx, [ebx + SEGMENT_FILE]
        rep movsb
        mov     ecx, [ebx + SEGMENT_MEMORY]
        sub     ecx, [ebx + SEGMENT_FILE]
        xor     eax, eax
        rep stosb
        add     ebx, SEGMENT_SIZE
        dec     edx
        jnz     .segment

        mov     ebx, [ebp + PLAN_INFO]
        mov     ebp, [ebp + PLAN_ENTRY]
        mov     eax, MULTIBOOT_LOADED_MAGIC
        jmp     ebp

align 8
Gdt:
        dq      0
        dq      0x00CF9B000000FFFF      ; 32-bit code
        dq      0x00CF93000000FFFF      ; flat data
GdtPointer:
        dw      $ - Gdt - 1
        dq      0
BlEnterEnd:

section .note.GNU-stack noalloc noexec nowrite progbits
