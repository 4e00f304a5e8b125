/*
 * Promises: a cancel-safe queue gives each IRP to exactly one owner. Inserted IRPs are marked
 * pending and leave in the queue's order, by peek context or by their own context; one that is
 * cancelled, before, while or after it is inserted, is completed by the queue's routine and by
 * nobody else; a queue of the extended kind hands its insertion's context on, and may refuse.
 * Threads that insert, remove both ways and cancel at the same time lose nothing and complete
 * nothing twice.
 */
#include "kmtdevice.h"

typedef struct _QUEUE {
    IO_CSQ Csq; /* first: a callback's Csq is its queue */
    KSPIN_LOCK Lock;
    LIST_ENTRY List;
    LONG Length;
    LONG volatile Cancelled; /* completed by CompleteCanceled */
    PVOID SeenContext;
    NTSTATUS Answer; /* of InsertEx */
    BOOLEAN AtHead;
} QUEUE, *PQUEUE;

static QUEUE Queue;

static VOID NTAPI Insert(PIO_CSQ Csq, PIRP Irp)
{
    PQUEUE Self = (PQUEUE)Csq;
    InsertTailList(&Self->List, &Irp->Tail.Overlay.ListEntry);
    Self->Length++;
}

static NTSTATUS NTAPI InsertEx(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext)
{
    PQUEUE Self = (PQUEUE)Csq;
    Self->SeenContext = InsertContext;
    if (NT_SUCCESS(Self->Answer)) {
        Insert(Csq, Irp);
    }
    return Self->Answer;
}

static VOID NTAPI Remove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    ((PQUEUE)Csq)->Length--;
}

/* PeekContext: a key that the IRP must have in DriverContext[0], or NULL for any. */
static PIRP NTAPI PeekNext(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PQUEUE Self = (PQUEUE)Csq;
    PLIST_ENTRY Link = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : Self->List.Flink;
    for (; Link != &Self->List; Link = Link->Flink) {
        Irp = CONTAINING_RECORD(Link, IRP, Tail.Overlay.ListEntry);
        if (PeekContext == NULL || Irp->Tail.Overlay.DriverContext[0] == PeekContext) {
            return Irp;
        }
    }
    return NULL;
}

static VOID NTAPI AcquireLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&((PQUEUE)Csq)->Lock, Irql);
}

static VOID NTAPI ReleaseLock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&((PQUEUE)Csq)->Lock, Irql);
}

static VOID NTAPI CompleteCanceled(PIO_CSQ Csq, PIRP Irp)
{
    InterlockedIncrement(&((PQUEUE)Csq)->Cancelled);
    KmtComplete(Irp, STATUS_CANCELLED, 0);
}

static VOID MakeQueue(BOOLEAN Extended)
{
    RtlZeroMemory(&Queue, sizeof(Queue));
    KeInitializeSpinLock(&Queue.Lock);
    InitializeListHead(&Queue.List);
    NTSTATUS Status = Extended ? IoCsqInitializeEx(&Queue.Csq, InsertEx, Remove, PeekNext,
                                                   AcquireLock, ReleaseLock, CompleteCanceled)
                               : IoCsqInitialize(&Queue.Csq, Insert, Remove, PeekNext, AcquireLock,
                                                 ReleaseLock, CompleteCanceled);
    KMT_EQUAL(Status, STATUS_SUCCESS, "a queue is made");
    KMT_EQUAL(Queue.Csq.Type, Extended ? IO_TYPE_CSQ_EX : IO_TYPE_CSQ, "of its kind");
}

/* What the tests send: an IRP of their own, with a counter of its completions. */
typedef struct _REQUEST {
    PIRP Irp;
    IO_CSQ_IRP_CONTEXT Context;
    LONG volatile Completions;
    KEVENT Done;
} REQUEST, *PREQUEST;

static PDEVICE_OBJECT Device;
static BOOLEAN WithContext;

