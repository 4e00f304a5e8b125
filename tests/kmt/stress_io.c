/*
 * Promise: whatever threads on all processors do to a device at the same time, every request ends
 * exactly once with the right data, and nothing is left of it. They open and close it, read, write
 * and control it, cancel their own and each other's requests, close files and end with requests
 * under way, while the device answers from its dispatch routine, a DPC, a timer or a worker thread,
 * or not until it is made to. What each does is drawn from a seed; when, is not.
 */
#include "stressdevice.h"

#define RUN_MS 1500
#define MAXIMUM_CLIENTS 16
#define BATCH 4   /* requests of one thread at a time */
#define LENGTH 64 /* bytes, at most */

/* One request that a thread has under way. */
typedef struct _TASK {
    IO_STATUS_BLOCK Iosb;
    LARGE_INTEGER Offset;
    ULONG Kind; /* 0 read, 1 write, 2 control */
    ULONG Length;
    NTSTATUS Returned;
    HANDLE Event;
    union {
        UCHAR Buffer[LENGTH];
        ULONG Number; /* a control's input, and output */
    };
} TASK;

typedef struct _CLIENT {
    ULONG Seed;
    HANDLE Handle; /* of the file that a thread left behind */
    TASK Tasks[BATCH];
    KSPIN_LOCK IrpLock;
    PIRP Irp; /* IrpLock: may be cancelled by anybody while it stands here */
} CLIENT;

static CLIENT Clients[MAXIMUM_CLIENTS];
static ULONG ClientCount;
static ULONGLONG EndTime;
static LONG volatile Opens, Sent, Ended, Wrong;

static BOOLEAN Open(PHANDLE Handle, ULONG Options)
{
    NTSTATUS Status = KmtOpen(Handle, NAME, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, Options);
    InterlockedIncrement(NT_SUCCESS(Status) ? &Opens : &Wrong);
    return NT_SUCCESS(Status);
}

static VOID Prepare(CLIENT *Client, TASK *Task)
{
    Task->Iosb.Status = STATUS_PENDING;
    Task->Kind = KmtRandom(&Client->Seed) % 3;
    Task->Length = Task->Kind == 2 ? sizeof(Task->Number) : KmtRandom(&Client->Seed) % LENGTH + 1;
    Task->Offset.QuadPart = KmtRandom(&Client->Seed) % 256;
    RtlFillMemory(Task->Buffer, LENGTH,
                  Task->Kind == 1 ? (UCHAR)(Task->Offset.LowPart * 7 + 1) : 0);
    if (Task->Kind == 2) {
        Task->Number = Task->Offset.LowPart;
    }
}

static VOID Send(HANDLE Handle, TASK *Task, ULONG Hold)
{
    InterlockedIncrement(&Sent);
    if (Task->Kind == 0) {
        Task->Returned = ZwReadFile(Handle, Task->Event, NULL, NULL, &Task->Iosb, Task->Buffer,
                                    Task->Length, &Task->Offset, &Hold);
    } else if (Task->Kind == 1) {
        Task->Returned = ZwWriteFile(Handle, Task->Event, NULL, NULL, &Task->Iosb, Task->Buffer,
                                     Task->Length, &Task->Offset, &Hold);
    } else {
        Task->Returned =
            ZwDeviceIoControlFile(Handle, Task->Event, NULL, NULL, &Task->Iosb, CODE(Hold),
                                  &Task->Number, Task->Length, &Task->Number, Task->Length);
    }
}

/* A final status, and what has come with it. */
static VOID Judge(const TASK *Task, NTSTATUS Status)
{
    BOOLEAN Good = Status == STATUS_CANCELLED || Status == STATUS_DEVICE_BUSY;

    if (Status == STATUS_SUCCESS) {
        Good = Task->Iosb.Status == STATUS_SUCCESS && Task->Iosb.Information == Task->Length;
        for (ULONG i = 0; Task->Kind != 2 && i < Task->Length; i++) {
            Good = Good && Task->Buffer[i] == (UCHAR)(Task->Offset.LowPart * 7 + 1);
        }
        Good = Good && (Task->Kind != 2 || Task->Number == ~Task->Offset.LowPart);
    }
    InterlockedExchangeAdd(&Wrong, !Good);
    InterlockedIncrement(&Ended);
}

/* A synchronous file: each request is done when its service returns. */
static VOID DoSynchronous(CLIENT *Client)
{
    TASK *Task = &Client->Tasks[0];
    HANDLE Handle, Event = Task->Event;

    if (!Open(&Handle, FILE_SYNCHRONOUS_IO_NONALERT)) {
        return;
    }
    Task->Event = NULL;
    for (ULONG i = KmtRandom(&Client->Seed) % 8; i > 0; i--) {
        Prepare(Client, Task);
        Send(Handle, Task, 0);
        Judge(Task, Task->Returned);
    }
    Task->Event = Event;
    ZwClose(Handle);
}

