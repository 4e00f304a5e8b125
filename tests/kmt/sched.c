/*
 * Promises: a higher priority thread preempts at once; equals share a processor by quantum; a woken
 * thread is boosted and decays to its base step by step, while real-time priorities stay; all
 * processors are used; long work at DISPATCH_LEVEL uses up a quantum as any other; a thousand
 * threads come and go without loss.
 */
#include "kmt.h"

static volatile LONG Stop;
static volatile LONGLONG Spins[64];

static VOID NTAPI Spin(PVOID Context)
{
    while (!Stop) {
        Spins[(ULONG_PTR)Context]++;
    }
}

static VOID TestSharing(VOID)
{
    ULONG Count = KmtProcessors() * 2;
    PETHREAD Threads[64];
    LONG Started = 0;
    Stop = 0;
    for (ULONG_PTR i = 0; i < Count; i++) {
        Spins[i] = 0;
        Threads[i] = KmtStartThread(Spin, (PVOID)i);
    }
    /* The spinners keep every processor busy; this thread still gets its turns. */
    for (int Round = 0; Round < 200 && Started != (LONG)Count; Round++) {
        KmtSleep(20);
        Started = 0;
        for (ULONG i = 0; i < Count; i++) {
            Started += Spins[i] != 0;
        }
    }
    Stop = 1;
    for (ULONG i = 0; i < Count; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Started, Count, "two busy threads per processor all get to run");
}

static volatile KAFFINITY Seen;

static VOID NTAPI NoteProcessor(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (!Stop) {
        KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
        __atomic_fetch_or(&Seen, 1ULL << KeGetCurrentProcessorNumber(), __ATOMIC_SEQ_CST);
        KeLowerIrql(OldIrql);
    }
}

static VOID TestAllProcessors(VOID)
{
    ULONG Count = KmtProcessors();
    PETHREAD Threads[64];
    KAFFINITY All = KeQueryActiveProcessors();
    Stop = 0;
    for (ULONG i = 0; i < Count; i++) {
        Threads[i] = KmtStartThread(NoteProcessor, NULL);
    }
    for (int Round = 0; Round < 200 && Seen != All; Round++) {
        KmtSleep(20);
    }
    Stop = 1;
    for (ULONG i = 0; i < Count; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Seen, All, "threads run on every processor");
}

static KEVENT Go;
static volatile LONG HighRan;

static VOID NTAPI HighPriority(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), 20);
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    HighRan = 1;
}

static VOID TestPreemption(VOID)
{
    ULONG Busy = KmtProcessors();
    PETHREAD Spinners[64], High;
    KeInitializeEvent(&Go, SynchronizationEvent, FALSE);
    High = KmtStartThread(HighPriority, NULL);
    KmtAwaitWaiters(&Go, 1);
    Stop = 0;
    HighRan = 0;
    KeSetPriorityThread(KeGetCurrentThread(), 18); /* stays on a processor from here on */
    for (ULONG_PTR i = 0; i + 1 < Busy; i++) {
        Spinners[i] = KmtStartThread(Spin, (PVOID)i);
        KeSetPriorityThread(Spinners[i], 18);
    }
    KeSetEvent(&Go, 0, FALSE);
    /* On one processor the set itself switches; on several, some busy one is interrupted. */
    for (int i = 0; i < 100000000 && !HighRan; i++) {
        YieldProcessor();
    }
    KMT_CHECK(HighRan, "a real-time thread that is woken runs although every processor is busy");
    Stop = 1;
    KeSetPriorityThread(KeGetCurrentThread(), 8);
    for (ULONG i = 0; i + 1 < Busy; i++) {
        KmtJoin(Spinners[i]);
    }
    KmtJoin(High);
}

typedef struct _BOOSTED {
    KEVENT Event;
    KPRIORITY OnWake, AfterWork;
} BOOSTED;

static VOID BurnTicks(LONGLONG Milliseconds)
{
    ULONGLONG End = KmtNow() + Milliseconds * 10000;
    while (KmtNow() < End) {
    }
}

static VOID NTAPI GetBoosted(PVOID Context)
{
    BOOSTED *Boosted = Context;
    KeWaitForSingleObject(&Boosted->Event, Executive, KernelMode, FALSE, NULL);
    Boosted->OnWake = KeQueryPriorityThread(KeGetCurrentThread());
    BurnTicks(600); /* over a dozen quanta */
    Boosted->AfterWork = KeQueryPriorityThread(KeGetCurrentThread());
}

static VOID NTAPI GetBoostedRealTime(PVOID Context)
{
    KeSetPriorityThread(KeGetCurrentThread(), 17);
    GetBoosted(Context);
}

static VOID RunBoosted(BOOSTED *Boosted, PKSTART_ROUTINE Routine)
{
    PETHREAD Thread;
    KeInitializeEvent(&Boosted->Event, SynchronizationEvent, FALSE);
    Thread = KmtStartThread(Routine, Boosted);
    KmtAwaitWaiters(&Boosted->Event, 1);
    KeSetEvent(&Boosted->Event, 5, FALSE);
    KmtJoin(Thread);
}

static VOID TestBoosts(VOID)
{
    BOOSTED Boosted;
    RunBoosted(&Boosted, GetBoosted);
    KMT_EQUAL(Boosted.OnWake, 13, "a wake with increment 5 lifts a thread from 8 to 13");
    KMT_EQUAL(Boosted.AfterWork, 8, "work brings it back to its base");
    RunBoosted(&Boosted, GetBoostedRealTime);
    KMT_EQUAL(Boosted.OnWake, 17, "a real-time priority is not boosted");
    KMT_EQUAL(Boosted.AfterWork, 17, "nor does it decay");
}