static NTSTATUS NTAPI Completed(PDEVICE_OBJECT Object, PIRP Irp, PVOID Context)
{
    PREQUEST Request = Context;
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Irp);
    InterlockedIncrement(&Request->Completions);
    KeSetEvent(&Request->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID Prepare(PREQUEST Request, PVOID Key)
{
    Request->Completions = 0;
    KeInitializeEvent(&Request->Done, NotificationEvent, FALSE);
    IoReuseIrp(Request->Irp, STATUS_NOT_SUPPORTED);
    IoGetNextIrpStackLocation(Request->Irp)->MajorFunction = IRP_MJ_READ;
    Request->Irp->Tail.Overlay.DriverContext[0] = Key;
    Request->Irp->Tail.Overlay.DriverContext[1] = Request;
    IoSetCompletionRoutine(Request->Irp, Completed, Request, TRUE, TRUE, TRUE);
}

static VOID Make(PREQUEST Request, PVOID Key)
{
    Request->Irp = IoAllocateIrp(Device->StackSize, FALSE);
    Prepare(Request, Key);
}

/* The dispatch routine: every request goes into the queue. */
static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Object, PIRP Irp)
{
    PREQUEST Request = Irp->Tail.Overlay.DriverContext[1];
    UNREFERENCED_PARAMETER(Object);
    if (Queue.Csq.Type == IO_TYPE_CSQ_EX) {
        NTSTATUS Status = IoCsqInsertIrpEx(&Queue.Csq, Irp, NULL, Request);
        return NT_SUCCESS(Status) ? STATUS_PENDING : KmtComplete(Irp, Status, 0);
    }
    IoCsqInsertIrp(&Queue.Csq, Irp, WithContext ? &Request->Context : NULL);
    return STATUS_PENDING;
}

#define COUNT 4
static REQUEST Requests[COUNT];

static VOID TestOrder(VOID)
{
    MakeQueue(FALSE);
    for (ULONG_PTR i = 0; i < COUNT; i++) {
        Make(&Requests[i], (PVOID)(1 + i % 2));
        KMT_EQUAL(IoCallDriver(Device, Requests[i].Irp), STATUS_PENDING, "queued");
    }
    KMT_EQUAL(Queue.Length, COUNT, "all of them");
    PIRP Irp = IoCsqRemoveNextIrp(&Queue.Csq, NULL);
    KMT_CHECK(Irp == Requests[0].Irp, "the first comes first");
    KMT_CHECK(Irp->CancelRoutine == NULL, "without a cancel routine");
    KMT_CHECK(IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED, "marked pending");
    KMT_CHECK(Irp->Tail.Overlay.DriverContext[3] == NULL, "and nothing ties it to the queue");
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    KMT_CHECK(IoCsqRemoveNextIrp(&Queue.Csq, (PVOID)1) == Requests[2].Irp, "by peek context");
    KmtComplete(Requests[2].Irp, STATUS_SUCCESS, 0);
    KMT_CHECK(IoCsqRemoveNextIrp(&Queue.Csq, (PVOID)1) == NULL, "none of that kind is left");
    for (ULONG i = 1; i < COUNT; i += 2) {
        KmtComplete(IoCsqRemoveNextIrp(&Queue.Csq, NULL), STATUS_SUCCESS, 0);
    }
    KMT_CHECK(IoCsqRemoveNextIrp(&Queue.Csq, NULL) == NULL, "the queue is empty");
    for (ULONG i = 0; i < COUNT; i++) {
        KMT_EQUAL(Requests[i].Completions, 1, "completed once");
        IoFreeIrp(Requests[i].Irp);
    }
}

static VOID TestContext(VOID)
{
    PREQUEST Request = &Requests[0];
    WithContext = TRUE;
    MakeQueue(FALSE);
    Make(Request, NULL);
    IoCallDriver(Device, Request->Irp);
    KMT_CHECK(Request->Context.Irp == Request->Irp && Request->Context.Csq == &Queue.Csq,
              "the context leads to IRP and queue");
    KMT_EQUAL(Request->Context.Type, IO_TYPE_CSQ_IRP_CONTEXT, "and says what it is");
    KMT_CHECK(IoCsqRemoveIrp(&Queue.Csq, &Request->Context) == Request->Irp, "found by context");
    KMT_CHECK(Request->Context.Irp == NULL, "the context forgets it");
    KMT_CHECK(IoCsqRemoveIrp(&Queue.Csq, &Request->Context) == NULL, "it is found once");
    KmtComplete(Request->Irp, STATUS_SUCCESS, 0);

    Prepare(Request, NULL);
    IoCallDriver(Device, Request->Irp);
    KMT_CHECK(IoCsqRemoveNextIrp(&Queue.Csq, NULL) == Request->Irp, "or as the next");
    KMT_CHECK(IoCsqRemoveIrp(&Queue.Csq, &Request->Context) == NULL, "then not by context");
    KmtComplete(Request->Irp, STATUS_SUCCESS, 0);

    Prepare(Request, NULL);
    IoCallDriver(Device, Request->Irp);
    KMT_CHECK(IoCancelIrp(Request->Irp), "it can be cancelled");
    KMT_EQUAL(Queue.Cancelled, 1, "by the queue's routine");
    KMT_CHECK(IoCsqRemoveIrp(&Queue.Csq, &Request->Context) == NULL, "then it is not found");
    KMT_EQUAL(Request->Irp->IoStatus.Status, STATUS_CANCELLED, "and says so");
    KMT_CHECK(Request->Irp->PendingReturned, "as one that was pending");

    Prepare(Request, NULL);
    KMT_CHECK(!IoCancelIrp(Request->Irp), "cancelled before it is sent");
    KMT_EQUAL(IoCallDriver(Device, Request->Irp), STATUS_PENDING, "it is still answered pending");
    KMT_EQUAL(Queue.Cancelled, 2, "and completed by the queue's routine");
    KMT_EQUAL(Request->Completions, 1, "once");
    KMT_EQUAL(Queue.Length, 0, "nothing is left");
    IoFreeIrp(Request->Irp);
    WithContext = FALSE;
}

