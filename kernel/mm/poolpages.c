/*
 * poolpages.c - runs of pages for the pools.
 *
 * The first page's database entry remembers length, tag and owner of a run, so pages need no
 * headers. Freeing claims a run by taking its length, which makes the second of two frees find
 * nothing.
 */
#include "mi.h"

/* Longest run that RunPages can tell: 8 TB. */
#define MI_MAXIMUM_RUN 0x7FFFFFFFUL
#define MI_EXECUTABLE_POOL 2

/* The database entry of the page mapped at Base, a page-aligned pool address; NULL for none. */
static PMMPFN MiFindRunEntry(PVOID Base)
{
    LONG Kind = MmQueryPoolKind(Base);
    PMMPTE Entry = Kind >= 0 && MiIsInWindow(&MiPoolWindows[Kind], Base) ? MiFindPte(Base) : NULL;

    if (Entry == NULL || !MiHasPage(*Entry)) {
        return NULL;
    }
    return MI_PFN((*Entry & MI_PTE_FRAME) >> PAGE_SHIFT);
}

/* Nobody has used these addresses since all processors forgot them. */
static void MiAllowExecution(PCHAR Va, SIZE_T Pages)
{
    for (SIZE_T i = 0; i < Pages; i++) {
        *MiFindPte(Va + i * PAGE_SIZE) &= ~MiNoExecute;
    }
}

PVOID MmAllocatePoolPages(ULONG Kind, SIZE_T Pages, ULONG Tag, USHORT Owner)
{
    PMMPFN First;
    PVOID Va;

    if (Pages == 0 || Pages > MI_MAXIMUM_RUN) {
        return NULL;
    }
    Va = MiReserveFresh(&MiPoolWindows[Kind], Pages, 1, MiUsePool, FALSE);
    if (Va != NULL) {
        First = MiFindRunEntry(Va);
        if (Kind == MI_EXECUTABLE_POOL) {
            MiAllowExecution(Va, Pages);
        }
        First->PoolTag = Tag;
        First->PoolOwner = Owner;
        First->RunPages = (ULONG)Pages;
    }
    return Va;
}

SIZE_T MmQueryPoolPages(PVOID Base, ULONG *Tag, USHORT *Owner)
{
    PMMPFN First = MiFindRunEntry(Base);

    if (First == NULL || First->RunPages == 0) {
        return 0;
    }
    *Tag = First->PoolTag;
    *Owner = First->PoolOwner;
    return First->RunPages;
}

SIZE_T MmFreePoolPages(PVOID Base)
{
    PMMPFN First = MiFindRunEntry(Base);
    SIZE_T Pages = First == NULL ? 0 : (ULONG)InterlockedExchange(&First->RunPages, 0);

    if (Pages != 0) {
        First->PoolTag = 0;
        MiUnmapRun(Base, Pages, TRUE);
        MiRelease(&MiPoolWindows[MmQueryPoolKind(Base)], Base, Pages + 1);
    }
    return Pages;
}
