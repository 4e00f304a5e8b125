/*
 * window.c - windows of system address space: system PTEs, driver images, both pools.
 *
 * Addresses are searched for upwards from the last one given out, so an address given back rests
 * until the search has come round. That is when all processors are told to forget what they
 * remember of it: one flush for thousands of mappings, instead of an interrupt to every processor
 * for each. The processor that unmaps forgets at once. As a side effect, use after free faults for
 * a while.
 *
 * The bit maps grow with use; they stand in the same 512 GB of addresses behind the window, backed
 * as far as Limit. A failed search, even right after a flush, doubles Limit until the window is
 * used up, so fragmentation can cost address space but no requests.
 */
#include "mi.h"
#include "bitmap.h"

#define MI_WINDOW_PAGES(Gigabytes) ((ULONG)((Gigabytes)*0x40000ULL))
#define MI_MAP_OFFSET 0x4000000000UL /* 256 GB behind the window's base */
#define MI_MAP_SPAN 0x10000000UL     /* from one bit map to the other */
#define MI_FIRST_LIMIT 4096          /* pages; a multiple of 64 */
#define MI_BITS_PER_PAGE (PAGE_SIZE * 8U)

#define MI_WINDOW_AT(Address, Gigabytes)                                                           \
    {                                                                                              \
        .Base = (Address), .MaximumPages = MI_WINDOW_PAGES(Gigabytes),                             \
        .Used = (ULONG64 *)((Address) + MI_MAP_OFFSET),                                            \
        .Stale = (ULONG64 *)((Address) + MI_MAP_OFFSET + MI_MAP_SPAN)                              \
    }

MI_WINDOW MiSystemPtes = MI_WINDOW_AT(MM_SYSTEM_PTE_BASE, 128);
MI_WINDOW MiImages = MI_WINDOW_AT(MM_DRIVER_IMAGE_BASE, 32);
MI_WINDOW MiPoolWindows[3] = {MI_WINDOW_AT(MM_NONPAGED_POOL_BASE, 128),
                              MI_WINDOW_AT(MM_PAGED_POOL_BASE, 128),
                              MI_WINDOW_AT(MM_EXECUTABLE_POOL_BASE, 1)};

BOOLEAN MiIsInWindow(PMI_WINDOW Window, PVOID Va)
{
    return (ULONG_PTR)Va - Window->Base < (ULONG_PTR)Window->MaximumPages << PAGE_SHIFT;
}

/* Special pool, 128 GB behind the pools' own windows, so that its addresses tell the kind too. */
#define MI_GUARDED_OFFSET 0x2000000000UL
MI_WINDOW MiGuardedWindows[2] = {MI_WINDOW_AT(MM_NONPAGED_POOL_BASE + MI_GUARDED_OFFSET, 64),
                                 MI_WINDOW_AT(MM_PAGED_POOL_BASE + MI_GUARDED_OFFSET, 64)};

MI_WINDOW MiSecureWindow = MI_WINDOW_AT(MM_NONPAGED_POOL_BASE + 0x3000000000UL, 32);

/* Backs a bit map from bit First to bit End, zeroed; what is backed already is left alone. */
static BOOLEAN MiBackMap(ULONG64 *Map, ULONG First, ULONG End)
{
    for (ULONG Bit = First & ~(MI_BITS_PER_PAGE - 1); Bit < End; Bit += MI_BITS_PER_PAGE) {
        PMMPTE Entry = MiMakePte(&Map[Bit / 64]);
        PFN_NUMBER Page;

        if (Entry == NULL) {
            return FALSE;
        }
        if (*Entry != 0) {
            continue;
        }
        Page = MiAllocatePage(MiUsePageTable, TRUE);
        if (Page == 0) {
            return FALSE;
        }
        *Entry = ((MMPTE)Page << PAGE_SHIFT) | MiLeafBits(MM_READWRITE);
    }
    return TRUE;
}

/* Makes room for at least Count pages more; FALSE when window or memory is used up. */
static BOOLEAN MiGrowWindow(PMI_WINDOW Window, ULONG Count)
{
    ULONG Room = Window->MaximumPages - Window->Limit;
    ULONG Step = max(Count, Window->Limit);

    Step = min((max(Step, MI_FIRST_LIMIT) + 63) & ~63U, Room);
    if (Step < Count || !MiBackMap(Window->Used, Window->Limit, Window->Limit + Step) ||
        !MiBackMap(Window->Stale, Window->Limit, Window->Limit + Step)) {
        return FALSE;
    }
    Window->Hint = Window->Limit;
    Window->Limit += Step;
    return TRUE;
}

