; Where the other processors start: real mode, at physical KI_TRAMPOLINE_BASE, to long mode.
;
; KeStartAllProcessors copies KiTrampolineStart..KiTrampolineEnd there, with a KI_PROCESSOR_START in
; its last bytes. Addresses here are those of the copy. Paging is turned on with tables that map this
; page at its own address besides the kernel.

%include "asmoffsets.inc"

CODE64_SELECTOR equ 8
CODE32_SELECTOR equ 16
DATA_SELECTOR   equ 24
CR0_PROTECTED   equ 0x00000011  ; ET PE
CR0_VALUE       equ 0x80010033  ; PG WP NE ET MP PE, as the boot processor started with
CR4_VALUE       equ 0x00000620  ; PAE OSFXSR OSXMMEXCPT
MSR_EFER        equ 0xC0000080
EFER_LME        equ 1 << 8

%define AT(label) (KI_TRAMPOLINE_BASE + (label) - KiTrampolineStart)

section .rodata
global KiTrampolineStart
global KiTrampolineEnd
align 16
KiTrampolineStart:
bits 16
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        o32 lgdt [AT(GdtPointer)]
        mov     eax, CR0_PROTECTED
        mov     cr0, eax
        jmp     dword CODE32_SELECTOR:AT(Protected)

bits 32
Protected:
        mov     ax, DATA_SELECTOR
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        ; The same order as in boot/entry.asm. EFER brings NXE: the kernel's entries use NX, which
        ; without it is a reserved bit, and the first access through one would fault with no IDT.
        mov     eax, CR4_VALUE
        mov     cr4, eax
        mov     eax, [AT(Start) + KI_START_BootCr3]
        mov     cr3, eax
        mov     ecx, MSR_EFER
        mov     eax, [AT(Start) + KI_START_Efer]
        mov     edx, [AT(Start) + KI_START_Efer + 4]
        or      eax, EFER_LME
        wrmsr
        mov     eax, CR0_VALUE
        mov     cr0, eax
        jmp     CODE64_SELECTOR:AT(LongMode)

bits 64
        ; Who comes after the boot processor gave up finds nothing to do, and nobody's stack.
LongMode:
        xor     edi, edi
        xchg    rdi, [abs AT(Start) + KI_START_Processor]
        test    rdi, rdi
        jz      .late
        mov     rsp, [abs AT(Start) + KI_START_StackBase]
        xor     ebp, ebp
        mov     rax, [abs AT(Start) + KI_START_Entry]
        push    0                       ; no return; the end of backtraces
        jmp     rax
.late:
        cli
        hlt
        jmp     .late

align 8
Gdt:
        dq      0
        dq      0x00AF9B000000FFFF      ; 64-bit code
        dq      0x00CF9B000000FFFF      ; 32-bit code
        dq      0x00CF93000000FFFF      ; flat data
GdtPointer:
        dw      $ - Gdt - 1
        dd      AT(Gdt)
align 8
Start:
        times KI_START_SIZE db 0
KiTrampolineEnd:
