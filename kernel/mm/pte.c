/*
 * pte.c - the kernel half's page tables: finding, making and clearing entries.
 *
 * Tables are reached through the direct map. They are added by compare-exchange and never removed,
 * so a walk needs no lock and its result stays good. The top-level entries of all regions exist
 * from the start: every address space copies them once and shares all that comes below.
 */
#include "mi.h"
#include "debugger.h"

ULONG64 MiNoExecute;
PMMPTE MiKernelPml4;

static PMMPTE MiEntryTable(MMPTE Entry)
{
    return MmPhysicalToVirtual(Entry & MI_PTE_FRAME);
}

PMMPTE MiFindPte(PVOID Va)
{
    PMMPTE Table = MiKernelPml4;

    for (ULONG Level = 3; Level > 0; Level--) {
        MMPTE Entry = Table[MI_ENTRY_INDEX(Va, Level)];

        if ((Entry & MI_PTE_PRESENT) == 0 || (Entry & MI_PTE_LARGE) != 0) {
            return NULL;
        }
        Table = MiEntryTable(Entry);
    }
    return &Table[MI_ENTRY_INDEX(Va, 0)];
}

/* Fills an empty directory entry with a new table, unless another processor is quicker. */
static BOOLEAN MiMakeTable(PMMPTE Entry)
{
    PFN_NUMBER Page = MiAllocatePage(MiUsePageTable, TRUE);
    MMPTE Empty = 0;

    if (Page == 0) {
        return FALSE;
    }
    if (!__atomic_compare_exchange_n(Entry, &Empty, ((MMPTE)Page << PAGE_SHIFT) | MI_PTE_TABLE,
                                     FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        MmFreePage(Page);
    }
    return TRUE;
}

PMMPTE MiMakePte(PVOID Va)
{
    PMMPTE Table = MiKernelPml4;

    for (ULONG Level = 3; Level > 0; Level--) {
        PMMPTE Entry = &Table[MI_ENTRY_INDEX(Va, Level)];

        if ((*Entry & MI_PTE_PRESENT) == 0 && !MiMakeTable(Entry)) {
            return NULL;
        }
        Table = MiEntryTable(*Entry);
    }
    return &Table[MI_ENTRY_INDEX(Va, 0)];
}

BOOLEAN MiMakePtes(PVOID Va, SIZE_T Pages)
{
    ULONG_PTR End = (ULONG_PTR)Va + Pages * PAGE_SIZE;

    for (ULONG_PTR At = (ULONG_PTR)Va; At < End; At = (At & ~(MI_LARGE_PAGE - 1)) + MI_LARGE_PAGE) {
        if (MiMakePte((PVOID)At) == NULL) {
            return FALSE;
        }
    }
    return TRUE;
}

MMPTE MiLeafBits(ULONG Protection)
{
    MMPTE Bits = MI_PTE_LEAF;

    if ((Protection & MM_READWRITE) != 0 && (Protection & MM_EXECUTE) != 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_WRITABLE_CODE, Protection, 0, 0);
    }
    if (Protection & MM_READWRITE) {
        Bits |= MI_PTE_WRITE;
    }
    if ((Protection & MM_EXECUTE) == 0) {
        Bits |= MiNoExecute;
    }
    return Bits | MiCacheBits(Protection);
}

KI_DEBUGGER_TEXT MMPTE MiTranslate(PVOID Va, ULONG *Level)
{
    PMMPTE Table = MmPhysicalToVirtual(__readcr3() & MI_PTE_FRAME);
    MMPTE Entry;

    *Level = 0;
    /* Sign extension: bits 47 to 63 are all alike. */
    if ((LONG_PTR)Va >> 47 != 0 && (LONG_PTR)Va >> 47 != -1) {
        return 0;
    }
    for (ULONG At = 4; At-- > 0;) {
        Entry = *(volatile MMPTE *)&Table[MI_ENTRY_INDEX(Va, At)];
        if ((Entry & MI_PTE_PRESENT) == 0) {
            return At == 0 && (Entry & MI_PTE_PAGEABLE) != 0 ? Entry : 0;
        }
        if (At == 0 || (At < 3 && (Entry & MI_PTE_LARGE) != 0)) {
            *Level = At;
            break;
        }
        Table = MiEntryTable(Entry);
    }
    return Entry;
}

/* What this many pages cost one by one is more than forgetting them when they are reused. */
#define MI_LOCAL_FLUSH_LIMIT 32

void MiUnmapRun(PVOID Va, SIZE_T Pages, BOOLEAN FreePages)
{
    PMMPTE Entry = NULL;
    PCHAR At = Va;

    for (SIZE_T i = 0; i < Pages; i++, At += PAGE_SIZE, Entry++) {
        MMPTE Old;

        if (Entry == NULL || MI_ENTRY_INDEX(At, 0) == 0) {
            Entry = MiFindPte(At);
        }
        Old = *Entry;
        *Entry = 0;
        /* This processor faults on a stale access at once; the others when the address is reused
         * at the latest (see window.c). */
        if (i < MI_LOCAL_FLUSH_LIMIT) {
            __invlpg(At);
        }
        if (FreePages && (Old & MI_PTE_FRAME) != 0) {
            MmFreePage((PFN_NUMBER)((Old & MI_PTE_FRAME) >> PAGE_SHIFT));
        }
    }
}

BOOLEAN MiMapFreshPages(PVOID Va, SIZE_T Pages, MI_PAGE_USE Use, BOOLEAN Zeroed)
{
    MMPTE Bits = MiLeafBits(MM_READWRITE);
    PMMPTE Entry = NULL;
    PCHAR At = Va;

    if (MiIsInWindow(&MiPoolWindows[1], Va)) {
        Bits = (Bits & ~MI_PTE_PRESENT) | MiPageableBits();
    }

    for (SIZE_T i = 0; i < Pages; i++, At += PAGE_SIZE, Entry++) {
        PFN_NUMBER Page = MiAllocatePage(Use, Zeroed);

        if (Page == 0) {
            MiUnmapRun(Va, i, TRUE);
            return FALSE;
        }
        if (Entry == NULL || MI_ENTRY_INDEX(At, 0) == 0) {
            Entry = MiFindPte(At);
        }
        *Entry = ((MMPTE)Page << PAGE_SHIFT) | Bits;
    }
    return TRUE;
}

/*** Questions about addresses. ***/

BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    ULONG Level;
    MMPTE Entry = MiTranslate(VirtualAddress, &Level);

    /* What has vanished comes back where a fault is allowed. */
    return (Entry & MI_PTE_PRESENT) != 0 || (Entry != 0 && KeGetCurrentIrql() < DISPATCH_LEVEL);
}

BOOLEAN MmIsRangeValid(const VOID *Address, SIZE_T Length)
{
    const UCHAR *End = (const UCHAR *)Address + Length;

    if (End < (const UCHAR *)Address) {
        return FALSE; /* it would go on at address 0 */
    }
    for (PUCHAR Page = PAGE_ALIGN(Address); Length != 0 && Page < End; Page += PAGE_SIZE) {
        if (!MmIsAddressValid(Page)) {
            return FALSE;
        }
    }
    return TRUE;
}

PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID BaseAddress)
{
    PHYSICAL_ADDRESS Result;
    ULONG Level;
    MMPTE Entry = MiTranslate(BaseAddress, &Level);

    Result.QuadPart = Entry != 0 ? (LONGLONG)MiPhysicalOf(BaseAddress, Entry, Level) : 0;
    return Result;
}
