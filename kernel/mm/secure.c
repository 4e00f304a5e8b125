/*
 * secure.c - pages of pool that nobody can write: mapped read-only where they are used, and
 * read-only in the direct map too, which otherwise shows all memory writable.
 *
 * Who may change them does so through another mapping, which exists for the time of the change only
 * and is forgotten by every processor before the change is over. No other writable mapping is made
 * of such a page: a mapping of an MDL or of physical memory that asks for one fails.
 *
 * The direct map is made of large pages. A page that is to differ from its neighbours has their
 * large page replaced by a table of smaller ones, for ever (directmap.c).
 */
#include "mi.h"

static volatile LONG64 MiSecurePages; /* o  pages in such runs */

/* Tables for the run's pages in the direct map, so that changing them cannot fail. */
static BOOLEAN MiPrepareDirect(PCHAR Va, SIZE_T Pages)
{
    for (SIZE_T i = 0; i < Pages; i++) {
        MMPTE Entry = *MiFindPte(Va + i * PAGE_SIZE);

        if (MiMakeDirectEntry((PFN_NUMBER)((Entry & MI_PTE_FRAME) >> PAGE_SHIFT)) == NULL) {
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
        PMMPTE Direct = MiMakeDirectEntry(Page);

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
