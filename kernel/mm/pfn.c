/*
 * pfn.c - physical pages: the page database and the free list.
 *
 * Memory that was never used stands in MiFresh, as ranges that are consumed from the top, the
 * highest range first, so that low memory lasts for devices. Only pages that have left a range have
 * an entry in the database, and the database itself is backed only where it has entries: starting
 * costs the same on every machine, however large. Freed pages go to one last-in-first-out list.
 *
 * MiPfnLock guards the ranges, the list, the counters, and State and Use of every entry.
 */
#include "mi.h"
#include "debugger.h"
#include "kd.h"

#define PFNS_PER_PAGE (PAGE_SIZE / sizeof(MMPFN))

/* Never used pages: [First, Left) are left, [Left, End) are in the database. */
typedef struct _MI_FRESH_RANGE {
    PFN_NUMBER First, Left, End;
} MI_FRESH_RANGE, *PMI_FRESH_RANGE;

#define MI_LAST_PAGE (PFN_NUMBER)0xFFFFFFFF /* what a link of the free list can tell */
#define MI_FRESH_SPLITS 64                  /* ranges that come of taking pages out of the middle */
#define MI_EARLY_LIMIT (PFN_NUMBER)(LOADER_MAPPED_LIMIT >> PAGE_SHIFT)

KSPIN_LOCK MiPfnLock;
KI_RANKED_LOCK(MiPfnLock, LOCK_ORDER_MM_PFN);
static MI_FRESH_RANGE MiFresh[LOADER_MAXIMUM_DESCRIPTORS + 1 + MI_FRESH_SPLITS];
static ULONG MiFreshCount; /* ranges at and above this index are used up */
static ULONG MiRangeCount;
static ULONG MiFreeList;
static ULONG64 MiFreePages, MiTotalPages;
PFN_NUMBER MiHighestPage; /* of RAM; the map is sorted */
static ULONG64 MiPagesInUse[MiUseMaximum];
PLOADER_BLOCK MiMemoryMap;
/* The watch on the number of free pages; without one the range is all numbers. */
static ULONG64 MiWatchFirst, MiWatchCount = ~0ULL;
static PKDPC MiWatchDpc;

static BOOLEAN MiTrackPage(PFN_NUMBER Page, MI_PAGE_USE Use);

void MiZeroPage(PFN_NUMBER Page)
{
    PVOID Destination = MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT);
    ULONG64 Count = PAGE_SIZE / 8;

    __asm__ volatile("rep stosq" : "+D"(Destination), "+c"(Count) : "a"(0ULL) : "memory");
}

static BOOLEAN MiIsRamType(LOADER_MEMORY_TYPE Type)
{
    return Type <= LoaderAcpiNvs || Type == LoaderBad;
}

BOOLEAN MiIsRam(ULONG64 Base, ULONG64 End)
{
    for (ULONG i = 0; i < MiMemoryMap->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Run = &MiMemoryMap->Descriptors[i];

        if (MiIsRamType(Run->Type) && Run->Base < End &&
            Run->Base + (Run->PageCount << PAGE_SHIFT) > Base) {
            return TRUE;
        }
    }
    return FALSE;
}

KI_DEBUGGER_TEXT BOOLEAN MiIsUsableRamType(LOADER_MEMORY_TYPE Type)
{
    return Type <= LoaderAcpiNvs;
}

KI_DEBUGGER_TEXT BOOLEAN MiIsUsableRam(ULONG64 Base, ULONG64 End)
{
    /* The map is sorted, so one pass follows neighbouring runs. */
    for (ULONG i = 0; i < MiMemoryMap->DescriptorCount && Base < End; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Run = &MiMemoryMap->Descriptors[i];
        ULONG64 RunEnd = Run->Base + (Run->PageCount << PAGE_SHIFT);

        if (MiIsUsableRamType(Run->Type) && Run->Base <= Base && RunEnd > Base) {
            Base = RunEnd;
        }
    }
    return Base >= End;
}

/* A page of the database that is there once is there for ever, so the last one found, by whatever
 * processor, saves most walks. */
