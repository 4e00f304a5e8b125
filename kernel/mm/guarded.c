/*
 * guarded.c - single pages between pages that are never mapped, for special pool.
 *
 * A page and the unmapped one behind it are a run of the pool's second window; what is before it
 * is the unmapped page of another run. Entries that are not present say what they were: a guard, or
 * a page that has been given back. They say so until the addresses are used again, which takes
 * until the window's search comes round.
 *
 * A page that is given back faults on every processor at once, before it is anything else.
 */
#include "mi.h"

/* Not present: was a page of special pool. */
#define MI_PTE_FREED 0x800ULL

static PMI_WINDOW MiGuardedWindowOf(PVOID Va)
{
    for (ULONG Kind = 0; Kind < ARRAYSIZE(MiGuardedWindows); Kind++) {
        if (MiIsInWindow(&MiGuardedWindows[Kind], Va)) {
            return &MiGuardedWindows[Kind];
        }
    }
    return NULL;
}

PVOID MmAllocateGuardedPage(ULONG Kind)
{
    PCHAR Va = MiReserveFresh(&MiGuardedWindows[Kind], 1, 1, MiUsePool, FALSE);

    if (Va != NULL) {
        *MiFindPte(Va + PAGE_SIZE) = MI_PTE_GUARD;
    }
    return Va;
}

MM_GUARDED_STATE MmQueryGuardedPage(PVOID Address)
{
    PMMPTE Entry = MiGuardedWindowOf(Address) != NULL ? MiFindPte(Address) : NULL;
    MMPTE Value = Entry != NULL ? *(volatile MMPTE *)Entry : 0;

    if (Value & MI_PTE_PRESENT) {
        return MmGuardedInUse;
    }
    if (Value & MI_PTE_FREED) {
        return MmGuardedFreed;
    }
    /* Before the first page of a window there is none that could be marked. */
    return Value == MI_PTE_GUARD ||
                   (Entry == NULL && MiGuardedWindowOf((PCHAR)Address + PAGE_SIZE) != NULL)
               ? MmGuardedBeyond
               : MmNotGuarded;
}

/* Of two that free a page at once, one takes it out of the entry. */
BOOLEAN MmFreeGuardedPage(PVOID Page)
{
    PMI_WINDOW Window = MiGuardedWindowOf(Page);
    PMMPTE Entry = Window != NULL ? MiFindPte(Page) : NULL;
    MMPTE Old = Entry != NULL ? *(volatile MMPTE *)Entry : 0;

    if ((Old & MI_PTE_PRESENT) == 0 ||
        InterlockedCompareExchange64(Entry, MI_PTE_FREED, (LONG64)Old) != (LONG64)Old) {
        return FALSE;
    }
    KeFlushTlbRange(Page, 1);
    MmFreePage((PFN_NUMBER)((Old & MI_PTE_FRAME) >> PAGE_SHIFT));
    MiRelease(Window, Page, 2);
    return TRUE;
}