void MiInitializeWindows(void)
{
    PMI_WINDOW Windows[] = {&MiSystemPtes,        &MiImages,         &MiPoolWindows[0],
                            &MiPoolWindows[1],    &MiPoolWindows[2], &MiGuardedWindows[0],
                            &MiGuardedWindows[1], &MiSecureWindow};

    for (ULONG i = 0; i < ARRAYSIZE(Windows); i++) {
        KiRankLock(&Windows[i]->Lock, "window", LOCK_ORDER_MM_PTE);
        if (!MiGrowWindow(Windows[i], MI_FIRST_LIMIT)) {
            KeBugCheckEx(MEMORY1_INITIALIZATION_FAILED, 2, i, 0, 0);
        }
    }
}

/* Every processor forgets the stale pages, which are free from now on. */
static void MiFlushStale(PMI_WINDOW Window)
{
    ULONG Count = Window->StaleHigh - Window->StaleLow;

    if (Count != 0) {
        KeFlushTlbRange((PVOID)(Window->Base + ((ULONG_PTR)Window->StaleLow << PAGE_SHIFT)), Count);
        MiSubtractRun(Window->Used, Window->Stale, Window->StaleLow, Window->StaleHigh);
        Window->StaleLow = Window->StaleHigh = 0;
    }
}

/* A run of Count clear bits: behind the hint, or from the bottom, or in new room. */
static ULONG MiFindRun(PMI_WINDOW Window, ULONG Count)
{
    ULONG First = MiFindClearRun(Window->Used, Window->Hint, Window->Limit, Count);

    if (First == MI_NO_RUN) {
        MiFlushStale(Window);
        First = MiFindClearRun(Window->Used, 0, Window->Limit, Count);
    }
    if (First == MI_NO_RUN && MiGrowWindow(Window, Count)) {
        First = MiFindClearRun(Window->Used, Window->Hint, Window->Limit, Count);
    }
    return First;
}

PVOID MiReserve(PMI_WINDOW Window, SIZE_T Pages)
{
    KIRQL OldIrql;
    ULONG First;
    PVOID Va;

    if (Pages == 0 || Pages > Window->MaximumPages || !MiAreEnoughFree(Pages / MI_ENTRIES)) {
        return NULL;
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Window->Lock);
    First = MiFindRun(Window, (ULONG)Pages);
    if (First != MI_NO_RUN) {
        MiSetRun(Window->Used, First, (ULONG)Pages);
        Window->Hint = First + (ULONG)Pages;
        Window->PagesInUse += (ULONG)Pages;
    }
    KeReleaseSpinLock(&Window->Lock, OldIrql);
    if (First == MI_NO_RUN) {
        return NULL;
    }
    Va = (PVOID)(Window->Base + ((ULONG_PTR)First << PAGE_SHIFT));
    if (!MiMakePtes(Va, Pages)) {
        MiRelease(Window, Va, Pages);
        return NULL;
    }
    return Va;
}

PVOID MiReserveFresh(PMI_WINDOW Window, SIZE_T Pages, SIZE_T Extra, MI_PAGE_USE Use, BOOLEAN Zeroed)
{
    PVOID Va = MiAreEnoughFree(Pages) ? MiReserve(Window, Pages + Extra) : NULL;

    if (Va != NULL && !MiMapFreshPages(Va, Pages, Use, Zeroed)) {
        MiRelease(Window, Va, Pages + Extra);
        Va = NULL;
    }
    return Va;
}

void MiRelease(PMI_WINDOW Window, PVOID Va, SIZE_T Pages)
{
    ULONG First = (ULONG)(((ULONG_PTR)Va - Window->Base) >> PAGE_SHIFT);
    ULONG Count = (ULONG)Pages;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Window->Lock);

    /* Not given out, or given back already. */
    if (First + Count > Window->Limit || !MiIsRunSet(Window->Used, First, Count) ||
        MiFindClearRun(Window->Stale, First, First + Count, Count) != First) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_NOT_RESERVED, (ULONG_PTR)Va, Pages, Window->Limit);
    }
    MiSetRun(Window->Stale, First, Count);
    if (Window->StaleLow == Window->StaleHigh) {
        Window->StaleLow = First;
        Window->StaleHigh = First + Count;
    } else {
        Window->StaleLow = min(Window->StaleLow, First);
        Window->StaleHigh = max(Window->StaleHigh, First + Count);
    }
    Window->PagesInUse -= Count;
    KeReleaseSpinLock(&Window->Lock, OldIrql);
}
