/*
 * Promises: a work item runs once for each time it is queued, at PASSIVE_LEVEL in a system thread,
 * at the priority of its queue, for as long as it runs; it may free itself or queue itself anew;
 * items that block do not keep others from running.
 */
#include "kmt.h"

#define TAG 'tseT'
#define BLOCKED 60
#define MANY 2000

static KEVENT Done, Gate;
static volatile LONG Runs, BadLevels;
static WORK_QUEUE_ITEM Item;
static volatile KPRIORITY Priority;
static PETHREAD volatile Worker;

static VOID NTAPI Note(PVOID Context)
{
    Worker = KeGetCurrentThread();
    Priority = KeQueryPriorityThread(KeGetCurrentThread());
    BadLevels += KeGetCurrentIrql() != PASSIVE_LEVEL;
    KeSetEvent((PKEVENT)Context, 0, FALSE);
}

/* Whether Routine runs as an item of this type at the priority that is wanted. A host that keeps
 * the machine from running makes it help the worker, as one that starves: then another time it is
 * so. */
static BOOLEAN RunsAt(PWORKER_THREAD_ROUTINE Routine, ULONG Type, KPRIORITY Wanted)
{
    for (ULONG Tries = 0; Tries < 3; Tries++) {
        ExInitializeWorkItem(&Item, Routine, &Done);
        ExQueueWorkItem(&Item, (WORK_QUEUE_TYPE)Type);
        if (KmtWait(&Done, 20000) != STATUS_SUCCESS) {
            return FALSE;
        }
        if (Priority == Wanted) {
            return TRUE;
        }
        DbgPrint("# priority %d, not %d\n", Priority, Wanted);
    }
    return FALSE;
}

static VOID TestQueues(VOID)
{
    static const KPRIORITY Expected[] = {13, 12, 15, 8, 7, 18, 14};
    LONG Wrong = 0;

    for (ULONG Queue = 0; Queue < MaximumWorkQueue + 2; Queue++) {
        ULONG Type = Queue < MaximumWorkQueue ? Queue : CustomPriorityWorkQueue + 5 + Queue;
        KPRIORITY Wanted = Queue < MaximumWorkQueue ? Expected[Queue] : (KPRIORITY)(5 + Queue);

        Wrong += !RunsAt(Note, Type, Wanted);
    }
    KMT_EQUAL(Wrong, 0, "every queue runs items, at its priority");
    KMT_EQUAL(BadLevels, 0, "at PASSIVE_LEVEL");
    KMT_CHECK(Worker != KeGetCurrentThread(), "in another thread");
}

/*  Works for over a dozen quanta: a boost would be gone, and nothing takes the priority
 * elsewhere. */
static VOID NTAPI WorkLong(PVOID Context)
{
    ULONGLONG End = KmtNow() + 500 * 10000;

    while (KmtNow() < End) {
        YieldProcessor();
    }
    Note(Context);
}

static VOID TestLongItems(VOID)
{
    KMT_CHECK(RunsAt(WorkLong, HyperCriticalWorkQueue, 15),
              "long work keeps the priority of an urgent queue");
    KMT_CHECK(RunsAt(WorkLong, BackgroundWorkQueue, 7), "and of a lazy one");
}

static VOID NTAPI Again(PVOID Context)
{
    if (InterlockedIncrement(&Runs) < MANY) {
        ExQueueWorkItem((PWORK_QUEUE_ITEM)Context, DelayedWorkQueue);
    } else {
        KeSetEvent(&Done, 0, FALSE);
    }
}

static VOID NTAPI FreeSelf(PVOID Context)
{
    ExFreePoolWithTag(Context, TAG);
    if (InterlockedIncrement(&Runs) == MANY) {
        KeSetEvent(&Done, 0, FALSE);
    }
}

static VOID TestReuse(VOID)
{
    ExInitializeWorkItem(&Item, Again, &Item);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS, "an item queues itself anew");
    Runs = 0;
    for (LONG i = 0; i < MANY; i++) {
        PWORK_QUEUE_ITEM New = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*New), TAG);

        ExInitializeWorkItem(New, FreeSelf, New);
        ExQueueWorkItem(New, (i & 1) ? CriticalWorkQueue : NormalWorkQueue);
    }
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS, "items free themselves");
    KMT_EQUAL(Runs, MANY, "each ran once");
}

static VOID NTAPI Block(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Gate, Executive, KernelMode, FALSE, NULL);
    if (InterlockedIncrement(&Runs) == BLOCKED) {
        KeSetEvent(&Done, 0, FALSE);
    }
}

static VOID NTAPI Open(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Gate, 0, FALSE);
}

static VOID TestBlocked(VOID)
{
    static WORK_QUEUE_ITEM Items[BLOCKED + 1];

    Runs = 0;
    for (LONG i = 0; i < BLOCKED; i++) {
        ExInitializeWorkItem(&Items[i], Block, NULL);
        ExQueueWorkItem(&Items[i], DelayedWorkQueue);
    }
    ExInitializeWorkItem(&Items[BLOCKED], Open, NULL);
    ExQueueWorkItem(&Items[BLOCKED], DelayedWorkQueue);
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS,
              "who waits for a later item does not wait for ever");
}

static VOID NTAPI QueueFromDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExQueueWorkItem((PWORK_QUEUE_ITEM)Context, HyperCriticalWorkQueue);
}

static VOID TestDpc(VOID)
{
    KDPC Dpc;

    ExInitializeWorkItem(&Item, Note, &Done);
    KeInitializeDpc(&Dpc, QueueFromDpc, &Item);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KMT_EQUAL(KmtWait(&Done, 5000), STATUS_SUCCESS, "a DPC queues an item");
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Done, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Gate, NotificationEvent, FALSE);
    TestQueues();
    TestLongItems();
    TestReuse();
    TestBlocked();
    TestDpc();
    KmtLetOthersReturn(); /* from the last items' routines: their code may go */
}
