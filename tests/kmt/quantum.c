/*
 * Promises: a thread that is preempted within its quantum goes on before its equals; one whose
 * priority is set begins a new quantum; equal real-time threads take turns by quantum, too, and
 * keep their priority. KeSetPriorityThread acts at once: lowering the running thread or raising
 * a ready one switches, raising to an equal does not, at DISPATCH_LEVEL it waits for the IRQL to
 * drop; 0 becomes 1; a waiting thread's priority counts when it wakes; an ended thread is left.
 * Everything happens on processor 0.
 */
#include "kmt.h"

#define PREEMPTIONS 200
#define SPAN_MS 400

static volatile LONGLONG Spun;
static volatile BOOLEAN Stop;

static VOID ConfineTo0(VOID)
{
    KeSetSystemAffinityThread(1);
}

static VOID NTAPI Spin(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ConfineTo0();
    while (!Stop) {
        Spun++;
    }
}

/* An equal, busy thread on processor 0, which this thread stays on; already under way. */
static PETHREAD StartEqual(VOID)
{
    PETHREAD Thread;
    Stop = FALSE;
    Spun = 0;
    Thread = KmtStartThread(Spin, NULL);
    for (int i = 0; i < 1000 && Spun == 0; i++) {
        KmtSleep(10);
    }
    return Thread;
}

static VOID End(PETHREAD Thread)
{
    Stop = TRUE;
    KmtJoin(Thread);
}

/*** A thread that waits to be told to run, and says that it has. ***/

static KEVENT PuppetGo;
static volatile LONG PuppetRan;
static volatile BOOLEAN PuppetEnds;

static VOID NTAPI Puppet(PVOID Context)
{
    ConfineTo0();
    KeSetPriorityThread(KeGetCurrentThread(), (KPRIORITY)(LONG_PTR)Context);
    for (;;) {
        KeWaitForSingleObject(&PuppetGo, Executive, KernelMode, FALSE, NULL);
        if (PuppetEnds) {
            return;
        }
        PuppetRan++;
    }
}

static PETHREAD StartPuppet(KPRIORITY Priority)
{
    PETHREAD Thread;
    KeInitializeEvent(&PuppetGo, SynchronizationEvent, FALSE);
    PuppetEnds = FALSE;
    PuppetRan = 0;
    Thread = KmtStartThread(Puppet, (PVOID)(LONG_PTR)Priority);
    KmtAwaitWaiters(&PuppetGo, 1);
    return Thread;
}

static VOID EndPuppet(PETHREAD Thread)
{
    PuppetEnds = TRUE;
    KeSetEvent(&PuppetGo, 0, FALSE);
    KmtJoin(Thread);
}

/*** Quanta. ***/

static VOID TestPreempted(VOID)
{
    PETHREAD Equal = StartEqual(), High = StartPuppet(20);
    LONG Overtaken = 0;
    for (int i = 0; i < PREEMPTIONS; i++) {
        LONGLONG Before = Spun;
        KeSetEvent(&PuppetGo, 0, FALSE); /* High runs here, before the call returns */
        Overtaken += Spun != Before;
    }
    EndPuppet(High);
    End(Equal);
    KMT_EQUAL(PuppetRan, PREEMPTIONS, "a higher thread preempts at once");
    /* A quantum may end in between now and then; going to the tail would be every time. */
    KMT_CHECK(Overtaken < PREEMPTIONS / 4, "who is preempted goes on before its equals");
}

/* How much the other thread does in SPAN_MS of this one's, which sets its priority or does not. */
static LONGLONG EqualsWork(BOOLEAN SetPriority)
{
    PETHREAD Self = KeGetCurrentThread();
    ULONGLONG Until = KmtNow() + SPAN_MS * 10000;
    LONGLONG Before = Spun;
    while (KmtNow() < Until) {
        if (SetPriority) {
            KeSetPriorityThread(Self, 9);
            KeSetPriorityThread(Self, 8);
        }
    }
    return Spun - Before;
}

static VOID TestReset(VOID)
{
    PETHREAD Equal = StartEqual();
    BOOLEAN Held = FALSE;
    for (int i = 0; i < 5 && !Held; i++) {
        LONGLONG Shared = EqualsWork(FALSE);
        LONGLONG Alone = EqualsWork(TRUE);
        DbgPrint("# an equal's work: %I64d, and %I64d while quanta begin anew\n", Shared, Alone);
        Held = Shared > 0 && Alone < Shared / 2;
    }
    End(Equal);
    KMT_CHECK(Held, "setting a priority begins a new quantum");
}

#define TURNS 4

typedef struct _TURN {
    struct _TURN *Other;
    volatile LONG Taken;
    volatile KPRIORITY Last;
} TURN;

/* Takes a turn when the other one has had as many, which on one processor only the ends of quanta
 * let both see, however long the machine stands still meanwhile. */
