/*
 * Promises: StartIo gets one request at a time, in order or by key; a request can be cancelled
 * while it waits and while it is served, and ends exactly once; a thread that ends takes its
 * requests along; a device's DPC and once-a-second timer come.
 */
#include "kmtdevice.h"

static PDEVICE_OBJECT Device;
static LONG Served, Cancelled;
static ULONG Order[16], OrderCount;
static BOOLEAN Hold; /* StartIo keeps the request until Release */

static ULONG FunctionOf(PIRP Irp)
{
    return (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode >> 2) &
           0xFF;
}

static VOID NTAPI Cancel(PDEVICE_OBJECT Object, PIRP Irp)
{
    if (Object->CurrentIrp == Irp) {
        // Being served: leave the queue alone, end it here and let the next one begin.
        IoReleaseCancelSpinLock(DISPATCH_LEVEL);
        InterlockedIncrement(&Cancelled);
        IoStartNextPacket(Object, TRUE);
        KeLowerIrql(Irp->CancelIrql);
    } else {
        KeRemoveEntryDeviceQueue(&Object->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);
        IoReleaseCancelSpinLock(Irp->CancelIrql);
        InterlockedIncrement(&Cancelled);
    }
    KmtComplete(Irp, STATUS_CANCELLED, 0);
}

static VOID EndCurrent(PDEVICE_OBJECT Object, PIRP Irp)
{
    InterlockedIncrement(&Served);
    IoStartNextPacket(Object, TRUE);
    KmtComplete(Irp, STATUS_SUCCESS, FunctionOf(Irp));
}

/* Takes the current request if no cancel routine gets it first. */
static VOID NTAPI Serve(PKDPC Dpc, PDEVICE_OBJECT Object, PIRP Unused, PVOID Context)
{
    KIRQL Irql;
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    IoAcquireCancelSpinLock(&Irql);
    PIRP Irp = Object->CurrentIrp;
    BOOLEAN Mine = Irp != NULL && IoSetCancelRoutine(Irp, NULL) != NULL;
    IoReleaseCancelSpinLock(Irql);
    if (Mine) {
        EndCurrent(Object, Irp);
    }
}

static VOID NTAPI StartIo(PDEVICE_OBJECT Object, PIRP Irp)
{
    if (OrderCount < ARRAYSIZE(Order)) {
        Order[OrderCount++] = FunctionOf(Irp);
    }
    if (!Hold) {
        IoRequestDpc(Object, NULL, NULL);
    }
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Object, PIRP Irp)
{
    ULONG Key = FunctionOf(Irp);
    IoMarkIrpPending(Irp);
    IoStartPacket(Object, Irp, Key < 128 ? NULL : &Key, Cancel);
    return STATUS_PENDING;
}

typedef struct _REQUEST {
    PIRP Irp;
    KEVENT Event;
    IO_STATUS_BLOCK Iosb;
} REQUEST;

static VOID Begin(REQUEST *Request, ULONG Function)
{
    KeInitializeEvent(&Request->Event, NotificationEvent, FALSE);
    Request->Irp =
        IoBuildDeviceIoControlRequest(KMT_CODE(Function, METHOD_BUFFERED), Device, NULL, 0, NULL, 0,
                                      FALSE, &Request->Event, &Request->Iosb);
    IoCallDriver(Device, Request->Irp);
}

static NTSTATUS End(REQUEST *Request)
{
    KmtWait(&Request->Event, 10000);
    return Request->Iosb.Status;
}

static VOID Release(VOID)
{
    Hold = FALSE;
    IoRequestDpc(Device, NULL, NULL);
}

static VOID TestOrder(VOID)
{
    REQUEST Requests[6];
    static const ULONG Keys[6] = {130, 150, 140, 135, 145, 138};
    Hold = TRUE;
    OrderCount = 0;
    for (ULONG i = 0; i < 6; i++) {
        Begin(&Requests[i], 1 + i);
    }
    KMT_EQUAL(OrderCount, 1, "one request is served, the others wait");
    KMT_CHECK(Device->CurrentIrp == Requests[0].Irp, "CurrentIrp is the first");
    Release();
    LONG Good = 0;
    for (ULONG i = 0; i < 6; i++) {
        Good += End(&Requests[i]) == STATUS_SUCCESS && Requests[i].Iosb.Information == 1 + i &&
                Order[i] == 1 + i;
    }
    KMT_EQUAL(Good, 6, "all are served in order");
    Hold = TRUE;
    OrderCount = 0;
    for (ULONG i = 0; i < 6; i++) {
        Begin(&Requests[i], Keys[i]);
    }
    Release();
    for (ULONG i = 0; i < 6; i++) {
        End(&Requests[i]);
    }
    KMT_CHECK(Order[1] == 135 && Order[2] == 138 && Order[5] == 150, "or by their keys");
}

