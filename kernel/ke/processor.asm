; Loads the tables that a processor takes its segments and handlers from.

%include "asmoffsets.inc"
%include "cfi.inc"

bits 64
default rel
section .text

; void KiLoadDescriptorTables(const KI_DESCRIPTOR *Gdt, const KI_DESCRIPTOR *Idt);
; After it, every segment register holds a selector of the new GDT; FS and GS bases are 0.
global KiLoadDescriptorTables
KiLoadDescriptorTables:
        lgdt    [rdi]
        lidt    [rsi]
        mov     eax, KGDT_R0_DATA
        mov     ss, eax
        mov     ds, eax
        mov     es, eax
        xor     ecx, ecx
        mov     fs, ecx
        mov     gs, ecx
        mov     eax, KGDT_TSS
        ltr     ax
        pop     rax
        push    KGDT_R0_CODE
        push    rax
        retfq

; void KiRunOnStack(void *StackBase, void (*Routine)(void *StackBase));
; Leaves the current stack for good. RBP 0 ends backtraces.
global KiRunOnStack
KiRunOnStack:
        mov     rsp, rdi
        xor     ebp, ebp
        call    rsi
        ud2
.end:
CFI_COMMON CfiStart
CFI_BEGIN CfiStart, KiRunOnStack, KiRunOnStack.end
        CFI_OUTERMOST
CFI_END
