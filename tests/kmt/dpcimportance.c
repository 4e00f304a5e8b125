/*
 * Promises: a driver that lowers CR8 by itself gets its DPC at that very instruction; importance decides
 * when a DPC interrupts: low on its own processor only while few DPCs come; medium not on another busy
 * processor, which finds it at its next clock tick; medium-high and high there at once; four waiting
 * DPCs of any importance do.
 */
#include "kmt.h"

static volatile LONG Runs;

static VOID NTAPI Note(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&Runs);
}

/* Not by KeLowerIrql, so that no kernel header has a share in it. */
static VOID WriteCr8(ULONG64 Level)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"(Level) : "memory");
}

static VOID TestCr8(VOID)
{
    static const KDPC_IMPORTANCE Importances[] = {MediumImportance, MediumHighImportance,
                                                  HighImportance};
    KDPC Dpc;

    for (ULONG i = 0; i < ARRAYSIZE(Importances); i++) {
        LONG AtDispatch, AtApc;
        Runs = 0;
        KeInitializeDpc(&Dpc, Note, NULL);
        KeSetImportanceDpc(&Dpc, Importances[i]);
        WriteCr8(HIGH_LEVEL);
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        WriteCr8(DISPATCH_LEVEL);
        AtDispatch = Runs;
        WriteCr8(APC_LEVEL);
        AtApc = Runs;
        WriteCr8(PASSIVE_LEVEL);
        KMT_CHECK(AtDispatch == 0 && AtApc == 1,
                  "the CR8 write that goes below DISPATCH_LEVEL lets the DPC run");
    }
}

/* Keeps many DPCs coming for some ticks, so that the processor counts them as frequent. */
static VOID MakeDpcsFrequent(VOID)
{
    ULONGLONG End = KmtNow() + 6ULL * KeQueryTimeIncrement();
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Note, NULL);
    while (KmtNow() < End) {
        KeInsertQueueDpc(&Dpc, NULL, NULL);
    }
}

static BOOLEAN RunsAtOnce(KDPC_IMPORTANCE Importance)
{
    BOOLEAN AtOnce;
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Note, NULL);
    KeSetImportanceDpc(&Dpc, Importance);
    Runs = 0;
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    AtOnce = Runs != 0;
    KeFlushQueuedDpcs();
    return AtOnce;
}

static VOID TestLow(VOID)
{
    ULONG Late = 0;

    KeSetSystemAffinityThread(1);
    KmtSleep(100); /* idle: the rate decays */
    KMT_CHECK(RunsAtOnce(LowImportance), "low importance runs at once while few DPCs come");
    for (ULONG i = 0; i < 8; i++) {
        MakeDpcsFrequent();
        Late += !RunsAtOnce(LowImportance);
    }
    KMT_CHECK(Late >= 4, "it waits while many come");
    MakeDpcsFrequent();
    KMT_CHECK(RunsAtOnce(MediumImportance), "medium importance does not");
    KeRevertToUserAffinityThread();
}

static VOID TestDepth(VOID)
{
    KDPC Dpcs[4];
    LONG Three = 0, Four = 0;

    KeSetSystemAffinityThread(1);
    for (ULONG Round = 0; Round < 8; Round++) {
        MakeDpcsFrequent();
        Runs = 0;
        for (ULONG i = 0; i < ARRAYSIZE(Dpcs); i++) {
            KeInitializeDpc(&Dpcs[i], Note, NULL);
            KeSetImportanceDpc(&Dpcs[i], LowImportance);
            Three += i == 3 && Runs == 0;
            KeInsertQueueDpc(&Dpcs[i], NULL, NULL);
        }
        Four += Runs == 4;
        KeFlushQueuedDpcs();
    }
    KMT_CHECK(Three >= 4, "three low ones wait");
    KMT_EQUAL(Four, 8, "the fourth lets all run");
    KeRevertToUserAffinityThread();
}

static volatile LONG Stop;
static volatile ULONG Turns; /* of the thread that keeps processor 1 busy */

static VOID NTAPI Spin(PVOID Context)
{
    KeSetSystemAffinityThread((KAFFINITY)(ULONG_PTR)Context);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    while (!Stop) {
        Turns = Turns + 1;
        YieldProcessor();
    }
}

#define ROUNDS 16
#define SOME_TURNS 3000 /* half a millisecond or so, a small part of a clock tick */

/* In how many rounds did the DPC on processor 1 run before the thread there made some turns? Its turns
 * stand for time, since a host may let any processor wait. Queued amid a tick, as ticks come at multiples
 * or soon after. */
static LONG CountAtOnce(KDPC_IMPORTANCE Importance)
{
    ULONG Tick = KeQueryTimeIncrement();
    LONG AtOnce = 0;

    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        ULONG Start;
        KDPC Dpc;
        KeInitializeDpc(&Dpc, Note, NULL);
        KeSetTargetProcessorDpc(&Dpc, 1);
        KeSetImportanceDpc(&Dpc, Importance);
        while (KmtNow() % Tick < Tick * 2 / 5 || KmtNow() % Tick > Tick / 2) {
            YieldProcessor();
        }
        Runs = 0;
        Start = Turns;
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        while (Turns - Start < SOME_TURNS) {
            YieldProcessor();
        }
        AtOnce += Runs != 0;
        KeFlushQueuedDpcs();
    }
    DbgPrint("# importance %d: at once in %d of %d\n", Importance, AtOnce, ROUNDS);
    return AtOnce;
}

static VOID TestOtherProcessor(VOID)
{
    PETHREAD Thread;

    if (KmtProcessors() < 2) {
        return;
    }
    KeSetSystemAffinityThread(1);
    Thread = KmtStartThread(Spin, (PVOID)2);
    while (Turns == 0) {
        KmtSleep(1);
    }
    KMT_CHECK(CountAtOnce(LowImportance) <= ROUNDS * 3 / 4,
              "low importance does not interrupt another busy processor");
    KMT_CHECK(CountAtOnce(MediumImportance) <= ROUNDS * 3 / 4, "nor does medium");
    KMT_CHECK(CountAtOnce(MediumHighImportance) >= ROUNDS - 1, "medium-high does");
    KMT_CHECK(CountAtOnce(HighImportance) >= ROUNDS - 1, "so does high");
    Stop = TRUE;
    KmtJoin(Thread);
    KeRevertToUserAffinityThread();
}

static VOID KmtRun(VOID)
{
    TestCr8();
    TestLow();
    TestDepth();
    TestOtherProcessor();
}
