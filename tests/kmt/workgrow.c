/*
 * Promises: the pool of worker threads grows with what blocks: a hundred items that wait for one
 * another all get a thread; busy items of a lazy queue do not keep an urgent one from running; an
 * urgent item overtakes lazy ones that wait; threads are reused afterwards, so that the next two
 * hundred need hardly any new ones.
 */
#include "kmt.h"

#define BLOCKED 100
#define BUSY 16

typedef struct _ITEM {
    WORK_QUEUE_ITEM Work;
    PETHREAD Thread;
    LONG Turn;
} ITEM;

static ITEM Items[BLOCKED];
static KEVENT Gate, Done;
static volatile LONG Started, Ended, Turns;
static volatile BOOLEAN Stop;

static VOID NTAPI Block(PVOID Context)
{
    ITEM *Item = Context;
    Item->Thread = KeGetCurrentThread();
    InterlockedIncrement(&Started);
    KeWaitForSingleObject(&Gate, Executive, KernelMode, FALSE, NULL);
    if (InterlockedIncrement(&Ended) == BLOCKED) {
        KeSetEvent(&Done, 0, FALSE);
    }
}

static BOOLEAN Reaches(volatile LONG *Count, LONG Wanted)
{
    for (int i = 0; i < 3000 && *Count != Wanted; i++) {
        KmtSleep(10);
    }
    return *Count == Wanted;
}

static VOID BlockAll(PCSTR Text)
{
    Started = Ended = 0;
    KeClearEvent(&Gate);
    for (ULONG i = 0; i < BLOCKED; i++) {
        ExInitializeWorkItem(&Items[i].Work, Block, &Items[i]);
        ExQueueWorkItem(&Items[i].Work, DelayedWorkQueue);
    }
    KMT_CHECK(Reaches(&Started, BLOCKED), Text);
    KeSetEvent(&Gate, 0, FALSE);
    KMT_EQUAL(KmtWait(&Done, 30000), STATUS_SUCCESS, "and they go on together");
}

static VOID TestGrowth(VOID)
{
    static PETHREAD First[BLOCKED];
    LONG Known = 0;
    BlockAll("a hundred items wait in a hundred threads");
    for (ULONG i = 0; i < BLOCKED; i++) {
        First[i] = Items[i].Thread;
    }
    KmtLetOthersReturn(); /* all of them are idle again */
    BlockAll("and so do the next");
    for (ULONG i = 0; i < BLOCKED; i++) {
        for (ULONG j = 0; j < BLOCKED; j++) {
            Known += First[j] == Items[i].Thread;
        }
    }
    KMT_CHECK(Known > BLOCKED * 3 / 4, "in the same threads");
}

static VOID NTAPI KeepBusy(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Started);
    while (!Stop) {
        YieldProcessor();
    }
    InterlockedIncrement(&Ended);
}

static VOID NTAPI Note(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Done, 0, FALSE);
}

static VOID TestUrgent(VOID)
{
    static WORK_QUEUE_ITEM Urgent;
    LONG Ran = 0;
    Started = Ended = 0;
    Stop = FALSE;
    for (ULONG i = 0; i < BUSY; i++) {
        ExInitializeWorkItem(&Items[i].Work, KeepBusy, NULL);
        ExQueueWorkItem(&Items[i].Work, BackgroundWorkQueue);
    }
    for (ULONG Queue = 0; Queue < MaximumWorkQueue; Queue++) {
        if (Queue != BackgroundWorkQueue) {
            ExInitializeWorkItem(&Urgent, Note, NULL);
            ExQueueWorkItem(&Urgent, (WORK_QUEUE_TYPE)Queue);
            Ran += KmtWait(&Done, 20000) == STATUS_SUCCESS;
        }
    }
    Stop = TRUE;
    KMT_EQUAL(Ran, MaximumWorkQueue - 1, "busy lazy items keep no urgent one from running");
    KMT_CHECK(Reaches(&Ended, BUSY), "and end when they may");
}

static VOID NTAPI TakeTurn(PVOID Context)
{
    ((ITEM *)Context)->Turn = InterlockedIncrement(&Turns);
}

/* With this processor kept, the idle workers here start with nothing; others may take some. */
static VOID TestOvertaking(VOID)
{
    ULONG Half = BLOCKED / 2;
    LONGLONG Lazy = 0, Urgent = 0;
    KIRQL OldIrql;
    Turns = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (ULONG i = 0; i < 2 * Half; i++) {
        ExInitializeWorkItem(&Items[i].Work, TakeTurn, &Items[i]);
        ExQueueWorkItem(&Items[i].Work, i < Half ? BackgroundWorkQueue : HyperCriticalWorkQueue);
    }
    KeLowerIrql(OldIrql);
    KMT_CHECK(Reaches(&Turns, (LONG)(2 * Half)), "items of two queues all run");
    for (ULONG i = 0; i < Half; i++) {
        Lazy += Items[i].Turn;
        Urgent += Items[Half + i].Turn;
    }
    DbgPrint("# mean turn of the lazy %I64d, of the urgent %I64d\n", Lazy / Half, Urgent / Half);
    if (KmtProcessors() == 1) {
        KMT_CHECK(Urgent < Lazy, "the urgent ones first, though they came later");
    }
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Gate, NotificationEvent, FALSE);
    KeInitializeEvent(&Done, SynchronizationEvent, FALSE);
    TestGrowth();
    TestUrgent();
    TestOvertaking();
    KmtLetOthersReturn(); /* from the last routines */
}