static VOID TestPriorityCalls(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KPRIORITY Base;
    LONG Increment;
    KPRIORITY Old = KeSetPriorityThread(Thread, 10);
    KMT_EQUAL(KeQueryPriorityThread(Thread), 10, "a priority that is set is read back");
    KMT_EQUAL(KeSetPriorityThread(Thread, Old), 10, "setting reports the old one");
    Increment = KeSetBasePriorityThread(Thread, 2);
    Base = KeQueryPriorityThread(Thread);
    KMT_EQUAL(KeSetBasePriorityThread(Thread, Increment), 2, "a base increment is read back");
    KMT_EQUAL(Base, 10, "and counts from the process's 8");
}

static KEVENT WakeFree, WakeBound;
static volatile LONG FreeRan, BoundRan;

static VOID NTAPI RunAnywhere(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), 18);
    KeWaitForSingleObject(&WakeFree, Executive, KernelMode, FALSE, NULL);
    FreeRan = 1;
}

static VOID NTAPI RunOnFirst(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), 20);
    KeSetSystemAffinityThreadEx(1);
    KeWaitForSingleObject(&WakeBound, Executive, KernelMode, FALSE, NULL);
    BoundRan = 1;
}

/*
 * The first processor cannot switch, the others are busy: a thread that wakes is put in line for
 * the first. The others become idle, then a thread that must run on the first takes its place in
 * the line.
 */
static VOID TestDisplaced(VOID)
{
    ULONG Others = KmtProcessors() - 1;
    PETHREAD Spinners[64], Free, Bound;
    KIRQL OldIrql;
    ULONGLONG Start;
    if (Others == 0) {
        return;
    }
    KeInitializeEvent(&WakeFree, SynchronizationEvent, FALSE);
    KeInitializeEvent(&WakeBound, SynchronizationEvent, FALSE);
    Free = KmtStartThread(RunAnywhere, NULL);
    Bound = KmtStartThread(RunOnFirst, NULL);
    KmtAwaitWaiters(&WakeFree, 1);
    KmtAwaitWaiters(&WakeBound, 1);
    KeSetSystemAffinityThreadEx(1);
    KeSetPriorityThread(KeGetCurrentThread(), 16);
    Stop = 0;
    for (ULONG_PTR i = 0; i < Others; i++) {
        Spins[i] = 0;
        Spinners[i] = KmtStartThread(Spin, (PVOID)i);
        KeSetPriorityThread(Spinners[i], 19);
        while (Spins[i] == 0) {
            YieldProcessor();
        }
    }
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetEvent(&WakeFree, 0, FALSE);
    Stop = 1;
    BurnTicks(100); /* the spinners end */
    KeSetEvent(&WakeBound, 0, FALSE);
    for (Start = KmtNow(); !FreeRan && KmtNow() - Start < 2000 * 10000ULL;) {
        YieldProcessor();
    }
    KMT_CHECK(FreeRan && !BoundRan, "a thread that lost its place runs on another, idle processor");
    KeLowerIrql(OldIrql);
    KmtJoin(Free);
    KmtJoin(Bound);
    for (ULONG i = 0; i < Others; i++) {
        KmtJoin(Spinners[i]);
    }
    KeSetPriorityThread(KeGetCurrentThread(), 12);
    KeRevertToUserAffinityThreadEx(0);
}

static volatile LONG EqualRan;

static VOID NTAPI NoteRun(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    EqualRan = 1;
}

/* Far more ticks than a quantum has, while nobody can take the processor away; then it is
 * overdue. */
static VOID TestLongAtDispatch(VOID)
{
    PETHREAD Equal;
    ULONGLONG Lowered;
    KIRQL OldIrql;
    LONG Old = KeSetBasePriorityThread(KeGetCurrentThread(), 0); /* as the new thread's */
    EqualRan = 0;
    Equal = KmtStartThread(NoteRun, NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    BurnTicks(760);
    KeLowerIrql(OldIrql);
    Lowered = KmtNow();
    while (!EqualRan && KmtNow() - Lowered < 5000 * 10000ULL) {
    }
    Lowered = KmtNow() - Lowered;
    KmtJoin(Equal);
    KeSetBasePriorityThread(KeGetCurrentThread(), Old);
    KMT_CHECK(Lowered < 200 * 10000, "after long work at DISPATCH_LEVEL an equal has its turn");
}

static volatile LONG Ended;

static VOID NTAPI EndAtOnce(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Ended);
}

static VOID TestManyThreads(VOID)
{
    Ended = 0;
    for (int Round = 0; Round < 50; Round++) {
        PETHREAD Threads[20];
        for (int i = 0; i < 20; i++) {
            Threads[i] = KmtStartThread(EndAtOnce, NULL);
        }
        for (int i = 0; i < 20; i++) {
            KmtJoin(Threads[i]);
        }
    }
    KMT_EQUAL(Ended, 1000, "a thousand threads start and end");
}

static VOID KmtRun(VOID)
{
    TestPriorityCalls();
    TestSharing();
    TestAllProcessors();
    TestPreemption();
    TestBoosts();
    TestLongAtDispatch();
    TestDisplaced();
    TestManyThreads();
}
