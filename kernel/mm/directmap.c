/*
 * directmap.c - how pages are cached, in the direct map too, and the direct map's small entries.
 *
 * A page must be cached in one way wherever it is mapped, or its contents are undefined. So a page
 * that a driver gets uncached or write-combined changes its entry in the direct map before it is
 * mapped elsewhere, and back before it is freed; the page database tells later mappings. For that
 * the large page around it is divided, for ever. Tables are only added, by compare-exchange; an
 * entry of the last level belongs to the page's owner.
 */
#include "mi.h"

#define CACHE_LINE 64

/* A table that maps what the large entry of the given level (1 or 2) maps. */
static BOOLEAN MiDivide(PMMPTE Entry, MMPTE Old, ULONG Level, PVOID Va)
{
    ULONG64 Span = (ULONG64)PAGE_SIZE << (9 * (Level - 1));
    PFN_NUMBER Page = MiAllocatePage(MiUsePageTable, FALSE);
    PMMPTE Table = MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT);

    if (Page == 0) {
        return FALSE;
    }
    for (ULONG64 i = 0; i < MI_ENTRIES; i++) {
        Table[i] = (Level == 1 ? Old & ~MI_PTE_LARGE : Old) + i * Span;
    }
    if (!__atomic_compare_exchange_n(Entry, &Old, ((MMPTE)Page << PAGE_SHIFT) | MI_PTE_TABLE, FALSE,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        MmFreePage(Page); /* somebody else was quicker */
        return TRUE;
    }
    /* Nobody may go on with the large translation: entries of the new table will change. */
    KeFlushTlbRange((PVOID)((ULONG_PTR)Va & ~(Span * MI_ENTRIES - 1)),
                    Span * MI_ENTRIES / PAGE_SIZE);
    return TRUE;
}

PMMPTE MiMakeDirectEntry(PFN_NUMBER Page)
{
    PVOID Va = MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT);
    PMMPTE Table = MiKernelPml4;

    for (ULONG Level = 3; Level > 0; Level--) {
        PMMPTE Entry = &Table[MI_ENTRY_INDEX(Va, Level)];
        MMPTE Old = *(volatile MMPTE *)Entry;

        if ((Old & MI_PTE_LARGE) != 0 && !MiDivide(Entry, Old, Level, Va)) {
            return NULL;
        }
        Table = MmPhysicalToVirtual(*(volatile MMPTE *)Entry & MI_PTE_FRAME);
    }
    return &Table[MI_ENTRY_INDEX(Va, 0)];
}

/* What caches hold of the page goes to memory, and is forgotten. */
static void MiFlushPage(PCHAR Va)
{
    for (ULONG i = 0; i < PAGE_SIZE; i += CACHE_LINE) {
        __asm__ volatile("clflush (%0)" : : "r"(Va + i) : "memory");
    }
    _mm_mfence();
}

BOOLEAN MiChangePageCache(PFN_NUMBER Page, ULONG Cache)
{
    PMMPTE Entry = MiMakeDirectEntry(Page);

    if (Entry == NULL) {
        return FALSE;
    }
    *Entry = (*Entry & ~MI_PTE_CACHE) | MiCacheBits(Cache);
    MI_PFN(Page)->Cache = (UCHAR)Cache;
    return TRUE;
}

/* One flush on all processors for however many pages: those are full flushes anyway. */
BOOLEAN MiSetPageCaches(const PFN_NUMBER *List, PFN_NUMBER First, ULONG64 Count, ULONG Cache)
{
    BOOLEAN Changed = FALSE, Complete = TRUE;

    for (ULONG64 i = 0; i < Count && Complete; i++) {
        PFN_NUMBER Page = List != NULL ? List[i] : First + i;

        if (MI_PFN(Page)->Cache != Cache) {
            Complete = MiChangePageCache(Page, Cache);
            Changed = TRUE;
        }
    }
    if (Changed) {
        KeFlushTlbRange((PVOID)MM_DIRECT_MAP_BASE, MI_ENTRIES);
        for (ULONG64 i = 0; i < Count; i++) {
            PFN_NUMBER Page = List != NULL ? List[i] : First + i;

            MiFlushPage(MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT));
        }
    }
    return Complete;
}
