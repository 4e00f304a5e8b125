; From a loader's 32-bit protected mode to the C code in long mode.
;
; Each loader's entry point (grub/, pvh/) jumps to BlEnterLongMode with paging off, flat segments and
;     ebp = BL_LOADER value, ebx = physical address of what the loader hands over
; No loader has to give a stack: the few words pushed before long mode go to ScratchStack. Registers
; and tables here are what boot/loader.h promises the kernel.

%include "asmoffsets.inc"

CPUID_LONG_MODE equ 1 << 29     ; CPUID 80000001h EDX
CPUID_NX        equ 1 << 20
CR0_VALUE       equ 0x80010033  ; PG WP NE ET MP PE; caches on, no lazy FPU
CR4_VALUE       equ 0x00000620  ; PAE OSFXSR OSXMMEXCPT
MSR_EFER        equ 0xC0000080
EFER_LME        equ 1 << 8
EFER_NXE        equ 1 << 11
PTE_TABLE       equ 3           ; present, writable
PTE_LARGE       equ 0x83        ; present, writable, 2 MB

CODE_SELECTOR   equ 8
DATA_SELECTOR   equ 16

COM1            equ 0x3F8
TEXT_SCREEN     equ 0xB8000

bits 32
section .boot.text progbits alloc exec nowrite align=16

global BlEnterLongMode
BlEnterLongMode:
        cli
        cld
        mov     ecx, eax
        rdtsc
        mov     [EntryTsc], eax
        mov     [EntryTsc + 4], edx

        mov     esp, ScratchStackEnd
        pushfd                          ; CPUID exists when EFLAGS.ID can be changed
        xor     dword [esp], 1 << 21
        popfd
        pushfd
        pop     eax
        test    eax, 1 << 21
        jz      NoLongMode
        push    ebx
        mov     eax, 0x80000000
        cpuid
        cmp     eax, 0x80000001
        jb      NoLongMode
        mov     eax, 0x80000001
        cpuid
        pop     ebx
        test    edx, CPUID_LONG_MODE
        jz      NoLongMode
        mov     esi, EFER_LME
        test    edx, CPUID_NX
        jz      .tables
        or      esi, EFER_NXE

        ; One set of four directories maps the first 4 GB wherever it appears.
.tables:
        mov     edi, Directories
        mov     eax, PTE_LARGE
        xor     edx, edx
.fill:
        mov     [edi], eax
        add     edi, 8
        add     eax, 0x200000
        jnc     .fill                   ; until the address passes 4 GB
        mov     dword [BlPml4], LowPointers + PTE_TABLE                 ; identity, for this code
        mov     dword [BlPml4 + 256 * 8], LowPointers + PTE_TABLE       ; FFFF800000000000h
        mov     dword [BlPml4 + 511 * 8], HighPointers + PTE_TABLE      ; the last 512 GB, of which
        mov     dword [LowPointers], Directories + PTE_TABLE
        mov     dword [LowPointers + 8], Directories + 0x1000 + PTE_TABLE
        mov     dword [LowPointers + 16], Directories + 0x2000 + PTE_TABLE
        mov     dword [LowPointers + 24], Directories + 0x3000 + PTE_TABLE
        mov     dword [HighPointers + 510 * 8], Directories + PTE_TABLE ; FFFFFFFF80000000h

        ; The architecture's order: PAE, tables, EFER.LME, and paging last, which turns on long mode.
        mov     eax, CR4_VALUE
        mov     cr4, eax
        mov     eax, BlPml4
        mov     cr3, eax
        mov     ecx, MSR_EFER
        rdmsr
        or      eax, esi
        wrmsr
        mov     eax, CR0_VALUE
        mov     cr0, eax
        lgdt    [GdtPointer]
        jmp     CODE_SELECTOR:LongMode

; Says on the serial port and the text screen that this processor will not do, and stops.
NoLongMode:
        mov     edx, COM1 + 3           ; 115200 baud, 8 data bits, no parity, one stop bit
        mov     al, 0x80
        out     dx, al
        mov     edx, COM1
        mov     al, 1
        out     dx, al
        inc     edx
        xor     al, al
        out     dx, al
        mov     edx, COM1 + 3
        mov     al, 3
        out     dx, al
        mov     esi, Refusal
        mov     edi, TEXT_SCREEN
.next:
        lodsb
        test    al, al
        jz      .stop
        mov     ah, 7
        stosw
        mov     ah, al
        mov     edx, COM1 + 5
.wait:
        in      al, dx
        test    al, 0x20
        jz      .wait
        mov     edx, COM1
        mov     al, ah
        out     dx, al
        jmp     .next
.stop:
        mov     al, BL_DEBUG_EXIT_VALUE
        out     BL_DEBUG_EXIT_PORT, al
        hlt
        jmp     .stop

bits 64
LongMode:
        mov     ax, DATA_SELECTOR
        mov     ss, ax
        mov     ds, ax
        mov     es, ax
        xor     eax, eax
        mov     fs, ax
        mov     gs, ax
        mov     edi, ebp
        mov     esi, ebx
        mov     rdx, [abs EntryTsc]
        xor     ebp, ebp                ; the end of every backtrace
        mov     rsp, BootStackEnd
        ; VOID BlStart(BL_LOADER Loader, ULONG64 Information, ULONG64 EntryTsc)
        extern  BlStart
        mov     rax, BlStart
        push    0                       ; no return
        jmp     rax

section .boot.data progbits alloc noexec write align=8
Gdt:
        dq      0
        dq      0x00AF9B000000FFFF      ; 64-bit code
        dq      0x00CF93000000FFFF      ; flat data
GdtPointer:
        dw      $ - Gdt - 1
        dd      Gdt
align 8
EntryTsc:
        dq      0
Refusal:
        db      "etude: cannot start: this processor has no 64-bit mode", 13, 10, 0

section .boot.bss nobits alloc noexec write align=4096
global BlPml4
BlPml4:         resb 4096
LowPointers:    resb 4096               ; identity map and direct map
HighPointers:   resb 4096               ; the kernel's 2 GB
Directories:    resb 4 * 4096
ScratchStack:   resb 64
ScratchStackEnd:

section .bss
alignb 16
BootStack:      resb LOADER_STACK_SIZE
BootStackEnd:
