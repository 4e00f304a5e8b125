/*
 * Promises: a threaded DPC runs at PASSIVE_LEVEL in a thread of the processor it was queued on,
 * before any other thread there, once for each insertion; ordinary DPCs interrupt it; the ForDpc
 * locks keep it and ordinary DPCs apart; it is removed and flushed as others are.
 */
#include "kmt.h"

typedef struct _VISIT {
    KDPC Dpc;
    volatile LONG Runs;
    KIRQL Irql;
    ULONG Processor;
    PETHREAD Thread;
    KPRIORITY Priority;
    PVOID Argument1, Argument2;
} VISIT;

static VOID NTAPI Visit(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    VISIT *Seen = Context;

    UNREFERENCED_PARAMETER(Dpc);
    Seen->Irql = KeGetCurrentIrql();
    Seen->Processor = KeGetCurrentProcessorNumber();
    Seen->Thread = PsGetCurrentThread();
    Seen->Priority = KeQueryPriorityThread(KeGetCurrentThread());
    Seen->Argument1 = Argument1;
    Seen->Argument2 = Argument2;
    InterlockedIncrement(&Seen->Runs);
}

/* Bound, or an idle processor would take this thread over and go on with it meanwhile. */
static VOID TestContext(VOID)
{
    VISIT Seen = {0};

    KeSetSystemAffinityThread((KAFFINITY)1 << (KmtProcessors() - 1));
    KeInitializeThreadedDpc(&Seen.Dpc, Visit, &Seen);
    KMT_CHECK(KeInsertQueueDpc(&Seen.Dpc, (PVOID)1, (PVOID)2), "a threaded DPC is queued");
    KMT_EQUAL(Seen.Runs, 1, "its thread goes before this one: it has run when the call returns");
    KMT_EQUAL(Seen.Irql, PASSIVE_LEVEL, "at PASSIVE_LEVEL");
    KMT_CHECK(Seen.Thread != PsGetCurrentThread(), "in a thread of its own");
    KMT_EQUAL(Seen.Priority, HIGH_PRIORITY, "of the highest priority");
    KMT_CHECK(Seen.Argument1 == (PVOID)1 && Seen.Argument2 == (PVOID)2, "with its arguments");
    KeRevertToUserAffinityThread();
}

/* At DISPATCH_LEVEL nothing can be switched: it stays queued and can be taken back. */
static VOID TestRemoval(VOID)
{
    VISIT Seen = {0};
    KIRQL OldIrql;

    KeInitializeThreadedDpc(&Seen.Dpc, Visit, &Seen);
    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    KMT_CHECK(KeInsertQueueDpc(&Seen.Dpc, NULL, NULL), "it is queued at HIGH_LEVEL");
    KMT_CHECK(!KeInsertQueueDpc(&Seen.Dpc, NULL, NULL), "and once only");
    KMT_CHECK(KeRemoveQueueDpc(&Seen.Dpc), "it is removed there");
    KeLowerIrql(OldIrql);
    KeFlushQueuedDpcs();
    KMT_EQUAL(Seen.Runs, 0, "and does not run");
}

static VOID TestTargets(VOID)
{
    LONG Wrong = 0, NotPassive = 0;

    for (ULONG i = 0; i < 100; i++) {
        PROCESSOR_NUMBER Target = {0, (UCHAR)(i % KmtProcessors()), 0};
        VISIT Seen = {0};
        KeInitializeThreadedDpc(&Seen.Dpc, Visit, &Seen);
        KeSetTargetProcessorDpcEx(&Seen.Dpc, &Target);
        KeSetImportanceDpc(&Seen.Dpc, (KDPC_IMPORTANCE)(i / 8 % 4));
        KeInsertQueueDpc(&Seen.Dpc, NULL, NULL);
        KeFlushQueuedDpcs();
        Wrong += Seen.Runs != 1 || Seen.Processor != Target.Number;
        NotPassive += Seen.Irql != PASSIVE_LEVEL;
    }
    KMT_EQUAL(Wrong, 0, "targeted ones of every importance ran there before the flush returned");
    KMT_EQUAL(NotPassive, 0, "all of them at PASSIVE_LEVEL");
}

static VOID TestBadTargets(VOID)
{
    PROCESSOR_NUMBER Target = {0, (UCHAR)KmtProcessors(), 0};
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Visit, NULL);
    KMT_EQUAL(KeSetTargetProcessorDpcEx(&Dpc, &Target), STATUS_INVALID_PARAMETER,
              "a processor that does not run is no target");
    Target.Number = 0;
    Target.Group = 1;
    KMT_EQUAL(KeSetTargetProcessorDpcEx(&Dpc, &Target), STATUS_INVALID_PARAMETER,
              "nor is one of another group");
    Target.Group = 0;
    Target.Reserved = 1;
    KMT_EQUAL(KeSetTargetProcessorDpcEx(&Dpc, &Target), STATUS_INVALID_PARAMETER,
              "nor one with Reserved set");
    Target.Reserved = 0;
    KMT_EQUAL(KeSetTargetProcessorDpcEx(&Dpc, &Target), STATUS_SUCCESS, "processor 0 is");
}

