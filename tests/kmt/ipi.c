/*
 * Promises: KeIpiGenericCall runs its function once on each processor, on all at the same time, at
 * IPI_LEVEL, whoever else calls it meanwhile and from any level below; and returns the caller's
 * result. Dispatch requests between processors do not get lost meanwhile.
 */
#include "kmt.h"

static volatile LONG Inside, Visits, WrongLevel;
static volatile LONG64 Visitors;

static ULONG_PTR NTAPI Visit(ULONG_PTR Context)
{
    ULONG Number = KeGetCurrentProcessorNumber();

    InterlockedIncrement(&Visits);
    __atomic_fetch_or(&Visitors, 1LL << Number, __ATOMIC_SEQ_CST);
    if (KeGetCurrentIrql() != IPI_LEVEL) {
        InterlockedIncrement(&WrongLevel);
    }
    return Context + Number;
}

/* Comes to an end only if all processors are in here together. */
static ULONG_PTR NTAPI Meet(ULONG_PTR Context)
{
    InterlockedIncrement(&Inside);
    while (Inside < (LONG)Context) {
        YieldProcessor();
    }
    return 0;
}

static VOID TestOneCall(VOID)
{
    KIRQL OldIrql;
    ULONG_PTR Result;
    ULONG Self;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Self = KeGetCurrentProcessorNumber();
    Result = KeIpiGenericCall(Visit, 1000);
    KMT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL, "the call gives the IRQL back");
    KeLowerIrql(OldIrql);
    KMT_EQUAL(Result, 1000 + Self, "the result is the calling processor's");
    KMT_EQUAL(Visits, KmtProcessors(), "one visit for each processor");
    KMT_EQUAL(Visitors, KeQueryActiveProcessors(), "none left out");
    KMT_EQUAL(WrongLevel, 0, "at IPI_LEVEL");
    KeIpiGenericCall(Meet, KmtProcessors());
    KMT_EQUAL(Inside, KmtProcessors(), "all are in the function at the same time");
    KeRaiseIrql(CLOCK_LEVEL, &OldIrql);
    KeIpiGenericCall(Visit, 0);
    KeLowerIrql(OldIrql);
    KMT_EQUAL(Visits, 2 * KmtProcessors(), "the clock's level is low enough to call from");
}

#define THREADS 3
#define CALLS 30

static volatile LONG DpcRuns;

static VOID NTAPI Count(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&DpcRuns);
}

static VOID NTAPI CallOften(PVOID Context)
{
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Count, NULL);
    KeSetImportanceDpc(&Dpc, HighImportance);
    for (ULONG i = 0; i < CALLS; i++) {
        KeIpiGenericCall(Visit, 0);
        KeSetTargetProcessorDpc(&Dpc, (CCHAR)((i + (ULONG_PTR)Context) % KmtProcessors()));
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        KeFlushQueuedDpcs();
    }
}

static VOID TestManyCallers(VOID)
{
    PETHREAD Threads[THREADS];

    Visits = 0;
    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(CallOften, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Visits, THREADS * CALLS * KmtProcessors(),
              "calls from several processors do not mix");
    KMT_EQUAL(DpcRuns, THREADS * CALLS, "DPCs between them all arrive");
    KMT_EQUAL(WrongLevel, 0, "still at IPI_LEVEL");
}

static VOID KmtRun(VOID)
{
    TestOneCall();
    TestManyCallers();
}
