;
; slist.asm - sequenced singly linked lists: lock-free, last in first out, for any processor and IRQL.
;
; The 16-byte header is exchanged as a whole: depth and sequence number in the low half, address of
; the first entry in the high half, whose four low bits are always 0. The sequence number changes with every operation, so a head that
; went away and came back is noticed.
;
; A pop reads the link of an entry that somebody may take, and even unmap, at that moment. The value
; is thrown away then, because the exchange fails; a fault at ExpInterlockedPopEntrySListFault makes
; the page fault handler continue at ExpInterlockedPopEntrySListResume, looking at R8 and RAX.
;
; Windows x64 calling convention: arguments in RCX and RDX; RBX is the caller's.
;

%include "cfi.inc"

bits 64
default rel
section .text

CFI_COMMON CfiList

DEPTH_ONE       equ 1
SEQUENCE_ONE    equ 0x10000

; PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead);
global ExpInterlockedPopEntrySList:function
global ExpInterlockedPopEntrySListResume
global ExpInterlockedPopEntrySListFault
align 16
ExpInterlockedPopEntrySList:
        push    rbx
ExpInterlockedPopEntrySListPushed:
        mov     r8, rcx
ExpInterlockedPopEntrySListResume:
        mov     rax, [r8]
        mov     rdx, [r8 + 8]           ; a torn pair fails the exchange below
PopAgain:
        test    rdx, rdx
        jz      PopEmpty
        lea     rbx, [rax + SEQUENCE_ONE - DEPTH_ONE]
ExpInterlockedPopEntrySListFault:
        mov     rcx, [rdx]
        lock cmpxchg16b [r8]            ; leaves RAX and RDX alone when it succeeds
        jnz     PopAgain
PopEmpty:
        mov     rax, rdx
        pop     rbx
ExpInterlockedPopEntrySListPopped:
        ret
        CFI_ONE_PUSH CfiList, ExpInterlockedPopEntrySList, ExpInterlockedPopEntrySListPushed, CFI_RBX, ExpInterlockedPopEntrySListPopped

; PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry);
; Returns the entry that was first before, or NULL.
global ExpInterlockedPushEntrySList:function
align 16
ExpInterlockedPushEntrySList:
        push    rbx
ExpInterlockedPushEntrySListPushed:
        mov     r8, rcx
        mov     rcx, rdx                ; the new first entry
        mov     rax, [r8]
        mov     rdx, [r8 + 8]
.again:
        mov     [rcx], rdx
        lea     rbx, [rax + SEQUENCE_ONE + DEPTH_ONE]
        lock cmpxchg16b [r8]
        jnz     .again
        mov     rax, rdx
        pop     rbx
ExpInterlockedPushEntrySListPopped:
        ret
        CFI_ONE_PUSH CfiList, ExpInterlockedPushEntrySList, ExpInterlockedPushEntrySListPushed, CFI_RBX, ExpInterlockedPushEntrySListPopped

; PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead);
; Takes all entries at once; returns the first of the chain, or NULL.
global ExpInterlockedFlushSList:function
align 16
ExpInterlockedFlushSList:
        push    rbx
ExpInterlockedFlushSListPushed:
        mov     r8, rcx
        mov     rax, [r8]
        mov     rdx, [r8 + 8]
.again:
        test    rdx, rdx
        jz      .empty
        lea     rbx, [rax + SEQUENCE_ONE]
        xor     bx, bx                  ; depth 0
        xor     ecx, ecx
        lock cmpxchg16b [r8]
        jnz     .again
.empty:
        mov     rax, rdx
        pop     rbx
ExpInterlockedFlushSListPopped:
        ret
        CFI_ONE_PUSH CfiList, ExpInterlockedFlushSList, ExpInterlockedFlushSListPushed, CFI_RBX, ExpInterlockedFlushSListPopped
