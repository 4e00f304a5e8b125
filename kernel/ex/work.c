/*
 * work.c - work queues: routines that run later, at PASSIVE_LEVEL, in a system worker thread.
 *
 * There is one pool of workers for all queue types; a type is a priority, at which the worker runs
 * the item. An item goes to an idle worker directly, last idle first, or waits in the list of its
 * priority until a worker is done with another. Workers that block keep others waiting only until
 * the balance thread has made one more: it does so as long as items wait and fewer workers than
 * processors are able to run at that priority or above, or none of the items that wait has been
 * taken between two looks, as when a worker is always just awake when looked at. Workers that stay
 * idle end, except the first few.
 *
 * ExpWorkLock (LOCK_ORDER_EX_WORK) guards lists, counts and every worker's Item.
 */
#include "ke.h"
#include "ex.h"
#include "kd.h"
#include "leak.h"
#include "resource.h"
#include "ps.h"

#define EX_WORKER_TAG 'rkwE' /* "Ewkr" */
#define EX_MINIMUM_WORKERS 2
#define EX_MAXIMUM_WORKERS 4096
#define EX_BALANCE_PRIORITY 22
/* Without progress there is one more worker, up to so many able ones for each processor: items that
 * compute, rather than wait, gain nothing by having even more. */
#define EX_ABLE_WORKERS 4
/* How soon a blocked worker is noticed while items wait; how long a spare worker stays. */
#define EX_BALANCE_100NS (10LL * 10000)
#define EX_IDLE_LIMIT_100NS (30LL * 10000000)

/* WORKER_INVALID: what is wrong with an item. Windows' numbers; 2 and 3 are of I/O work items. */
#define EX_ITEM_QUEUED_TWICE 1
#define EX_ITEM_BAD_ROUTINE 4
#define EX_ITEM_BAD_QUEUE 6
/* APC_INDEX_MISMATCH: found after a worker routine, not a system service. */
#define EX_CALL_TYPE_WORKER 1

typedef struct _EX_WORKER {
    LIST_ENTRY Link;             /* of all workers */
    LIST_ENTRY IdleLink;         /* while idle */
    PKTHREAD volatile Thread;    /* NULL until it first runs */
    PWORK_QUEUE_ITEM Item;       /* handed over while idle */
    volatile KPRIORITY Priority; /* of the item it runs */
    /* The routine it has been handed, or is in: set with Item; NULL again, its own to write,
     * afterwards. */
    PWORKER_THREAD_ROUTINE volatile Running;
    KEVENT Event; /* an item was handed over */
    BOOLEAN Idle;
} EX_WORKER, *PEX_WORKER;

static KSPIN_LOCK ExpWorkLock;
KI_RANKED_LOCK(ExpWorkLock, LOCK_ORDER_EX_WORK);
static LIST_ENTRY ExpItems[MAXIMUM_PRIORITY];
static ULONG ExpItemSummary; /* bit n: ExpItems[n] is not empty */
static LIST_ENTRY ExpWorkers, ExpIdleWorkers;
static ULONG ExpWorkerCount, ExpIdleCount, ExpPendingCount;
static ULONG64 ExpItemsDone;
static ULONG64 ExpItemsTaken; /* of those that had to wait */
static KEVENT ExpBalanceEvent;

/* Priorities of the seven queue types, in the order of WORK_QUEUE_TYPE; Windows' values. */
static const UCHAR ExpQueuePriority[MaximumWorkQueue] = {13, 12, 15, 8, 7, 18, 14};

static KPRIORITY ExpPriorityOfQueue(PWORK_QUEUE_ITEM Item, ULONG QueueType)
{
    if (QueueType < MaximumWorkQueue) {
        return ExpQueuePriority[QueueType];
    }
    if (QueueType - CustomPriorityWorkQueue < MAXIMUM_PRIORITY) {
        return (KPRIORITY)(QueueType - CustomPriorityWorkQueue);
    }
    KeBugCheckEx(WORKER_INVALID, EX_ITEM_BAD_QUEUE, (ULONG_PTR)Item, QueueType, 0);
}

/* With the lock held. The item is its owner's again when the worker begins, so the routine is
 * remembered. */
static void ExpHandOver(PEX_WORKER Worker, PWORK_QUEUE_ITEM Item)
{
    Worker->Item = Item;
    Worker->Running = Item->WorkerRoutine;
}

/* With the lock held: the most urgent item that waits, or NULL. */
static PWORK_QUEUE_ITEM ExpTakeItem(PEX_WORKER Worker)
{
    PLIST_ENTRY Head;

    if (ExpItemSummary == 0) {
        return NULL;
    }
    Worker->Priority = 31 - __builtin_clz(ExpItemSummary);
    Head = &ExpItems[Worker->Priority];
    ExpHandOver(Worker, CONTAINING_RECORD(RemoveHeadList(Head), WORK_QUEUE_ITEM, List));
    if (IsListEmpty(Head)) {
        ExpItemSummary &= ~(1U << Worker->Priority);
    }
    ExpPendingCount--;
    ExpItemsTaken++;
    return Worker->Item;
}

