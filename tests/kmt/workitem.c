/*
 * Promises: an I/O work item's routine runs at PASSIVE_LEVEL in a system thread, at its queue's
 * priority, with the object and context it was queued with; the object is referenced from the
 * queueing until the routine has returned, a deleted device too; the routine may free its item or
 * queue it again; of several that try to queue an item one wins, and it runs as often as it was
 * won; a routine's affinity does not stay with the thread.
 */
#include "kmtdevice.h"

#define TAG 'tseT'
#define MANY 500
#define TRIES 300
#define MOST_RACERS 8

static KEVENT Done, Gate;
static PDEVICE_OBJECT Device;
static volatile LONG Runs, Wrong;
static PETHREAD volatile Worker;
static volatile LONG_PTR CountInside;
static LONG_PTR Rest; /* references of Device while no item has one */

static LONG_PTR References(PVOID Object)
{
    LONG_PTR Count = ObReferenceObject(Object) - 1;
    ObDereferenceObject(Object);
    return Count;
}

/* The reference goes a moment after the routine has returned. */
static BOOLEAN ReferencesBecome(PVOID Object, LONG_PTR Count)
{
    for (int i = 0; i < 3000 && References(Object) != Count; i++) {
        KmtSleep(10);
    }
    return References(Object) == Count;
}

static VOID NTAPI Plain(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    Worker = KeGetCurrentThread();
    Wrong += DeviceObject != Device || Context != &Runs || KeGetCurrentIrql() != PASSIVE_LEVEL;
    KmtWait(&Gate, 20000);
    CountInside = References(DeviceObject); /* while nobody else looks */
    KeSetEvent(&Done, 0, FALSE);
}

static VOID TestReference(PIO_WORKITEM Item)
{
    Wrong = 0;
    IoQueueWorkItem(Item, Plain, DelayedWorkQueue, (PVOID)&Runs);
    KMT_EQUAL(References(Device), Rest + 1, "a queued item refers to its device");
    KeSetEvent(&Gate, 0, FALSE);
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS, "its routine runs");
    KMT_EQUAL(Wrong, 0, "with device and context, at PASSIVE_LEVEL");
    KMT_EQUAL(CountInside, Rest + 1, "the reference is there while it runs");
    KMT_CHECK(Worker != KeGetCurrentThread(), "in another thread");
    KMT_CHECK(ReferencesBecome(Device, Rest), "and goes when it has returned");
}

static volatile KPRIORITY Priority;

static VOID NTAPI NotePriority(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    Priority = KeQueryPriorityThread(KeGetCurrentThread());
    Wrong += IoObject != Device || Context != (PVOID)&Priority || Item == NULL;
    KeSetEvent(&Done, 0, FALSE);
}

/* As in work.c: some tries, for a host that makes the worker starve, and the kernel help it. */
static BOOLEAN RunsAt(PIO_WORKITEM Item, ULONG Queue, KPRIORITY Wanted)
{
    for (ULONG Tries = 0; Tries < 3; Tries++) {
        IoQueueWorkItemEx(Item, NotePriority, (WORK_QUEUE_TYPE)Queue, (PVOID)&Priority);
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

static VOID TestQueues(PIO_WORKITEM Item)
{
    static const UCHAR Expected[] = {13, 12, 15, 8, 7, 18, 14};
    LONG Bad = 0;
    Wrong = 0;
    for (ULONG Queue = 0; Queue < MaximumWorkQueue; Queue++) {
        Bad += !RunsAt(Item, Queue, Expected[Queue]);
    }
    Bad += !RunsAt(Item, CustomPriorityWorkQueue + 10, 10);
    KMT_EQUAL(Bad, 0, "every queue runs items at its priority");
    KMT_EQUAL(Wrong, 0, "an extended routine is told object, context and item");
}

static VOID NTAPI FreeItself(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(Context);
    IoFreeWorkItem(Item);
    if (InterlockedIncrement(&Runs) == MANY) {
        KeSetEvent(&Done, 0, FALSE);
    }
}

static VOID NTAPI Again(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    UNREFERENCED_PARAMETER(IoObject);
    if (InterlockedIncrement(&Runs) < MANY) {
        IoQueueWorkItemEx(Item, Again, CriticalWorkQueue, Context);
    } else {
        KeSetEvent(&Done, 0, FALSE);
    }
}

static VOID TestReuse(PIO_WORKITEM Item)
{
    Runs = 0;
    for (int i = 0; i < MANY; i++) {
        PIO_WORKITEM New = IoAllocateWorkItem(Device);
        IoQueueWorkItemEx(New, FreeItself, DelayedWorkQueue, NULL);
    }
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS, "items free themselves");
    Runs = 0;
    IoQueueWorkItemEx(Item, Again, DelayedWorkQueue, NULL);
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS, "an item queues itself again");
    KMT_CHECK(ReferencesBecome(Device, Rest), "no reference is left");
}

static PIO_WORKITEM Tried;
static volatile LONG Won;

static VOID NTAPI CountRun(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Item);
    InterlockedIncrement(&Runs);
}

