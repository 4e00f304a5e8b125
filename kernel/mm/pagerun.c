/*
 * pagerun.c - pages that must lie somewhere: in a row, below an address, not over a boundary.
 *
 * The page database, and for memory that was never used the fresh ranges, are searched from the
 * highest page that will do downwards, so low memory lasts for those who need it. Any free pages
 * side by side are found, however free memory is scattered. The place of the run that was freed
 * last is looked at first: who allocates and frees in turn does not search.
 *
 * All under MiPfnLock. Taking a page may use up others for the database itself; then the run is
 * given up and the search begins again.
 */
#include "mi.h"

#define MI_RUN_TRIES 4

static PFN_NUMBER MiLastRun; /* MiPfnLock */

MI_PAGE_LIMITS MiPageLimits(ULONG64 Lowest, ULONG64 Highest)
{
    PFN_NUMBER End = Highest == ~0ULL ? 1ULL << (64 - PAGE_SHIFT) : (Highest + 1) >> PAGE_SHIFT;
    PFN_NUMBER First = Lowest > ~0ULL - PAGE_SIZE ? End : ROUND_TO_PAGES(Lowest) >> PAGE_SHIFT;

    /* Page 0 is never given out. */
    return (MI_PAGE_LIMITS){max(First, 1), End == 0 ? 0 : min(End - 1, MiHighestPage), 0, 1};
}

/* The next page below Page that may be RAM; 0: none. Bottom, at first ~0, is the first page of the
 * run of RAM that the search is in. Holes are skipped at once. */
static PFN_NUMBER MiNextRamBelow(PFN_NUMBER Page, PFN_NUMBER *Bottom)
{
    if (Page > *Bottom) {
        return Page - 1;
    }
    for (ULONG i = MiMemoryMap->DescriptorCount; i-- > 0;) {
        const LOADER_MEMORY_DESCRIPTOR *Run = &MiMemoryMap->Descriptors[i];
        PFN_NUMBER First = (PFN_NUMBER)(Run->Base >> PAGE_SHIFT);

        if (Run->Type <= LoaderSmpTrampoline && First < Page) {
            *Bottom = First;
            return min(Page - 1, First + Run->PageCount - 1);
        }
    }
    return 0;
}

static BOOLEAN MiFits(PFN_NUMBER First, ULONG64 Count, const MI_PAGE_LIMITS *Limits)
{
    return First >= Limits->Lowest && First + Count - 1 <= Limits->Highest &&
           (First & (Limits->Alignment - 1)) == 0 &&
           (Limits->Boundary == 0 ||
            First / Limits->Boundary == (First + Count - 1) / Limits->Boundary);
}

static BOOLEAN MiIsFreeRun(PFN_NUMBER First, ULONG64 Count)
{
    for (ULONG64 i = 0; i < Count; i++) {
        if (!MiIsFreePage(First + i)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* The highest free run; 0: none. */
static PFN_NUMBER MiFindFreeRun(ULONG64 Count, const MI_PAGE_LIMITS *Limits)
{
    PFN_NUMBER Above = 0, Page = Limits->Highest + 1, Bottom = ~0UL;
    ULONG64 Free = 0;

    if (MiLastRun != 0 && MiFits(MiLastRun, Count, Limits) && MiIsFreeRun(MiLastRun, Count)) {
        return MiLastRun;
    }
    while ((Page = MiNextRamBelow(Page, &Bottom)) >= Limits->Lowest && Page != 0) {
        Free = !MiIsFreePage(Page) ? 0 : Page + 1 == Above ? Free + 1 : 1;
        Above = Page;
        if (Free >= Count && MiFits(Page, Count, Limits)) {
            return Page;
        }
    }
    return 0;
}

/* Highest first: a fresh range then loses pages at one end. FALSE: one of them is not free any
 * more, and all are given back. */
static BOOLEAN MiTakeFoundRun(PFN_NUMBER First, ULONG64 Count)
{
    for (ULONG64 i = Count; i-- > 0;) {
        if (!MiTakeThisPage(First + i, MiUseDriver)) {
            while (++i < Count) {
                MiReturnPage(First + i);
            }
            return FALSE;
        }
    }
    return TRUE;
}

PFN_NUMBER MiTakeRun(ULONG64 Count, const MI_PAGE_LIMITS *Limits)
{
    PFN_NUMBER First = 0;
    KIRQL OldIrql;

    if (!MiAreEnoughFree(Count)) {
        return 0;
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&MiPfnLock);
    for (ULONG Try = 0; Try < MI_RUN_TRIES; Try++) {
        First = MiFindFreeRun(Count, Limits);
        if (First == 0 || MiTakeFoundRun(First, Count)) {
            break;
        }
        First = 0;
    }
    MiCheckWatch();
    KeReleaseSpinLock(&MiPfnLock, OldIrql);
    return First;
}

ULONG64 MiTakePages(PPFN_NUMBER List, ULONG64 Count, const MI_PAGE_LIMITS *Limits)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiPfnLock);
    PFN_NUMBER Page = Limits->Highest + 1, Bottom = ~0UL;
    ULONG64 Taken = 0;

    while (Taken < Count && (Page = MiNextRamBelow(Page, &Bottom)) >= Limits->Lowest && Page != 0) {
        if (MiIsFreePage(Page) && MiTakeThisPage(Page, MiUseDriver)) {
            List[Taken++] = Page;
        }
    }
    MiCheckWatch();
    KeReleaseSpinLock(&MiPfnLock, OldIrql);
    return Taken;
}

void MiFreeRun(PFN_NUMBER First, ULONG64 Count)
{
    for (ULONG64 i = Count; i-- > 0;) {
        MmFreePage(First + i);
    }
    MiLastRun = First; /* a hint: whoever writes last */
}
