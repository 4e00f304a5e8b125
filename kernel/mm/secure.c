/*
 * secure.c - pages of pool that nobody can write: mapped read-only where they are used, and read-only in the
 * direct map too, which otherwise shows all memory writable.
 *
 * Who may change them does so through another mapping, which exists for the time of the change only and is
 * forgotten by every processor before the change is over. No other writable mapping is made of such a page: a
 * mapping of an MDL or of physical memory that asks for one fails.
 *
 * The direct map is made of large pages. A page that is to differ from its neighbours has their large page
 * replaced by a table of smaller ones, for ever. The callers, the pools, come one after another: nobody else
 * changes the direct map.
 */
#include "mi.h"

static volatile LONG64 MiSecurePages; /* o  pages in such runs */

/* A table with 512 entries that map what the large entry Old of a level does; 0: no memory. */
static PFN_NUMBER MiMakeSmallerPages(MMPTE Old, ULONG Level)
{
    ULONG64 Span = (ULONG64)PAGE_SIZE << (9 * (Level - 1));
    MMPTE First = Level == 1 ? Old & ~MI_PTE_LARGE : Old;
    PFN_NUMBER Page = MiAllocatePage(MiUsePageTable, FALSE);
    PMMPTE Table = MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT);

    for (ULONG i = 0; Page != 0 && i < MI_ENTRIES; i++) {
        Table[i] = First + i * Span;
    }
    return Page;
}

/* The last-level entry of the direct map for a page; NULL: no memory for tables. */
static PMMPTE MiMakeDirectPte(PFN_NUMBER Page)
{
    PVOID Va = MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT);
    PMMPTE Table = MiKernelPml4;

    for (ULONG Level = 3; Level > 0; Level--) {
        PMMPTE Entry = &Table[MI_ENTRY_INDEX(Va, Level)];

        if (Level < 3 && (*Entry & MI_PTE_LARGE) != 0) {
            PFN_NUMBER Smaller = MiMakeSmallerPages(*Entry, Level);

            if (Smaller == 0) {
                return NULL;
            }
            /* Both say the same, so it does not matter who still remembers which. */
            *(volatile MMPTE *)Entry = ((MMPTE)Smaller << PAGE_SHIFT) | MI_PTE_TABLE;
        }
        Table = MmPhysicalToVirtual(*Entry & MI_PTE_FRAME);
    }
    return &Table[MI_ENTRY_INDEX(Va, 0)];
}

/* Tables for the run's pages in the direct map, so that changing them cannot fail. */
static BOOLEAN MiPrepareDirect(PCHAR Va, SIZE_T Pages)
{
    for (SIZE_T i = 0; i < Pages; i++) {
        MMPTE Entry = *MiFindPte(Va + i * PAGE_SIZE);

        if (MiMakeDirectPte((PFN_NUMBER)((Entry & MI_PTE_FRAME) >> PAGE_SHIFT)) == NULL) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Write: MI_PTE_WRITE or 0. Every processor knows before it returns. */
static void MiProtectDirect(PCHAR Va, SIZE_T Pages, MMPTE Write)
{
    for (SIZE_T i = 0; i < Pages; i++) {
        PFN_NUMBER Page =
            (PFN_NUMBER)((*MiFindPte(Va + i * PAGE_SIZE) & MI_PTE_FRAME) >> PAGE_SHIFT);
        PMMPTE Direct = MiMakeDirectPte(Page);

        *(volatile MMPTE *)Direct = (*Direct & ~MI_PTE_WRITE) | Write;
        KeFlushTlbRange(MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT), 1);
    }
}

BOOLEAN MiIsSecurePage(PFN_NUMBER Page)
{
    PMMPFN Entry = MiSecurePages != 0 ? MiFindPfn(Page) : NULL;

    return (BOOLEAN)(Entry != NULL && Entry->State == MiPageActive && Entry->Use == MiUseSecure);
}

PVOID MmAllocateSecurePages(SIZE_T Pages, const void *Contents, SIZE_T Size)
{
    PCHAR Va = MiReserveFresh(&MiSecureWindow, Pages, 1, MiUseSecure, TRUE);

    if (Va == NULL) {
        return NULL;
    }
    if (!MiPrepareDirect(Va, Pages)) {
        MiUnmapRun(Va, Pages, TRUE);
        MiRelease(&MiSecureWindow, Va, Pages + 1);
        return NULL;
    }
    if (Contents != NULL) {
        memcpy(Va, Contents, Size);
    }
    InterlockedAdd64(&MiSecurePages, (LONG64)Pages);
    for (SIZE_T i = 0; i < Pages; i++) {
        *MiFindPte(Va + i * PAGE_SIZE) &= ~MI_PTE_WRITE;
    }
    KeFlushTlbRange(Va, Pages);
    MiProtectDirect(Va, Pages, 0);
    return Va;
}

BOOLEAN MmWriteSecurePages(PVOID Target, const void *Source, SIZE_T Size)
{
    PCHAR First = PAGE_ALIGN(Target);
    SIZE_T Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Target, Size);
    PCHAR Alias = MiReserve(&MiSystemPtes, Pages);

    if (Alias == NULL) {
        return FALSE;
    }
    for (SIZE_T i = 0; i < Pages; i++) {
        *MiFindPte(Alias + i * PAGE_SIZE) =
            (*MiFindPte(First + i * PAGE_SIZE) & MI_PTE_FRAME) | MiLeafBits(MM_READWRITE);
    }
    memcpy(Alias + BYTE_OFFSET(Target), Source, Size);
    MiUnmapRun(Alias, Pages, FALSE);
    KeFlushTlbRange(Alias, Pages);
    MiRelease(&MiSystemPtes, Alias, Pages);
    return TRUE;
}

void MmFreeSecurePages(PVOID Va, SIZE_T Pages)
{
    /* The entries keep what they mapped: MiUnmapRun frees by that. */
    for (SIZE_T i = 0; i < Pages; i++) {
        *MiFindPte((PCHAR)Va + i * PAGE_SIZE) &= ~MI_PTE_PRESENT;
    }
    KeFlushTlbRange(Va, Pages);
    MiProtectDirect(Va, Pages, MI_PTE_WRITE);
    MiUnmapRun(Va, Pages, TRUE);
    MiRelease(&MiSecureWindow, Va, Pages + 1);
    InterlockedAdd64(&MiSecurePages, -(LONG64)Pages);
}