static VOID NTAPI Race(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (int i = 0; i < TRIES; i++) {
        if (IoTryQueueWorkItem(Tried, CountRun, CriticalWorkQueue, NULL)) {
            InterlockedIncrement(&Won);
        }
    }
}

static VOID TestTry(PIO_WORKITEM Item)
{
    PETHREAD Racers[MOST_RACERS];
    ULONG Count = min(KmtProcessors(), MOST_RACERS);
    KIRQL OldIrql;
    BOOLEAN First, Second;
    Tried = Item;
    Runs = Won = 0;
    if (KmtProcessors() == 1) { /* nobody else can run it in between */
        KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
        First = IoTryQueueWorkItem(Item, CountRun, CriticalWorkQueue, NULL);
        Second = IoTryQueueWorkItem(Item, CountRun, CriticalWorkQueue, NULL);
        KeLowerIrql(OldIrql);
        Won = First;
        KMT_CHECK(First && !Second, "a queued item is not queued again");
    }
    for (ULONG i = 0; i < Count; i++) {
        Racers[i] = KmtStartThread(Race, NULL);
    }
    for (ULONG i = 0; i < Count; i++) {
        KmtJoin(Racers[i]);
    }
    KMT_CHECK(ReferencesBecome(Device, Rest), "after a race for an item no reference is left");
    KMT_EQUAL(Runs, Won, "it ran as often as somebody won");
    KMT_CHECK(Won > 0, "and somebody did");
}

static VOID NTAPI NoteDriver(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    Wrong += IoObject != KmtDriverObject || Context != Item;
    KeSetEvent(&Done, 0, FALSE);
}

static VOID TestOwnMemory(VOID)
{
    PIO_WORKITEM Item = ExAllocatePool2(POOL_FLAG_NON_PAGED, IoSizeofWorkItem(), TAG);
    LONG_PTR Before = References(KmtDriverObject);
    Wrong = 0;
    IoInitializeWorkItem(KmtDriverObject, Item);
    IoQueueWorkItemEx(Item, NoteDriver, NormalWorkQueue, Item);
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS, "an item in the caller's memory runs");
    KMT_EQUAL(Wrong, 0, "with a driver object");
    KMT_CHECK(ReferencesBecome(KmtDriverObject, Before), "which is let go");
    IoUninitializeWorkItem(Item);
    ExFreePoolWithTag(Item, TAG);
}

static VOID NTAPI QueueFromDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    IoQueueWorkItemEx((PIO_WORKITEM)Context, NotePriority, HyperCriticalWorkQueue,
                      (PVOID)&Priority);
}

static VOID NTAPI Confine(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    UNREFERENCED_PARAMETER(Item);
    UNREFERENCED_PARAMETER(IoObject);
    *(KAFFINITY *)Context = KeSetSystemAffinityThreadEx(1);
    KeSetEvent(&Done, 0, FALSE);
}

static VOID TestContexts(PIO_WORKITEM Item)
{
    KDPC Dpc;
    KAFFINITY Before, After;
    KeInitializeDpc(&Dpc, QueueFromDpc, Item);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS, "a DPC queues an item");
    After = 0;
    for (int i = 0; i < 20; i++) { /* the last idle worker is the first to be given work */
        IoQueueWorkItemEx(Item, Confine, DelayedWorkQueue, &Before);
        KmtWait(&Done, 20000);
        After |= Before;
        KmtSleep(1);
    }
    KMT_EQUAL(After, 0, "a routine's affinity is taken back after it");
}

static VOID NTAPI LookAtDeleted(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    KmtWait(&Gate, 20000);
    Wrong += DeviceObject->DeviceExtension == NULL ||
             *(PULONG)DeviceObject->DeviceExtension != 0x12345678 || Context != NULL;
    KeSetEvent(&Done, 0, FALSE);
}

static VOID TestDeletedDevice(VOID)
{
    PDEVICE_OBJECT Going = KmtCreateDevice(NULL, sizeof(ULONG), FALSE);
    PIO_WORKITEM Item = IoAllocateWorkItem(Going);
    *(PULONG)Going->DeviceExtension = 0x12345678;
    Wrong = 0;
    IoQueueWorkItem(Item, LookAtDeleted, DelayedWorkQueue, NULL);
    IoDeleteDevice(Going);
    KeSetEvent(&Gate, 0, FALSE);
    KMT_EQUAL(KmtWait(&Done, 20000), STATUS_SUCCESS, "a device is deleted before its item runs");
    KMT_EQUAL(Wrong, 0, "and is still there in the routine");
    IoFreeWorkItem(Item);
}

static VOID KmtRun(VOID)
{
    PIO_WORKITEM Item;
    Device = KmtCreateDevice(NULL, 0, FALSE);
    Rest = References(Device);
    Item = IoAllocateWorkItem(Device);
    KeInitializeEvent(&Done, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Gate, SynchronizationEvent, FALSE);
    KMT_CHECK(Item != NULL, "a work item");
    TestReference(Item);
    TestQueues(Item);
    TestReuse(Item);
    TestTry(Item);
    TestOwnMemory();
    TestContexts(Item);
    TestDeletedDevice();
    KmtLetOthersReturn(); /* from the last routine */
    IoFreeWorkItem(Item);
    IoDeleteDevice(Device);
}
