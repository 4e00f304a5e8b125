/*
 * What the system's half of the address space maps, run by run, read from the page tables of this
 * processor. For crash files: no locks, any IRQL; an entry that leads out of memory is passed over.
 * The direct map is left out, since it says nothing that is not known.
 */
#include "mi.h"

typedef struct _MI_VISIT {
    MM_VISIT_MAPPING *Routine;
    PVOID Context;
    ULONG64 Virtual, Physical, Size; /* the run so far */
} MI_VISIT;

static void MiEndRun(MI_VISIT *Visit)
{
    if (Visit->Size != 0) {
        Visit->Routine(Visit->Context, Visit->Virtual, Visit->Physical, Visit->Size);
    }
    Visit->Size = 0;
}

static void MiAddMapping(MI_VISIT *Visit, ULONG64 Virtual, ULONG64 Physical, ULONG64 Size)
{
    if (Visit->Size != 0 && Visit->Virtual + Visit->Size == Virtual &&
        Visit->Physical + Visit->Size == Physical) {
        Visit->Size += Size;
        return;
    }
    MiEndRun(Visit);
    Visit->Virtual = Virtual;
    Visit->Physical = Physical;
    Visit->Size = Size;
}

/* Level 3 is the top. The table is read through the direct map. */
static void MiVisitTable(MI_VISIT *Visit, ULONG64 Table, ULONG Level, ULONG64 Virtual)
{
    const ULONG64 *Entries = MmPhysicalToVirtual(Table);
    ULONG64 Size = 1ULL << (12 + 9 * Level);

    if (!MmIsAddressValid((PVOID)Entries)) {
        return;
    }
    for (ULONG i = Level == 3 ? MI_ENTRIES / 2 : 0; i < MI_ENTRIES; i++) {
        ULONG64 Entry = Entries[i];
        ULONG64 At = Level == 3 ? 0xFFFF000000000000ULL | i * Size : Virtual + i * Size;
        if (!(Entry & MI_PTE_PRESENT) || At == MM_DIRECT_MAP_BASE) {
            continue;
        }
        if (Level == 0 || (Level < 3 && (Entry & MI_PTE_LARGE))) {
            MiAddMapping(Visit, At, Entry & MI_PTE_FRAME & ~(Size - 1), Size);
        } else {
            MiVisitTable(Visit, Entry & MI_PTE_FRAME, Level - 1, At);
        }
    }
}

void MmVisitMappings(MM_VISIT_MAPPING *Routine, PVOID Context)
{
    MI_VISIT Visit = {Routine, Context, 0, 0, 0};

    MiVisitTable(&Visit, __readcr3() & MI_PTE_FRAME, 3, 0);
    MiEndRun(&Visit);
}