PMMPFN MiFindPfn(PFN_NUMBER Page)
{
    static volatile PFN_NUMBER Known = ~0UL;

    if (Page / PFNS_PER_PAGE != Known) {
        PMMPTE Entry = Page <= MI_LAST_PAGE ? MiFindPte(MI_PFN(Page)) : NULL;

        if (Entry == NULL || (*Entry & MI_PTE_PRESENT) == 0) {
            return NULL;
        }
        Known = Page / PFNS_PER_PAGE;
    }
    return MI_PFN(Page)->State == MiPageUntracked ? NULL : MI_PFN(Page);
}

static void MiAddFreshRange(PFN_NUMBER First, PFN_NUMBER End)
{
    MiFresh[MiRangeCount++] = (MI_FRESH_RANGE){First, End, End};
    MiFreePages += End - First;
}

ULONG64 MiInitializeFreeRanges(PLOADER_BLOCK LoaderBlock)
{
    MiMemoryMap = LoaderBlock;
    for (ULONG i = 0; i < LoaderBlock->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Run = &LoaderBlock->Descriptors[i];
        PFN_NUMBER First = (PFN_NUMBER)(Run->Base >> PAGE_SHIFT), End = First + Run->PageCount;

        if (Run->Type <= LoaderAcpiReclaim) {
            MiTotalPages += Run->PageCount;
            MiHighestPage = End - 1;
        }
        End = min(End, MI_LAST_PAGE);
        if (Run->Type != LoaderFree || First >= End) {
            continue;
        }
        /* Cut where the loader's mapping ends, so that each range is early memory as a whole or
         * not. */
        if (First < MI_EARLY_LIMIT && End > MI_EARLY_LIMIT) {
            MiAddFreshRange(First, MI_EARLY_LIMIT);
            First = MI_EARLY_LIMIT;
        }
        MiAddFreshRange(First, End);
    }
    MiFreshCount = MiRangeCount;
    return MiFreePages;
}

PFN_NUMBER MiTakeEarlyPage(void)
{
    for (ULONG i = MiRangeCount; i-- > 0;) {
        PMI_FRESH_RANGE Range = &MiFresh[i];

        if (Range->First < Range->Left && Range->Left <= MI_EARLY_LIMIT) {
            MiFreePages--;
            MiZeroPage(--Range->Left);
            return Range->Left;
        }
    }
    KeBugCheckEx(MEMORY1_INITIALIZATION_FAILED, 1, MiTotalPages, 0, 0);
}

/* The next page that was never used, not in the database yet; 0 when there is none. */
static PFN_NUMBER MiTakeFreshPage(void)
{
    while (MiFreshCount != 0) {
        PMI_FRESH_RANGE Range = &MiFresh[MiFreshCount - 1];

        if (Range->First < Range->Left) {
            MiFreePages--;
            return --Range->Left;
        }
        MiFreshCount--;
    }
    return 0;
}

/*
 * Backs the entry of Page, at first with nothing but fresh pages. New tables, and the backing page,
 * are entered last: entering them may need backing elsewhere, which comes back here and finds these
 * in place. FALSE when memory is exhausted.
 */
static BOOLEAN MiBackEntry(PFN_NUMBER Page)
{
    PMMPTE Entry = MiKernelPml4;
    PFN_NUMBER Made[4];
    ULONG Count = 0;

    for (ULONG Level = 4; Level-- > 0;) {
        Entry += MI_ENTRY_INDEX(MI_PFN(Page), Level);
        if ((*Entry & MI_PTE_PRESENT) == 0) {
            Made[Count] = MiTakeFreshPage();
            if (Made[Count] == 0) {
                return FALSE;
            }
            MiZeroPage(Made[Count]);
            *Entry = ((ULONG64)Made[Count++] << PAGE_SHIFT) |
                     (Level == 0 ? MI_PTE_LEAF | MI_PTE_WRITE | MiNoExecute : MI_PTE_TABLE);
        }
        Entry = MmPhysicalToVirtual(*Entry & MI_PTE_FRAME);
    }
    for (ULONG i = 0; i < Count; i++) {
        MiTrackPage(Made[i], i == Count - 1 ? MiUsePfnDatabase : MiUsePageTable);
    }
    return TRUE;
}

