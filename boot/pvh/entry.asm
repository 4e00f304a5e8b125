; Entry by PVH: the loader (QEMU's -kernel, among others) finds the address in an ELF note and starts
; in 32-bit protected mode with EBX = the hvm_start_info structure.

%include "asmoffsets.inc"

NOTE_PHYS32_ENTRY equ 18

section .note.pvh note alloc noexec nowrite align=4
        dd      4, 8, NOTE_PHYS32_ENTRY ; lengths of name and value, type
        db      "Xen", 0
        dq      BlPvhEntry

bits 32
section .boot.text progbits alloc exec nowrite align=16

extern BlEnterLongMode
BlPvhEntry:
        mov     ebp, BL_LOADER_PVH
        jmp     BlEnterLongMode
