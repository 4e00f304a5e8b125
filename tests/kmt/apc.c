/*
 * Promises: a special kernel APC runs at APC_LEVEL in its thread, whether that thread runs, waits
 * (the wait goes on afterwards, with its old deadline) or is somewhere else; normal ones run at
 * PASSIVE_LEVEL and not in critical regions; none in guarded ones; queued APCs are counted exactly;
 * a thread may end in one while others wait behind it.
 */
#include "kmt.h"

static volatile LONG KernelRuns, NormalRuns, WrongThread, WrongIrql;
static PKTHREAD Target;

static VOID NTAPI KernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context,
                                PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&KernelRuns);
    WrongThread += KeGetCurrentThread() != Target;
    WrongIrql += KeGetCurrentIrql() != APC_LEVEL;
}

static VOID NTAPI NormalRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&NormalRuns);
    WrongThread += KeGetCurrentThread() != Target;
    WrongIrql += KeGetCurrentIrql() != PASSIVE_LEVEL;
}

static VOID Prepare(PKAPC Apc, PKTHREAD Thread, BOOLEAN Normal)
{
    Target = Thread;
    KernelRuns = NormalRuns = 0;
    KeInitializeApc(Apc, Thread, OriginalApcEnvironment, KernelRoutine, NULL,
                    Normal ? NormalRoutine : NULL, KernelMode, NULL);
}

static VOID TestOwnThread(VOID)
{
    KAPC Apc;
    KIRQL OldIrql;
    Prepare(&Apc, KeGetCurrentThread(), FALSE);
    KMT_CHECK(KeInsertQueueApc(&Apc, NULL, NULL, 0), "an APC to oneself is queued");
    KMT_EQUAL(KernelRuns, 1, "and has run when the call returns");
    KeRaiseIrql(APC_LEVEL, &OldIrql);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    KMT_CHECK(!KeInsertQueueApc(&Apc, NULL, NULL, 0), "queued twice: refused");
    KMT_EQUAL(KernelRuns, 1, "at APC_LEVEL it waits");
    KeLowerIrql(OldIrql);
    KMT_EQUAL(KernelRuns, 2, "lowering the IRQL delivers it");
    KeRaiseIrql(APC_LEVEL, &OldIrql);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    KMT_CHECK(KeRemoveQueueApc(&Apc), "a queued APC can be removed");
    KeLowerIrql(OldIrql);
    KMT_EQUAL(KernelRuns, 2, "and does not run then");
}

static VOID TestRegions(VOID)
{
    KAPC Special, Normal;
    Prepare(&Special, KeGetCurrentThread(), FALSE);
    Prepare(&Normal, KeGetCurrentThread(), TRUE);
    KeEnterCriticalRegion();
    KeInsertQueueApc(&Normal, NULL, NULL, 0);
    KMT_EQUAL(NormalRuns, 0, "a critical region keeps normal APCs out");
    KeInsertQueueApc(&Special, NULL, NULL, 0);
    KMT_EQUAL(KernelRuns, 1, "but not special ones");
    KeLeaveCriticalRegion();
    KMT_EQUAL(NormalRuns, 1, "leaving it lets the normal one in");
    Prepare(&Special, KeGetCurrentThread(), FALSE);
    KeEnterGuardedRegion();
    KeInsertQueueApc(&Special, NULL, NULL, 0);
    KMT_EQUAL(KernelRuns, 0, "a guarded region keeps special APCs out");
    KeLeaveGuardedRegion();
    KMT_EQUAL(KernelRuns, 1, "leaving it lets them in");
    KeEnterCriticalRegion();
    KeEnterGuardedRegion();
    KeInsertQueueApc(&Special, NULL, NULL, 0);
    KeLeaveGuardedRegion();
    KMT_EQUAL(KernelRuns, 2, "also when it was entered in a critical region");
    KeLeaveCriticalRegion();
}

static KEVENT Finish;
static volatile NTSTATUS WaitResult;

static VOID NTAPI WaitForFinish(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    WaitResult = KmtWait(&Finish, 60000);
}

static VOID TestWaitingThread(VOID)
{
    KAPC Apc;
    PETHREAD Thread;
    KeInitializeEvent(&Finish, SynchronizationEvent, FALSE);
    Thread = KmtStartThread(WaitForFinish, NULL);
    KmtAwaitWaiters(&Finish, 1);
    for (int i = 0; i < 100; i++) {
        Prepare(&Apc, Thread, (BOOLEAN)(i & 1));
        KeInsertQueueApc(&Apc, NULL, NULL, 0);
        while (KernelRuns == 0 || ((i & 1) && NormalRuns == 0)) {
            KmtSleep(1);
        }
    }
    KMT_EQUAL(KeReadStateEvent(&Finish), 0, "APCs to a waiting thread do not touch its object");
    KeSetEvent(&Finish, 0, FALSE);
    KmtJoin(Thread);
    KMT_EQUAL(WaitResult, STATUS_SUCCESS, "its wait went on after them");
}

static volatile LONG Stop;

static VOID NTAPI SpinUntilStop(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (!Stop) {
        YieldProcessor();
    }
}

static VOID TestRunningThread(VOID)
{
    KAPC Apc;
    PETHREAD Thread;
    LONG Lost = 0;
    Stop = 0;
    Thread = KmtStartThread(SpinUntilStop, NULL);
    KmtSleep(30);
    for (int i = 0; i < 500; i++) {
        int Patience = 0;
        Prepare(&Apc, Thread, FALSE);
        KeInsertQueueApc(&Apc, NULL, NULL, 0);
        while (KernelRuns == 0 && ++Patience < 20000) {
            KmtSleep(1);
        }
        Lost += KernelRuns != 1;
    }
    Stop = 1;
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    KMT_EQUAL(Lost, 0, "500 APCs to a running thread are each delivered once");
    KMT_CHECK(!KeInsertQueueApc(&Apc, NULL, NULL, 0), "a thread that has ended takes none");
    ObDereferenceObject(Thread);
}

static KAPC Behind;

/* Ends its thread with another normal APC queued, which cannot come while this one has not
 * returned. */
static VOID NTAPI ExitRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Prepare(&Behind, KeGetCurrentThread(), TRUE);
    KeInsertQueueApc(&Behind, NULL, NULL, 0);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID TestExitInApc(VOID)
{
    KAPC Apc;
    PETHREAD Thread;
    KeInitializeEvent(&Finish, SynchronizationEvent, FALSE);
    Thread = KmtStartThread(WaitForFinish, NULL);
    KeInitializeApc(&Apc, Thread, OriginalApcEnvironment, KernelRoutine, NULL, ExitRoutine,
                    KernelMode, NULL);
    Target = Thread;
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    if (KMT_CHECK(KmtWait(Thread, 5000) == STATUS_SUCCESS, "a thread may end in a normal APC")) {
        KMT_EQUAL(NormalRuns, 1, "the one behind it ran first");
        ObDereferenceObject(Thread);
    }
}

static VOID KmtRun(VOID)
{
    TestOwnThread();
    TestRegions();
    TestWaitingThread();
    TestRunningThread();
    TestExitInApc();
    KMT_EQUAL(WrongThread, 0, "every APC ran in its own thread");
    KMT_EQUAL(WrongIrql, 0, "and at its own IRQL");
}