/* Enters a page that has left its range. FALSE: no memory for the entry, the page is lost. */
static BOOLEAN MiTrackPage(PFN_NUMBER Page, MI_PAGE_USE Use)
{
    static PFN_NUMBER BackedGroup = ~0UL; /* the group of entries found backed last */

    if (Page / PFNS_PER_PAGE != BackedGroup) {
        if (!MiBackEntry(Page)) {
            return FALSE;
        }
        BackedGroup = Page / PFNS_PER_PAGE;
    }
    MI_PFN(Page)->State = MiPageActive;
    MI_PFN(Page)->Use = (UCHAR)Use & 0xF;
    MiPagesInUse[Use]++;
    return TRUE;
}

void MiStartPageDatabase(void)
{
    for (ULONG i = 0; i < MiRangeCount; i++) {
        /* Backing may take more pages of the same range, and enters those by itself. */
        for (PFN_NUMBER Page = MiFresh[i].Left; Page < MiFresh[i].End; Page++) {
            MiTrackPage(Page, MiUsePageTable);
        }
    }
}

/* Takes a page out of the free list. With MiPfnLock held. */
static void MiClaimFreePage(PFN_NUMBER Page, MI_PAGE_USE Use)
{
    PMMPFN Entry = MI_PFN(Page);

    if (Entry->PreviousFree == 0) {
        MiFreeList = Entry->NextFree;
    } else {
        MI_PFN(Entry->PreviousFree)->NextFree = Entry->NextFree;
    }
    if (Entry->NextFree != 0) {
        MI_PFN(Entry->NextFree)->PreviousFree = Entry->PreviousFree;
    }
    Entry->NextFree = Entry->PreviousFree = 0;
    Entry->State = MiPageActive;
    Entry->Use = (UCHAR)Use & 0xF;
    MiPagesInUse[Use]++;
    MiFreePages--;
}

/* With MiPfnLock held. */
static PFN_NUMBER MiTakePage(MI_PAGE_USE Use)
{
    PFN_NUMBER Page = MiFreeList;

    if (Page == 0) {
        Page = MiTakeFreshPage();
        return Page != 0 && MiTrackPage(Page, Use) ? Page : 0;
    }
    MiClaimFreePage(Page, Use);
    return Page;
}

/* With MiPfnLock held. */
static void MiPushPage(PFN_NUMBER Page)
{
    MI_PFN(Page)->NextFree = MiFreeList;
    MI_PFN(Page)->PreviousFree = 0;
    MI_PFN(Page)->State = MiPageFree;
    if (MiFreeList != 0) {
        MI_PFN(MiFreeList)->PreviousFree = (ULONG)Page;
    }
    MiFreeList = (ULONG)Page;
    MiFreePages++;
}

/*** Pages that are chosen (pagerun.c). ***/

/* The fresh range that a page is left in, or NULL. */
static PMI_FRESH_RANGE MiFindFreshRange(PFN_NUMBER Page)
{
    for (ULONG i = 0; i < MiFreshCount; i++) {
        if (Page >= MiFresh[i].First && Page < MiFresh[i].Left) {
            return &MiFresh[i];
        }
    }
    return NULL;
}

BOOLEAN MiIsFreePage(PFN_NUMBER Page)
{
    PMMPFN Entry = MiFindPfn(Page);

    return Entry != NULL ? Entry->State == MiPageFree : MiFindFreshRange(Page) != NULL;
}

/* Takes a page out of the middle of its range, which becomes two; FALSE: too many ranges. */
static BOOLEAN MiSplitFreshRange(PMI_FRESH_RANGE Range, PFN_NUMBER Page)
{
    MI_FRESH_RANGE Upper = {Page + 1, Range->Left, Range->End};

    if (Page == Range->First) {
        Range->First++;
    } else if (Page == Range->Left - 1) {
        Range->Left--;
    } else if (MiFreshCount == ARRAYSIZE(MiFresh)) {
        return FALSE;
    } else {
        RtlMoveMemory(Range + 2, Range + 1, (PCHAR)&MiFresh[MiFreshCount] - (PCHAR)(Range + 1));
        Range[0].Left = Page;
        Range[1] = Upper;
        MiFreshCount++;
    }
    MiFreePages--;
    return TRUE;
}

