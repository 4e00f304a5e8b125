/*
 * Promises: the exported IRQL routines do what the inlined moves to CR8 do, on the same register; a
 * DPC that is queued at a raised level runs as soon as either of them lowers it, and not before; at
 * each device level interrupts of that level and below wait, and those above come.
 */
#include "kmt.h"
#include "irqlimports.h"

static volatile LONG Runs;

static VOID NTAPI Count(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&Runs);
}

static VOID TestLevels(VOID)
{
    LONG Wrong = 0;

    for (KIRQL Level = PASSIVE_LEVEL; Level <= HIGH_LEVEL; Level++) {
        KIRQL Old = ImportedRaise(Level);
        Wrong += Old != PASSIVE_LEVEL || ImportedGet() != Level || KeGetCurrentIrql() != Level;
        Wrong += ImportedRaise(Level) != Level; /* to the same level is allowed */
        ImportedLower(Level);
        ImportedLower(Old);
        Wrong += KeGetCurrentIrql() != PASSIVE_LEVEL;
    }
    KMT_EQUAL(Wrong, 0, "every level is raised to and lowered from");
    KMT_EQUAL(ImportedRaiseToDpc(), PASSIVE_LEVEL, "KeRaiseIrqlToDpcLevel answers the old level");
    KMT_EQUAL(ImportedRaiseToSynch(), DISPATCH_LEVEL, "as KeRaiseIrqlToSynchLevel does");
    KMT_EQUAL(KeGetCurrentIrql(), SYNCH_LEVEL, "which raises above all devices");
    KeLowerIrql(PASSIVE_LEVEL);
}

static VOID TestRequests(BOOLEAN Inlined, PCSTR Text)
{
    KDPC Dpc;
    LONG Early = 0, Late = 0;

    KeInitializeDpc(&Dpc, Count, NULL);
    for (KIRQL Level = DISPATCH_LEVEL; Level <= HIGH_LEVEL; Level++) {
        KIRQL Old = Inlined ? KfRaiseIrql(Level) : ImportedRaise(Level);
        LONG Before = Runs;
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        Early += Runs != Before;
        Inlined ? KeLowerIrql(DISPATCH_LEVEL) : ImportedLower(DISPATCH_LEVEL);
        Early += Runs != Before;
        Inlined ? KeLowerIrql(Old) : ImportedLower(Old);
        Late += Runs != Before + 1;
    }
    KMT_EQUAL(Early, 0, "no DPC runs at DISPATCH_LEVEL or above");
    KMT_EQUAL(Late, 0, Text);
}

/* Lets the clock tick, or not, until it has or so long. */
static ULONGLONG ClockMoves(KIRQL Level, ULONG Milliseconds)
{
    ULONGLONG Before, After;
    KIRQL Old = KfRaiseIrql(Level);

    Before = KeQueryInterruptTime();
    for (ULONG i = 0; i < 10 * Milliseconds && KeQueryInterruptTime() == Before; i++) {
        KeStallExecutionProcessor(100);
    }
    After = KeQueryInterruptTime();
    KeLowerIrql(Old);
    return After - Before;
}

static VOID KmtRun(VOID)
{
    TestLevels();
    TestRequests(TRUE, "each runs when the level drops below, by a move to CR8");
    TestRequests(FALSE, "and by KeLowerIrql");
    KMT_CHECK(ClockMoves(CLOCK_LEVEL - 1, 30000) > 0, "below CLOCK_LEVEL the clock interrupts");
    if (KmtProcessors() == 1) {
        /* More than two ticks of its time. */
        KMT_EQUAL(ClockMoves(CLOCK_LEVEL, 40), 0, "at CLOCK_LEVEL it does not");
    }
}