static VOID NTAPI WorkInRealTime(PVOID Context)
{
    TURN *Turn = Context;
    ConfineTo0();
    KeSetPriorityThread(KeGetCurrentThread(), 18);
    KeWaitForSingleObject(&PuppetGo, Executive, KernelMode, FALSE, NULL);
    ULONGLONG Until = KmtNow() + 30000 * 10000ULL;
    while (Turn->Taken < TURNS && KmtNow() < Until) {
        Turn->Taken += Turn->Other->Taken >= Turn->Taken;
    }
    Turn->Last = KeQueryPriorityThread(KeGetCurrentThread());
}

static VOID TestRealTime(VOID)
{
    TURN One = {0}, Two = {.Other = &One};
    PETHREAD First, Second;
    One.Other = &Two;
    KeInitializeEvent(&PuppetGo, NotificationEvent, FALSE);
    First = KmtStartThread(WorkInRealTime, &One);
    Second = KmtStartThread(WorkInRealTime, &Two);
    KmtAwaitWaiters(&PuppetGo, 2);
    KeSetEvent(&PuppetGo, 5, FALSE);
    KmtJoin(First);
    KmtJoin(Second);
    KMT_CHECK(One.Taken == TURNS && Two.Taken == TURNS, "equal real-time threads take turns");
    KMT_CHECK(One.Last == 18 && Two.Last == 18, "and stay where they are");
}

/*** KeSetPriorityThread. ***/

/* This thread at Mine, the puppet ready at Its priority, and not running. */
static VOID MakeReady(PETHREAD Thread, KPRIORITY Mine, KPRIORITY Its)
{
    KmtAwaitWaiters(&PuppetGo, 1);
    PuppetRan = 0;
    KeSetPriorityThread(KeGetCurrentThread(), Mine);
    KeSetPriorityThread(Thread, Its);
    KeSetEvent(&PuppetGo, 0, FALSE);
}

static VOID TestSwitches(VOID)
{
    PETHREAD Self = KeGetCurrentThread(), Thread = StartPuppet(17);
    MakeReady(Thread, 20, 17);
    KMT_EQUAL(PuppetRan, 0, "a lower thread that is ready does not run");
    KeSetPriorityThread(Self, 16);
    KMT_EQUAL(PuppetRan, 1, "until the running one is lowered below it: then at once");
    MakeReady(Thread, 20, 17);
    KMT_EQUAL(KeSetPriorityThread(Thread, 21), 17, "raising a ready thread tells the old priority");
    KMT_EQUAL(PuppetRan, 1, "and switches to it at once");
    MakeReady(Thread, 20, 17);
    KeSetPriorityThread(Thread, 20);
    KMT_EQUAL(PuppetRan, 0, "raising it to an equal one's does not");
    KeSetPriorityThread(Self, 19);
    KMT_EQUAL(PuppetRan, 1, "lowering below that one does");
    MakeReady(Thread, 20, 31);
    KMT_EQUAL(PuppetRan, 1, "what is set for a waiting thread counts when it wakes");
    KeSetPriorityThread(Self, 8);
    EndPuppet(Thread);
}

static VOID TestAtDispatchLevel(VOID)
{
    PETHREAD Thread = StartPuppet(17);
    KIRQL OldIrql;
    MakeReady(Thread, 20, 17);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetPriorityThread(Thread, 22);
    KMT_EQUAL(PuppetRan, 0, "at DISPATCH_LEVEL nothing is switched");
    KeLowerIrql(OldIrql);
    KMT_EQUAL(PuppetRan, 1, "but as soon as the IRQL drops");
    KeSetPriorityThread(KeGetCurrentThread(), 8);
    EndPuppet(Thread);
}

static VOID TestEdges(VOID)
{
    PETHREAD Self = KeGetCurrentThread(), Ended = KmtStartThread(Spin, NULL);
    KPRIORITY Zero, Raised;
    KIRQL OldIrql;
    KmtSleep(5);
    Stop = TRUE;
    KeWaitForSingleObject(Ended, Executive, KernelMode, FALSE, NULL);
    KeSetPriorityThread(Ended, 12);
    KMT_EQUAL(KeQueryPriorityThread(Ended), 12, "an ended thread's priority is only a number");
    ObDereferenceObject(Ended);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql); /* the end of a quantum would lift it to its base */
    KeSetPriorityThread(Self, 0);
    Zero = KeQueryPriorityThread(Self);
    Raised = KeSetPriorityThread(Self, HIGH_PRIORITY);
    KeLowerIrql(OldIrql);
    KMT_EQUAL(Raised, 1, "0 becomes 1");
    KMT_EQUAL(Zero, 1, "for everybody");
    KMT_EQUAL(KeSetPriorityThread(Self, 8), HIGH_PRIORITY, "31 is the highest");
}

static VOID KmtRun(VOID)
{
    /* Tests run in a worker thread, which is more important than the threads made here. */
    LONG Increment = KeSetBasePriorityThread(KeGetCurrentThread(), 0);
    ConfineTo0();
    TestPreempted();
    TestReset();
    TestRealTime();
    TestSwitches();
    TestAtDispatchLevel();
    TestEdges();
    KeRevertToUserAffinityThread();
    KeSetBasePriorityThread(KeGetCurrentThread(), Increment);
}
