; Entry by multiboot2: GRUB finds the header in the file's first 32 KB, loads the ELF segments and
; starts in 32-bit protected mode with EAX = magic, EBX = the information structure.

%include "asmoffsets.inc"

MULTIBOOT2_HEADER_MAGIC equ 0xE85250D6
ARCHITECTURE_I386       equ 0

TAG_END                 equ 0
TAG_INFORMATION         equ 1
TAG_MODULE_ALIGNMENT    equ 6

section .boot.header progbits alloc noexec nowrite align=8
Header:
        dd      MULTIBOOT2_HEADER_MAGIC, ARCHITECTURE_I386, HeaderEnd - Header
        dd      0x100000000 - (MULTIBOOT2_HEADER_MAGIC + ARCHITECTURE_I386 + (HeaderEnd - Header))

        ; Start the kernel only if the memory map can be given. The rest is welcome, not needed.
        dw      TAG_INFORMATION, 0
        dd      12, MULTIBOOT_TAG_MEMORY_MAP
align 8
        dw      TAG_MODULE_ALIGNMENT, 0
        dd      8
        dw      TAG_END, 0
        dd      8
HeaderEnd:

bits 32
section .boot.text progbits alloc exec nowrite align=16

extern BlEnterLongMode
global BlMultibootEntry
BlMultibootEntry:
        mov     ebp, BL_LOADER_MULTIBOOT
        cmp     eax, MULTIBOOT_LOADED_MAGIC
        je      BlEnterLongMode
        mov     ebp, BL_LOADER_UNKNOWN
        jmp     BlEnterLongMode