BOOLEAN MiTakeThisPage(PFN_NUMBER Page, MI_PAGE_USE Use)
{
    PMMPFN Entry = MiFindPfn(Page);
    PMI_FRESH_RANGE Range;

    if (Entry != NULL) {
        if (Entry->State != MiPageFree) {
            return FALSE;
        }
        MiClaimFreePage(Page, Use);
        return TRUE;
    }
    Range = MiFindFreshRange(Page);
    return Range != NULL && MiSplitFreshRange(Range, Page) && MiTrackPage(Page, Use);
}

void MiReturnPage(PFN_NUMBER Page)
{
    MiPagesInUse[MI_PFN(Page)->Use]--;
    MiPushPage(Page);
}

/* After each change of MiFreePages, with MiPfnLock held. Whoever watches looks at the number by
 * itself, in the DPC, and then sets the next watch. */
void MiCheckWatch(void)
{
    if (MiFreePages - MiWatchFirst >= MiWatchCount) {
        MiWatchFirst = 0;
        MiWatchCount = ~0ULL;
        KeInsertQueueDpc(MiWatchDpc, NULL, NULL);
    }
}

void MmWatchFreePages(PKDPC Dpc, ULONG64 First, ULONG64 Count)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiPfnLock);

    MiWatchDpc = Dpc;
    MiWatchFirst = First;
    MiWatchCount = Count;
    MiCheckWatch();
    KeReleaseSpinLock(&MiPfnLock, OldIrql);
}

PFN_NUMBER MiAllocatePage(MI_PAGE_USE Use, BOOLEAN Zeroed)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiPfnLock);
    PFN_NUMBER Page = MiTakePage(Use);

    MiCheckWatch();
    KeReleaseSpinLock(&MiPfnLock, OldIrql);
    /* Not under the lock, which every processor wants: the page is the caller's alone by now. */
    if (Page != 0 && Zeroed) {
        MiZeroPage(Page);
    }
    return Page;
}

/* Unlocked: the answer may be old when it is used, and the allocation itself decides. */
BOOLEAN MiAreEnoughFree(ULONG64 Pages)
{
    return Pages < *(volatile ULONG64 *)&MiFreePages;
}

PFN_NUMBER MmAllocatePage(BOOLEAN Zeroed)
{
    return MiAllocatePage(MiUseOther, Zeroed);
}

void MmFreePage(PFN_NUMBER Page)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiPfnLock);
    PMMPFN Entry = MI_PFN(Page);

    if (Entry->State != MiPageActive) {
        KeBugCheckEx(PFN_LIST_CORRUPT, MM_FREED_TWICE, Page, Entry->State, Entry->Use);
    }
    if (Entry->LockCount != 0) {
        KeBugCheckEx(PFN_LIST_CORRUPT, MM_FREED_LOCKED, Page, Entry->State,
                     (ULONG_PTR)Entry->LockCount);
    }
    MiPagesInUse[Entry->Use]--;
    MiPushPage(Page);
    MiCheckWatch();
    KeReleaseSpinLock(&MiPfnLock, OldIrql);
}

void MiDonatePages(PFN_NUMBER First, ULONG64 Count)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiPfnLock);

    for (PFN_NUMBER Page = First; Page < First + Count; Page++) {
        if (MiTrackPage(Page, MiUseOther)) {
            MiPagesInUse[MiUseOther]--;
            MiPushPage(Page);
        }
    }
    KeReleaseSpinLock(&MiPfnLock, OldIrql);
}

ULONG64 MiQueryUse(MI_PAGE_USE Use)
{
    return MiPagesInUse[Use];
}

void MiQueryFreePages(ULONG64 *Total, ULONG64 *Free)
{
    *Total = MiTotalPages;
    *Free = MiFreePages;
}