/* An item that a worker has been handed, or whose routine it is in: the item itself may be gone by
 * then, and is not looked into. */
static void ExpFindRunningLeaks(PLDR_LEAKS Leaks)
{
    for (PLIST_ENTRY Entry = ExpWorkers.Flink; Entry != &ExpWorkers; Entry = Entry->Flink) {
        PEX_WORKER Worker = CONTAINING_RECORD(Entry, EX_WORKER, Link);
        PWORK_QUEUE_ITEM Item = Worker->Item;
        PVOID Running = (PVOID)Worker->Running;

        if (Item != NULL && (LdrIsInImage(Leaks, Item) || LdrIsInImage(Leaks, Running))) {
            LdrNoteLeak(Leaks, LdrLeakWorkItem, Item, Running);
        } else if (LdrIsInImage(Leaks, Running)) {
            LdrNoteLeak(Leaks, LdrLeakWorkRunning, Worker->Thread, Running);
        }
    }
}

static void ExpFindWorkLeaks(PLDR_LEAKS Leaks)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpWorkLock);

    ExpFindRunningLeaks(Leaks);
    for (ULONG i = 0; i < MAXIMUM_PRIORITY; i++) {
        if ((ExpItemSummary & 1U << i) == 0) {
            continue;
        }
        for (PLIST_ENTRY Entry = ExpItems[i].Flink; Entry != &ExpItems[i]; Entry = Entry->Flink) {
            PWORK_QUEUE_ITEM Item = CONTAINING_RECORD(Entry, WORK_QUEUE_ITEM, List);

            if (LdrIsInImage(Leaks, Item) || LdrIsInImage(Leaks, (PVOID)Item->WorkerRoutine)) {
                LdrNoteLeak(Leaks, LdrLeakWorkItem, Item, (PVOID)Item->WorkerRoutine);
            }
        }
    }
    KeReleaseSpinLock(&ExpWorkLock, OldIrql);
}

static void ExpNotePool(ULONG Tag, PVOID Caller, ULONG64 Count, ULONG64 Bytes, PVOID Context)
{
    PLDR_LEAK Leak = LdrNoteLeak(Context, LdrLeakPool, (PVOID)(ULONG_PTR)Tag, Caller);

    if (Leak != NULL) {
        Leak->Count = Count;
        Leak->Bytes = Bytes;
    }
}

void ExFindLeaks(PLDR_LEAKS Leaks)
{
    ExpFindWorkLeaks(Leaks);
    ExpFindResourceLeaks(Leaks);
    ExQueryModulePool((PVOID)Leaks->Base, Leaks->Size, ExpNotePool, Leaks);
}

/* For as long as an item runs: base priority too, so that neither decay nor a boost takes it
 * elsewhere. Real-time priorities, which the system process has no base for, do not decay. */
static void ExpSetWorkerPriority(PKTHREAD Thread, KPRIORITY Priority)
{
    if (Priority < LOW_REALTIME_PRIORITY) {
        KeSetBasePriorityThread(Thread, Priority - Thread->Process->BasePriority);
    } else {
        KeSetPriorityThread(Thread, Priority);
    }
}

VOID NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    KPRIORITY Priority = ExpPriorityOfQueue(WorkItem, (ULONG)QueueType);
    PEX_WORKER Worker = NULL;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if ((LONG_PTR)WorkItem->WorkerRoutine >= 0) { /* not a kernel address */
        KeBugCheckEx(WORKER_INVALID, EX_ITEM_BAD_ROUTINE, (ULONG_PTR)WorkItem,
                     (ULONG_PTR)WorkItem->WorkerRoutine, 0);
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpWorkLock);
    if (WorkItem->List.Flink != NULL) {
        KeBugCheckEx(WORKER_INVALID, EX_ITEM_QUEUED_TWICE, (ULONG_PTR)WorkItem, QueueType, 0);
    }
    InitializeListHead(&WorkItem->List); /* Flink says that it is queued, wherever it stands */
    if (!IsListEmpty(&ExpIdleWorkers)) {
        Worker = CONTAINING_RECORD(RemoveHeadList(&ExpIdleWorkers), EX_WORKER, IdleLink);
        ExpIdleCount--;
        Worker->Idle = FALSE;
        ExpHandOver(Worker, WorkItem);
        Worker->Priority = Priority;
    } else {
        InsertTailList(&ExpItems[Priority], &WorkItem->List);
        ExpItemSummary |= 1U << Priority;
        ExpPendingCount++;
    }
    KeReleaseSpinLock(&ExpWorkLock, OldIrql);
    if (Worker != NULL) {
        /* It waits for this event and cannot end before it has run the item. */
        ExpSetWorkerPriority(Worker->Thread, Priority);
        KeSetEvent(&Worker->Event, IO_NO_INCREMENT, FALSE);
    } else {
        KeSetEvent(&ExpBalanceEvent, IO_NO_INCREMENT, FALSE);
    }
}

