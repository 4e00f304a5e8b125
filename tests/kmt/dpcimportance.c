/*
 * Promises: a driver that lowers CR8 by itself gets its DPC at that very instruction; importance
 * decides when a DPC interrupts: low on its own processor only while few DPCs come; medium not on
 * another busy processor, which finds it at its next clock tick; medium-high and high there at
 * once; four waiting DPCs of any importance do.
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
    ULONG Late = 0, Tries = 0;
    BOOLEAN AtOnce;

    KeSetSystemAffinityThread(1);
    /* Idle: the rate decays. On a busy host the serial port's DPCs may still be coming, as late as
     * what was printed is read there. */
    do {
        KmtSleep(100);
        AtOnce = RunsAtOnce(LowImportance);
    } while (!AtOnce && ++Tries < 50);
    KMT_CHECK(AtOnce, "low importance runs at once while few DPCs come");
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
    /* Not when a clock tick has run the first ones: then four do not wait. */
    KMT_CHECK(Four >= 4, "the fourth lets all run");
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
#define MOST_TRIES 64
#define MOST_MS 4000    /* for tries, where the host takes long over each */
#define SOME_TURNS 3000 /* half a millisecond or so, a small part of a clock tick */

static VOID AwaitTurns(ULONG Count)
{
    ULONG Start = Turns;

    while (Turns - Start < Count) {
        YieldProcessor();
    }
}

/* Has the DPC on processor 1 run before the thread there made some turns? Its turns stand for time,
 * since a host may let any processor wait. TRUE in *Tells: no clock tick came meanwhile, which
 * would have run the DPC. Ticks come at multiples, or as soon as the processor runs again. */
static BOOLEAN RunsBeforeTurns(KDPC_IMPORTANCE Importance, PBOOLEAN Tells)
{
    ULONGLONG Tick = KmtNow() / KeQueryTimeIncrement();
    BOOLEAN AtOnce;
    KDPC Dpc;

    AwaitTurns(SOME_TURNS / 10); // this tick's interrupt is over there
    KeInitializeDpc(&Dpc, Note, NULL);
    KeSetTargetProcessorDpc(&Dpc, 1);
    KeSetImportanceDpc(&Dpc, Importance);
    Runs = 0;
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    AwaitTurns(SOME_TURNS);
    AtOnce = Runs != 0;
    *Tells = KmtNow() / KeQueryTimeIncrement() == Tick;
    KeFlushQueuedDpcs();
    return AtOnce;
}

/* In how many of the rounds that tell: ROUNDS of them, or fewer on a host that does not allow so
 * many. */
static LONG CountAtOnce(KDPC_IMPORTANCE Importance, PLONG Rounds)
{
    ULONGLONG End = KmtNow() + MOST_MS * 10000ULL;
    LONG AtOnce = 0;

    *Rounds = 0;
    for (ULONG Tries = 0; Tries < MOST_TRIES && *Rounds < ROUNDS && KmtNow() < End; Tries++) {
        BOOLEAN Tells, Ran = RunsBeforeTurns(Importance, &Tells);
        *Rounds += Tells;
        AtOnce += Tells && Ran;
    }
    DbgPrint("# importance %d: at once in %d of %d\n", Importance, AtOnce, *Rounds);
    return AtOnce;
}

static BOOLEAN Interrupts(KDPC_IMPORTANCE Importance)
{
    LONG Rounds, AtOnce = CountAtOnce(Importance, &Rounds);
    return (BOOLEAN)(AtOnce >= Rounds - 1);
}

static BOOLEAN Waits(KDPC_IMPORTANCE Importance)
{
    LONG Rounds, AtOnce = CountAtOnce(Importance, &Rounds);
    return (BOOLEAN)(AtOnce <= (Rounds * 3 + 3) / 4);
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
    KMT_CHECK(Waits(LowImportance), "low importance does not interrupt another busy processor");
    KMT_CHECK(Waits(MediumImportance), "nor does medium");
    KMT_CHECK(Interrupts(MediumHighImportance), "medium-high does");
    KMT_CHECK(Interrupts(HighImportance), "so does high");
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