static VOID TestExtended(VOID)
{
    PREQUEST Request = &Requests[0];
    MakeQueue(TRUE);
    Make(Request, NULL);
    KMT_EQUAL(IoCallDriver(Device, Request->Irp), STATUS_PENDING, "an extended queue takes it");
    KMT_CHECK(Queue.SeenContext == Request, "and sees the insertion's context");
    KMT_CHECK(IoCsqRemoveNextIrp(&Queue.Csq, NULL) == Request->Irp, "and gives it back");
    KmtComplete(Request->Irp, STATUS_SUCCESS, 0);
    Queue.Answer = STATUS_DEVICE_BUSY;
    Prepare(Request, NULL);
    KMT_EQUAL(IoCallDriver(Device, Request->Irp), STATUS_DEVICE_BUSY, "it may refuse");
    KMT_CHECK(!Request->Irp->PendingReturned, "then the IRP is not marked pending");
    KMT_EQUAL(Request->Completions, 1, "and is the driver's to complete");
    IoFreeIrp(Request->Irp);
}

#define WORKERS 8
#define RUN_MS 800
#define LEAST_ROUNDS 100 /* of each worker, however late it gets to run */
static REQUEST Flying[WORKERS];
static ULONGLONG EndTime;
static LONG volatile Sent, Taken, Twice;

static VOID Take(PIRP Irp)
{
    if (Irp != NULL) {
        InterlockedIncrement(&Taken);
        KmtComplete(Irp, STATUS_SUCCESS, 0);
    }
}

/* Sends its own request over and over; takes others' by either way, and its own by cancellation. */
static VOID NTAPI Work(PVOID Context)
{
    PREQUEST Request = Context;
    ULONG Seed = 0x1234567 + (ULONG)(Request - Flying) * 7919;
    for (ULONG i = 0; i < LEAST_ROUNDS || KmtNow() < EndTime; i++) {
        Prepare(Request, NULL);
        InterlockedIncrement(&Sent);
        if (KmtRandom(&Seed) % 8 == 0) {
            IoCancelIrp(Request->Irp);
        }
        IoCallDriver(Device, Request->Irp);
        switch (KmtRandom(&Seed) % 4) {
        case 0:
            Take(IoCsqRemoveIrp(&Queue.Csq, &Request->Context));
            break;
        case 1:
            Take(IoCsqRemoveNextIrp(&Queue.Csq, NULL));
            break;
        case 2:
            Take(IoCsqRemoveIrp(&Queue.Csq, &Flying[KmtRandom(&Seed) % WORKERS].Context));
            break;
        default:
            break;
        }
        IoCancelIrp(Request->Irp); // there until this thread uses it again
        KeWaitForSingleObject(&Request->Done, Executive, KernelMode, FALSE, NULL);
        InterlockedExchangeAdd(&Twice, Request->Completions != 1);
    }
}

static VOID TestRaces(VOID)
{
    PETHREAD Threads[WORKERS];
    WithContext = TRUE;
    MakeQueue(FALSE);
    EndTime = KmtNow() + RUN_MS * 10000ULL;
    for (ULONG i = 0; i < WORKERS; i++) {
        Make(&Flying[i], NULL);
    }
    for (ULONG i = 0; i < WORKERS; i++) {
        Threads[i] = KmtStartThread(Work, &Flying[i]);
    }
    for (ULONG i = 0; i < WORKERS; i++) {
        KmtJoin(Threads[i]);
    }
    for (ULONG i = 0; i < WORKERS; i++) {
        IoFreeIrp(Flying[i].Irp);
    }
    DbgPrint("# %d sent, %d taken, %d cancelled\n", Sent, Taken, Queue.Cancelled);
    KMT_EQUAL(Twice, 0, "each was completed once");
    KMT_EQUAL(Taken + Queue.Cancelled, Sent, "by its remover or by its cancellation");
    KMT_CHECK(Taken > 0 && Queue.Cancelled > 0, "there were both");
    KMT_EQUAL(Queue.Length, 0, "nothing is left");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Dispatch;
    Device = KmtCreateDevice(NULL, 0, FALSE);
    TestOrder();
    TestContext();
    TestExtended();
    TestRaces();
    IoDeleteDevice(Device);
}