/*** Workers. ***/

void ExCheckWorkerState(PVOID Routine, PVOID Parameter, PVOID Item)
{
    PKTHREAD Thread = KeGetCurrentThread();

    if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
        KeBugCheckEx(WORKER_THREAD_RETURNED_AT_BAD_IRQL, (ULONG_PTR)Routine, KeGetCurrentIrql(),
                     (ULONG_PTR)Parameter, (ULONG_PTR)Item);
    }
    if (Thread->KernelApcDisable != 0 || Thread->SpecialApcDisable != 0) {
        KeBugCheckEx(APC_INDEX_MISMATCH, (ULONG_PTR)Routine, 0,
                     (ULONG)(USHORT)Thread->SpecialApcDisable << 16 |
                         (USHORT)Thread->KernelApcDisable,
                     EX_CALL_TYPE_WORKER);
    }
    KiCheckAttached(Thread->Process, Routine);
    if (Thread->UserAffinity != 0) {
        KeRevertToUserAffinityThread(); /* else the next item would be confined as this one was */
    }
}

static void ExpRunItem(PEX_WORKER Worker)
{
    PWORK_QUEUE_ITEM Item = Worker->Item;
    PWORKER_THREAD_ROUTINE Routine = Item->WorkerRoutine;
    PVOID Parameter = Item->Parameter;

    Worker->Item = NULL;
    /* From here on the item is its owner's again: the routine may free it or queue it anew. */
    __atomic_store_n(&Item->List.Flink, NULL, __ATOMIC_RELEASE);
    ExpSetWorkerPriority(KeGetCurrentThread(), Worker->Priority);
    Routine(Parameter);
    Worker->Running = NULL;
    ExCheckWorkerState((PVOID)Routine, Parameter, Item);
    InterlockedIncrement64(&ExpItemsDone);
}

/* Takes an item or becomes idle; TRUE when Item is set. */
static BOOLEAN ExpTakeItemOrIdle(PEX_WORKER Worker)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpWorkLock);
    PWORK_QUEUE_ITEM Item = ExpTakeItem(Worker);

    if (Item == NULL) {
        InsertHeadList(&ExpIdleWorkers, &Worker->IdleLink);
        ExpIdleCount++;
        Worker->Idle = TRUE;
    }
    KeReleaseSpinLock(&ExpWorkLock, OldIrql);
    return Item != NULL;
}

/* The wait for an item has timed out: TRUE when the worker is out of the pool and ends. */
static BOOLEAN ExpLeavePool(PEX_WORKER Worker)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpWorkLock);
    BOOLEAN Leave = Worker->Idle && ExpWorkerCount > EX_MINIMUM_WORKERS;

    if (Leave) {
        RemoveEntryList(&Worker->IdleLink);
        RemoveEntryList(&Worker->Link);
        ExpIdleCount--;
        ExpWorkerCount--;
    }
    KeReleaseSpinLock(&ExpWorkLock, OldIrql);
    return Leave;
}

/* Waits until an item is handed over; FALSE when the worker is to end instead. */
static BOOLEAN ExpWaitForItem(PEX_WORKER Worker)
{
    LARGE_INTEGER Limit = {.QuadPart = -EX_IDLE_LIMIT_100NS};

    while (KeWaitForSingleObject(&Worker->Event, WrQueue, KernelMode, FALSE, &Limit) ==
           STATUS_TIMEOUT) {
        if (ExpLeavePool(Worker)) {
            return FALSE;
        }
    }
    return TRUE;
}

static VOID NTAPI ExpWorkerThread(PVOID Context)
{
    PEX_WORKER Worker = Context;

    Worker->Thread = KeGetCurrentThread();
    while (ExpTakeItemOrIdle(Worker) || ExpWaitForItem(Worker)) {
        ExpRunItem(Worker);
    }
    ExFreePoolWithTag(Worker, EX_WORKER_TAG);
}