/* Queues an ordinary DPC for its own processor: that has run when the call returns. */
static VOID NTAPI QueueOrdinary(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    VISIT *Ordinary = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument2);
    KeInsertQueueDpc(&Ordinary->Dpc, NULL, NULL);
    *(volatile LONG *)Argument1 = Ordinary->Runs;
}

static VOID TestPreemption(VOID)
{
    volatile LONG RunsSeen = 0;
    VISIT Ordinary = {0};
    KDPC Threaded;

    KeInitializeDpc(&Ordinary.Dpc, Visit, &Ordinary);
    KeInitializeThreadedDpc(&Threaded, QueueOrdinary, &Ordinary);
    KeInsertQueueDpc(&Threaded, (PVOID)&RunsSeen, NULL);
    KeFlushQueuedDpcs();
    KMT_EQUAL(RunsSeen, 1, "an ordinary DPC interrupts a threaded one");
    KMT_EQUAL(Ordinary.Irql, DISPATCH_LEVEL, "at DISPATCH_LEVEL");
    KMT_CHECK(Ordinary.Priority == HIGH_PRIORITY, "in the name of its thread");
}

static VOID NTAPI WaitForOther(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONGLONG Limit = KmtNow() + 300000000;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument2);
    while (!*(volatile LONG *)Context && KmtNow() < Limit) {
        YieldProcessor();
    }
    *(volatile LONG *)Argument1 = *(volatile LONG *)Context;
}

static VOID NTAPI SetFlag(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    *(volatile LONG *)Context = TRUE;
}

/* A timer of this processor's expires while a threaded DPC keeps its thread busy. */
static VOID TestTimers(VOID)
{
    volatile LONG Expired = FALSE, Seen = FALSE;
    KTIMER Timer;
    KDPC TimerDpc, Threaded;
    KIRQL OldIrql;

    KeInitializeTimer(&Timer);
    KeInitializeDpc(&TimerDpc, SetFlag, (PVOID)&Expired);
    KeInitializeThreadedDpc(&Threaded, WaitForOther, (PVOID)&Expired);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetTimer(&Timer, KmtMs(3), &TimerDpc);
    KeInsertQueueDpc(&Threaded, (PVOID)&Seen, NULL);
    KeLowerIrql(OldIrql);
    KeFlushQueuedDpcs();
    KMT_CHECK(Seen, "timers expire while a threaded DPC spins");
}

#define ADDITIONS 3000
static KSPIN_LOCK Lock;
static ULONG Counter;            /* Lock */
static volatile LONG WrongIrqls; /* after acquiring or releasing it */
static volatile LONG DpcRuns;

/* Read and written back separately, so that an addition is lost when the lock does not hold. */
static VOID NTAPI AddLocked(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KIRQL Irql = KeGetCurrentIrql(), OldIrql;
    ULONG Old;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    OldIrql = KeAcquireSpinLockForDpc(&Lock);
    if (OldIrql != Irql || KeGetCurrentIrql() != DISPATCH_LEVEL) {
        InterlockedIncrement(&WrongIrqls);
    }
    Old = *(volatile ULONG *)&Counter;
    YieldProcessor();
    *(volatile ULONG *)&Counter = Old + 1;
    KeReleaseSpinLockForDpc(&Lock, OldIrql);
    if (KeGetCurrentIrql() != Irql) {
        InterlockedIncrement(&WrongIrqls);
    }
    InterlockedIncrement(&DpcRuns);
}

static VOID NTAPI QueueBoth(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context + 77;
    KDPC Dpcs[4];
    LONG Inserted = 0;

    for (ULONG i = 0; i < ARRAYSIZE(Dpcs); i++) {
        if (i % 2) {
            KeInitializeThreadedDpc(&Dpcs[i], AddLocked, NULL);
        } else {
            KeInitializeDpc(&Dpcs[i], AddLocked, NULL);
        }
        KeSetImportanceDpc(&Dpcs[i], MediumHighImportance);
        KeSetTargetProcessorDpc(&Dpcs[i], (CCHAR)(KmtRandom(&Seed) % KmtProcessors()));
    }
    for (ULONG i = 0; i < ADDITIONS; i++) {
        Inserted += KeInsertQueueDpc(&Dpcs[KmtRandom(&Seed) % ARRAYSIZE(Dpcs)], NULL, NULL);
    }
    KeFlushQueuedDpcs();
    InterlockedAdd(&DpcRuns, -Inserted);
}

static VOID TestLocks(VOID)
{
    PETHREAD Threads[2];

    KeInitializeSpinLock(&Lock);
    for (ULONG i = 0; i < ARRAYSIZE(Threads); i++) {
        Threads[i] = KmtStartThread(QueueBoth, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < ARRAYSIZE(Threads); i++) {
        KmtJoin(Threads[i]);
    }
    KeFlushQueuedDpcs();
    KMT_EQUAL(DpcRuns, 0, "each insertion, threaded or not, is run once");
    KMT_EQUAL(WrongIrqls, 0, "the ForDpc locks raise to DISPATCH_LEVEL and go back");
    KMT_CHECK(Counter >= 2 * 4, "each DPC took the lock, once at least");
}

static VOID KmtRun(VOID)
{
    TestContext();
    TestRemoval();
    TestTargets();
    TestBadTargets();
    TestPreemption();
    TestTimers();
    TestLocks();
}
