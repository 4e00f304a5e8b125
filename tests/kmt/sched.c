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
    ULONG Looks = 0;
    Stop = 0;
    for (ULONG_PTR i = 0; i < Count; i++) {
        Spins[i] = 0;
        Threads[i] = KmtStartThread(Spin, (PVOID)i);
    }
    /* The spinners keep every processor busy; this thread still gets its turns. */
    while (Started != (LONG)Count && KmtLookAgain(&Looks)) {
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
    ULONG Looks = 0;
    Stop = 0;
    for (ULONG i = 0; i < Count; i++) {
        Threads[i] = KmtStartThread(NoteProcessor, NULL);
    }
    while (Seen != All && KmtLookAgain(&Looks)) {
    }
    Stop = 1;
    for (ULONG i = 0; i < Count; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Seen, All, "threads run on every processor");
}

static KEVENT Go;
static volatile LONG HighRan;

#define LIMIT (30 * 10000000ULL) /* for what has to come */

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
    ULONGLONG Start;
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
    for (Start = KmtNow(); !HighRan && KmtNow() - Start < LIMIT;) {
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

/* Ticks that come while the host holds the processor up are one, so it is not the time that says
 * when the boost must be gone. */
static VOID NTAPI GetBoosted(PVOID Context)
{
    BOOSTED *Boosted = Context;
    PKTHREAD Thread = KeGetCurrentThread();
    ULONGLONG Start;
    KeSetSystemAffinityThread(1);
    KeWaitForSingleObject(&Boosted->Event, Executive, KernelMode, FALSE, NULL);
    for (Start = KmtNow(); KeQueryPriorityThread(Thread) > 8 && KmtNow() - Start < LIMIT;) {
    }
    BurnTicks(300); /* and more quanta do not take it further */
    Boosted->AfterWork = KeQueryPriorityThread(Thread);
}

static VOID NTAPI WorkInRealTime(PVOID Context)
{
    BOOSTED *Boosted = Context;
    KeSetPriorityThread(KeGetCurrentThread(), 17);
    KeSetSystemAffinityThread(1);
    KeWaitForSingleObject(&Boosted->Event, Executive, KernelMode, FALSE, NULL);
    BurnTicks(600); /* over a dozen quanta */
    Boosted->AfterWork = KeQueryPriorityThread(KeGetCurrentThread());
}

/* On one processor, which this thread keeps meanwhile: what it gets is looked at before it runs. */
static VOID RunBoosted(BOOSTED *Boosted, PKSTART_ROUTINE Routine)
{
    PETHREAD Thread;
    KIRQL OldIrql;
    KeInitializeEvent(&Boosted->Event, SynchronizationEvent, FALSE);
    Thread = KmtStartThread(Routine, Boosted);
    KmtAwaitWaiters(&Boosted->Event, 1);
    KeSetSystemAffinityThread(1);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetEvent(&Boosted->Event, 5, FALSE);
    Boosted->OnWake = KeQueryPriorityThread((PKTHREAD)Thread);
    KeLowerIrql(OldIrql);
    KeRevertToUserAffinityThread();
    KmtJoin(Thread);
}

static VOID TestBoosts(VOID)
{
    BOOSTED Boosted;
    RunBoosted(&Boosted, GetBoosted);
    KMT_EQUAL(Boosted.OnWake, 13, "a wake with increment 5 lifts a thread from 8 to 13");
    KMT_EQUAL(Boosted.AfterWork, 8, "work brings it back to its base");
    RunBoosted(&Boosted, WorkInRealTime);
    KMT_EQUAL(Boosted.OnWake, 17, "a real-time priority is not boosted");
    KMT_EQUAL(Boosted.AfterWork, 17, "nor does it decay");
}

/* At DISPATCH_LEVEL: the end of a quantum would lead from below the base to the base. */
static VOID TestPriorityCalls(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KPRIORITY Old, Read, Told, Base;
    LONG Increment, Added;
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Old = KeSetPriorityThread(Thread, 10);
    Read = KeQueryPriorityThread(Thread);
    Told = KeSetPriorityThread(Thread, Old);
    Increment = KeSetBasePriorityThread(Thread, 2);
    Base = KeQueryPriorityThread(Thread);
    Added = KeSetBasePriorityThread(Thread, Increment);
    KeLowerIrql(OldIrql);
    KMT_EQUAL(Read, 10, "a priority that is set is read back");
    KMT_EQUAL(Told, 10, "setting reports the old one");
    KMT_EQUAL(Added, 2, "a base increment is read back");
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

static BOOLEAN HasEnded(PETHREAD Thread)
{
    return (BOOLEAN)(*(volatile LONG *)&((PDISPATCHER_HEADER)Thread)->SignalState != 0);
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
    for (ULONG i = 0; i < Others; i++) {
        for (Start = KmtNow(); !HasEnded(Spinners[i]) && KmtNow() - Start < LIMIT;) {
            YieldProcessor();
        }
    }
    KeSetEvent(&WakeBound, 0, FALSE);
    for (Start = KmtNow(); !FreeRan && KmtNow() - Start < LIMIT;) {
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
    KeSetSystemAffinityThread(1);
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    EqualRan = 1;
}

/* Ticks of the clock that this thread sees come until the other has run: those that the host makes
 * it miss are one. */
static ULONG CountTicksUntilEqual(ULONG Most)
{
    LARGE_INTEGER Last, Now;
    ULONG Ticks = 0;
    KeQueryTickCount(&Last);
    while (!EqualRan && Ticks < Most) {
        KeQueryTickCount(&Now);
        Ticks += Now.QuadPart != Last.QuadPart;
        Last = Now;
    }
    return Ticks;
}

/* Far more ticks than a quantum has, while nobody can take the processor away; then it is
 * overdue. */
static VOID TestLongAtDispatch(VOID)
{
    PETHREAD Equal;
    KIRQL OldIrql;
    LONG Old = KeSetBasePriorityThread(KeGetCurrentThread(), 0); /* as the new thread's */
    ULONG Ticks;
    EqualRan = 0;
    KeInitializeEvent(&Go, SynchronizationEvent, FALSE);
    Equal = KmtStartThread(NoteRun, NULL);
    KmtAwaitWaiters(&Go, 1);
    KeSetSystemAffinityThread(1);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetEvent(&Go, 0, FALSE);
    BurnTicks(760);
    KeLowerIrql(OldIrql);
    Ticks = CountTicksUntilEqual(100);
    KmtJoin(Equal);
    KeRevertToUserAffinityThread();
    KeSetBasePriorityThread(KeGetCurrentThread(), Old);
    KMT_CHECK(Ticks < 13, "after long work at DISPATCH_LEVEL an equal has its turn");
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