static VOID Collect(TASK *Task)
{
    if (Task->Returned == STATUS_PENDING) {
        ZwWaitForSingleObject(Task->Event, FALSE, NULL);
        Task->Returned = Task->Iosb.Status;
    }
    Judge(Task, Task->Returned);
}

/* Several requests at a time; the file is closed before or after they end. */
static VOID DoAsynchronous(CLIENT *Client)
{
    ULONG CloseFirst = KmtRandom(&Client->Seed) & 1;
    HANDLE Handle;

    if (!Open(&Handle, 0)) {
        return;
    }
    for (ULONG i = 0; i < BATCH; i++) {
        Prepare(Client, &Client->Tasks[i]);
        Send(Handle, &Client->Tasks[i], CloseFirst ? MAY_HOLD : 0);
    }
    if (CloseFirst) {
        ZwClose(Handle);
    }
    for (ULONG i = 0; i < BATCH; i++) {
        Collect(&Client->Tasks[i]);
    }
    if (!CloseFirst) {
        ZwClose(Handle);
    }
}

static VOID Dawdle(CLIENT *Client)
{
    for (ULONG i = KmtRandom(&Client->Seed) % 100; i > 0; i--) {
        YieldProcessor();
    }
}

/* A request of the thread's own, cancelled by itself. */
static VOID DoCancel(CLIENT *Client)
{
    TASK *Task = &Client->Tasks[0];
    KEVENT Done;
    KIRQL Irql;

    Prepare(Client, Task);
    Task->Kind = 2;
    Task->Length = sizeof(Task->Number);
    Task->Number = Task->Offset.LowPart;
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    PIRP Irp =
        IoBuildDeviceIoControlRequest(CODE(MAY_HOLD), Device, &Task->Number, Task->Length,
                                      &Task->Number, Task->Length, FALSE, &Done, &Task->Iosb);
    if (Irp == NULL) {
        InterlockedIncrement(&Wrong);
        return;
    }
    InterlockedIncrement(&Sent);
    KeRaiseIrql(APC_LEVEL, &Irql); // the IRP stays until the completion's APC can come
    Task->Returned = IoCallDriver(Device, Irp);
    Dawdle(Client);
    IoCancelIrp(Irp);
    KeLowerIrql(Irql);
    if (Task->Returned == STATUS_PENDING) {
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
        Task->Returned = Task->Iosb.Status;
    }
    Judge(Task, Task->Returned);
}

static VOID CancelOther(CLIENT *Client)
{
    CLIENT *Other = &Clients[KmtRandom(&Client->Seed) % ClientCount];
    KIRQL Irql;

    KeAcquireSpinLock(&Other->IrpLock, &Irql);
    if (Other->Irp != NULL) {
        IoCancelIrp(Other->Irp);
    }
    KeReleaseSpinLock(&Other->IrpLock, Irql);
}

static VOID Publish(CLIENT *Client, PIRP Irp)
{
    KIRQL Irql;
    KeAcquireSpinLock(&Client->IrpLock, &Irql);
    Client->Irp = Irp;
    KeReleaseSpinLock(&Client->IrpLock, Irql);
}

static NTSTATUS NTAPI OnCompletion(PDEVICE_OBJECT Object, PIRP Irp, PVOID Done)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP of the driver's own, which everybody may cancel, also before it is sent. */
static VOID DoOwnIrp(CLIENT *Client)
{
    TASK *Task = &Client->Tasks[0];
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION Stack;
    KEVENT Done;

    if (Irp == NULL) {
        InterlockedIncrement(&Wrong);
        return;
    }
    Prepare(Client, Task);
    Task->Kind &= 1;
    RtlFillMemory(Task->Buffer, LENGTH, (UCHAR)(Task->Offset.LowPart * 7 + 1));
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp->AssociatedIrp.SystemBuffer = Task->Buffer;
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = Task->Kind == 0 ? IRP_MJ_READ : IRP_MJ_WRITE;
    Stack->Parameters.Read.Length = Task->Length;
    Stack->Parameters.Read.Key = MAY_HOLD;
    Stack->Parameters.Read.ByteOffset = Task->Offset;
    IoSetCompletionRoutine(Irp, OnCompletion, &Done, TRUE, TRUE, TRUE);
    Publish(Client, Irp);
    InterlockedIncrement(&Sent);
    IoCallDriver(Device, Irp);
    Dawdle(Client);
    IoCancelIrp(Irp);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    Publish(Client, NULL);
    Task->Iosb = Irp->IoStatus;
    Judge(Task, Irp->IoStatus.Status);
    IoFreeIrp(Irp);
}