/* One more worker, at first for items of Priority; FALSE when memory is exhausted. */
static BOOLEAN ExpCreateWorker(KPRIORITY Priority)
{
    PEX_WORKER Worker = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Worker), EX_WORKER_TAG);
    KIRQL OldIrql;

    if (Worker == NULL) {
        return FALSE;
    }
    KeInitializeEvent(&Worker->Event, SynchronizationEvent, FALSE);
    Worker->Priority = Priority;
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpWorkLock);
    InsertTailList(&ExpWorkers, &Worker->Link);
    ExpWorkerCount++;
    KeReleaseSpinLock(&ExpWorkLock, OldIrql);
    if (NT_SUCCESS(PsCreateKernelThread("worker", Priority, ExpWorkerThread, Worker, NULL))) {
        return TRUE;
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpWorkLock);
    RemoveEntryList(&Worker->Link);
    ExpWorkerCount--;
    KeReleaseSpinLock(&ExpWorkLock, OldIrql);
    ExFreePoolWithTag(Worker, EX_WORKER_TAG);
    return FALSE;
}

/*** Balance. ***/

/* With the lock held: workers at Priority or above that are not blocked. A look without the
 * dispatcher's lock: it may be a moment late, and is repeated. */
static ULONG ExpCountAbleWorkers(KPRIORITY Priority)
{
    ULONG Able = 0;

    for (PLIST_ENTRY Link = ExpWorkers.Flink; Link != &ExpWorkers; Link = Link->Flink) {
        PEX_WORKER Worker = CONTAINING_RECORD(Link, EX_WORKER, Link);
        PKTHREAD Thread = Worker->Thread;

        if (Worker->Priority >= Priority && (Thread == NULL || Thread->State != Waiting)) {
            Able++;
        }
    }
    return Able;
}

/* Priority of the items that want another worker, with Enough able ones for each processor; -1:
 * none do. *Pending: items wait. */
static KPRIORITY ExpFindShortage(ULONG Enough, BOOLEAN *Pending)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpWorkLock);
    KPRIORITY Priority = -1;

    *Pending = ExpItemSummary != 0;
    if (*Pending && ExpWorkerCount < EX_MAXIMUM_WORKERS) {
        Priority = 31 - __builtin_clz(ExpItemSummary);
        if (ExpCountAbleWorkers(Priority) >= Enough * KeNumberProcessors) {
            Priority = -1;
        }
    }
    KeReleaseSpinLock(&ExpWorkLock, OldIrql);
    return Priority;
}

/* Makes the workers that are missing, and one more when the queues are Stalled. */
static void ExpBalance(BOOLEAN Stalled, BOOLEAN *Pending)
{
    ULONG Enough = Stalled ? EX_ABLE_WORKERS : 1;
    KPRIORITY Priority;

    do {
        Priority = ExpFindShortage(Enough, Pending);
        Enough = 1;
    } while (Priority >= 0 && ExpCreateWorker(Priority));
}

static VOID NTAPI ExpBalanceThread(PVOID Context)
{
    LARGE_INTEGER Soon = {.QuadPart = -EX_BALANCE_100NS};
    BOOLEAN Pending = FALSE;
    ULONG64 Taken = 0;

    (void)Context;
    for (;;) {
        NTSTATUS Status = KeWaitForSingleObject(&ExpBalanceEvent, WrQueue, KernelMode, FALSE,
                                                Pending ? &Soon : NULL);

        ExpBalance(Status == STATUS_TIMEOUT && ExpItemsTaken == Taken, &Pending);
        Taken = ExpItemsTaken;
    }
}

void ExInitSystem(void)
{
    for (ULONG i = 0; i < MAXIMUM_PRIORITY; i++) {
        InitializeListHead(&ExpItems[i]);
    }
    InitializeListHead(&ExpWorkers);
    InitializeListHead(&ExpIdleWorkers);
    KeInitializeEvent(&ExpBalanceEvent, SynchronizationEvent, FALSE);
    for (ULONG i = 0; i < EX_MINIMUM_WORKERS; i++) {
        if (!ExpCreateWorker(ExpQueuePriority[DelayedWorkQueue])) {
            KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG_PTR)STATUS_NO_MEMORY, i, 0, 0);
        }
    }
    if (!NT_SUCCESS(
            PsCreateKernelThread("balance", EX_BALANCE_PRIORITY, ExpBalanceThread, NULL, NULL))) {
        KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG_PTR)STATUS_NO_MEMORY, EX_MINIMUM_WORKERS,
                     0, 0);
    }
    ExInitializeConditions();
    ExStartLookasideTuning();
}

static NTSTATUS ExpShowWorkers(PKD_CONSOLE Console, int Argc, char **Argv)
{
    (void)Argv;
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "workers %u idle %u pending %u done %I64u\n", ExpWorkerCount,
                   ExpIdleCount, ExpPendingCount, ExpItemsDone);
    return STATUS_SUCCESS;
}

KD_COMMAND("workers", "", "system worker threads and the items that wait for them", ExpShowWorkers);