static VOID TestCancel(VOID)
{
    REQUEST Requests[3];
    Hold = TRUE;
    Cancelled = 0;
    for (ULONG i = 0; i < 3; i++) {
        Begin(&Requests[i], i);
    }
    KMT_EQUAL(IoCancelIrp(Requests[1].Irp), TRUE, "a waiting request is cancelled");
    KMT_EQUAL(End(&Requests[1]), STATUS_CANCELLED, "and ends so");
    KMT_EQUAL(IoCancelIrp(Requests[0].Irp), TRUE, "the one being served, too");
    KMT_EQUAL(End(&Requests[0]), STATUS_CANCELLED, "and ends so");
    KMT_CHECK(Device->CurrentIrp == Requests[2].Irp, "the next one has begun");
    Release();
    KMT_EQUAL(End(&Requests[2]), STATUS_SUCCESS, "and is served");
    KMT_EQUAL(Cancelled, 2, "two were cancelled");
}

static VOID NTAPI LeaveRequests(PVOID Context)
{
    REQUEST *Requests = Context;
    for (ULONG i = 0; i < 5; i++) {
        Begin(&Requests[i], i);
    }
}

static VOID TestRundown(VOID)
{
    static REQUEST Requests[5];
    LONG Good = 0;
    Hold = TRUE;
    Cancelled = 0;
    KmtJoin(KmtStartThread(LeaveRequests, Requests));
    for (ULONG i = 0; i < 5; i++) {
        Good += Requests[i].Iosb.Status == STATUS_CANCELLED;
    }
    KMT_EQUAL(Good, 5, "a thread that ends takes its requests with it");
    KMT_EQUAL(Cancelled, 5, "by cancelling them");
    Hold = FALSE;
}

#define ROUNDS 1000
static LONG Wrong;

/* Requests with a cancellation at a random moment: each ends once, one way or the other. */
static VOID NTAPI Race(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context * 31 + 7;
    for (int i = 0; i < ROUNDS; i++) {
        REQUEST Request;
        Begin(&Request, 1);
        // At APC_LEVEL the completion waits, so the IRP is there while it is cancelled.
        KIRQL Irql;
        KeRaiseIrql(APC_LEVEL, &Irql);
        BOOLEAN There = KeReadStateEvent(&Request.Event) == 0;
        for (ULONG j = KmtRandom(&Seed) % 200; j > 0; j--) {
            YieldProcessor();
        }
        if (There && (KmtRandom(&Seed) & 1)) {
            IoCancelIrp(Request.Irp);
        }
        KeLowerIrql(Irql);
        NTSTATUS Status = End(&Request);
        InterlockedAdd(&Wrong, Status != STATUS_SUCCESS && Status != STATUS_CANCELLED);
    }
}

static VOID TestRace(VOID)
{
    PETHREAD Threads[4];
    Served = Cancelled = 0;
    for (ULONG_PTR i = 0; i < 4; i++) {
        Threads[i] = KmtStartThread(Race, (PVOID)(i + 1));
    }
    for (int i = 0; i < 4; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Wrong, 0, "requests and cancellations race");
    KMT_EQUAL(Served + Cancelled, 4 * ROUNDS, "each ends once");
    KMT_CHECK(Device->CurrentIrp == NULL, "and the device is idle");
}

static volatile LONG Ticks;

static VOID NTAPI OnTimer(PDEVICE_OBJECT Object, PVOID Context)
{
    Ticks += Object == Device && Context == &Ticks && KeGetCurrentIrql() == DISPATCH_LEVEL;
}

static VOID TestTimer(VOID)
{
    ULONGLONG Start;
    ULONG Looks = 0;
    LONG Seen;
    KMT_EQUAL(IoInitializeTimer(Device, OnTimer, (PVOID)&Ticks), STATUS_SUCCESS, "a timer");
    KmtSleep(1200);
    KMT_EQUAL(Ticks, 0, "does nothing until it is started");
    Start = KmtNow();
    IoStartTimer(Device);
    KmtSleep(2500);
    while (Ticks < 2 && KmtLookAgain(&Looks)) {
    }
    IoStopTimer(Device);
    KeFlushQueuedDpcs();
    Seen = Ticks;
    KMT_CHECK(Seen >= 2 && (ULONGLONG)Seen <= (KmtNow() - Start) / 10000000, "comes once a second");
    KmtSleep(1200);
    KMT_EQUAL(Ticks, Seen, "until it is stopped");
    // It goes with the device, even if somebody still refers to that.
    IoStartTimer(Device);
    ObReferenceObject(Device);
    IoDeleteDevice(Device);
    KeFlushQueuedDpcs();
    Seen = Ticks; // a tick may have come between the two
    KmtSleep(1200);
    KMT_EQUAL(Ticks, Seen, "or the device is deleted");
    ObDereferenceObject(Device);
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    KmtDriverObject->DriverStartIo = StartIo;
    Device = KmtCreateDevice(NULL, 0, FALSE);
    IoInitializeDpcRequest(Device, Serve);
    TestOrder();
    TestCancel();
    TestRundown();
    TestRace();
    TestTimer();
}