static VOID NTAPI Leave(PVOID Context)
{
    CLIENT *Client = Context;
    for (ULONG i = 0; i < BATCH; i++) {
        Prepare(Client, &Client->Tasks[i]);
        Send(Client->Handle, &Client->Tasks[i], MAY_HOLD);
    }
}

/* A thread ends with requests under way, and takes them along. */
static VOID DoExit(CLIENT *Client)
{
    if (!Open(&Client->Handle, 0)) {
        return;
    }
    KmtJoin(KmtStartThread(Leave, Client));
    for (ULONG i = 0; i < BATCH; i++) {
        TASK *Task = &Client->Tasks[i];
        Judge(Task, Task->Returned == STATUS_PENDING ? Task->Iosb.Status : Task->Returned);
    }
    ZwClose(Client->Handle);
}

/* A host that holds the machine up may leave too little of the time. */
static BOOLEAN IsMissing(VOID)
{
    BOOLEAN Missing = Cancels == 0;

    for (ULONG i = 0; i < Ways; i++) {
        Missing = Missing || Used[i] == 0;
    }
    return (BOOLEAN)(Missing && KmtNow() < EndTime + 300000000);
}

static VOID NTAPI Work(PVOID Context)
{
    CLIENT *Client = Context;

    while (KmtNow() < EndTime || IsMissing()) {
        ULONG What = KmtRandom(&Client->Seed) % 64;
        CancelOther(Client);
        if (What == 0) {
            DoExit(Client);
        } else if (What < 16) {
            DoSynchronous(Client);
        } else if (What < 32) {
            DoAsynchronous(Client);
        } else if (What < 48) {
            DoCancel(Client);
        } else {
            DoOwnIrp(Client);
        }
    }
}

static VOID RunClients(VOID)
{
    PETHREAD Threads[MAXIMUM_CLIENTS];

    ClientCount = min(2 * KmtProcessors() + 2, MAXIMUM_CLIENTS);
    EndTime = KmtNow() + RUN_MS * 10000ULL;
    for (ULONG i = 0; i < ClientCount; i++) {
        Clients[i].Seed = 0x20260704 + i * 7919;
        KeInitializeSpinLock(&Clients[i].IrpLock);
        for (ULONG j = 0; j < BATCH; j++) {
            if (!NT_SUCCESS(ZwCreateEvent(&Clients[i].Tasks[j].Event, EVENT_ALL_ACCESS, NULL,
                                          NotificationEvent, FALSE))) {
                Wrong++;
            }
        }
    }
    for (ULONG i = 0; i < ClientCount; i++) {
        Threads[i] = KmtStartThread(Work, &Clients[i]);
    }
    for (ULONG i = 0; i < ClientCount; i++) {
        KmtJoin(Threads[i]);
        for (ULONG j = 0; j < BATCH; j++) {
            ZwClose(Clients[i].Tasks[j].Event);
        }
    }
}

static LONG_PTR References(VOID)
{
    ObReferenceObject(Device);
    return ObDereferenceObject(Device);
}

static VOID KmtRun(VOID)
{
    BOOLEAN Idle = TRUE, AllUsed = TRUE;
    ULONG Looks = 0;

    CreateDevice();
    LONG_PTR Before = References();
    RunClients();
    // The last reference of a file may go where only a worker thread can send the close, and let go
    // of the device after that.
    while ((Closes != Creates || Device->ReferenceCount != 0 || References() != Before ||
            WorkQueued || WorkRuns != 0) &&
           KmtLookAgain(&Looks)) {
    }
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    for (ULONG i = 0; i < Ways; i++) {
        Idle = Idle && IsListEmpty(&Queues[i]);
        AllUsed = AllUsed && Used[i] != 0;
    }
    DbgPrint("# %u threads: %d opens, %d requests, %d cancelled in the queue\n", ClientCount, Opens,
             Sent, Cancels);
    KMT_EQUAL(Wrong + BadData, 0, "every request had the right status and data");
    KMT_CHECK(AllUsed && Cancels != 0, "every way to end was taken");
    KMT_EQUAL(Arrived, Sent, "every request arrived once");
    KMT_EQUAL(Completed, Sent, "was completed once");
    KMT_EQUAL(Ended, Sent, "and ended once");
    KMT_CHECK(Idle, "none is left");
    KMT_EQUAL(Creates, Opens, "every open was seen");
    KMT_EQUAL(Cleanups, Creates, "with its cleanup");
    KMT_EQUAL(Closes, Creates, "and its close");
    KMT_EQUAL(Device->ReferenceCount, 0, "the device is not open");
    KMT_EQUAL(References(), Before, "and nobody refers to it");
    KmtLetOthersReturn(); // the worker, from OnWork
    IoDeleteDevice(Device);
}
