/*
 * Promises: with DeferredStartIo a StartIo that is done at once and asks for the next packet is not
 * called from within itself, however long the queue; a request that its DPC ends makes no
 * difference; with NonCancelable a request that StartIo has got cannot be cancelled any more.
 */
#include "kmtdevice.h"

#define REQUESTS 600

static PDEVICE_OBJECT Device;
static BOOLEAN Hold; /* StartIo keeps the request */
static PIRP HeldIrp;
static LONG Depth, Deepest, Started, WithRoutine;

typedef struct _REQUEST {
    PIRP Irp;
    KEVENT Event;
    IO_STATUS_BLOCK Iosb;
} REQUEST;
static REQUEST Requests[REQUESTS];

static VOID NTAPI Cancel(PDEVICE_OBJECT Object, PIRP Irp)
{
    BOOLEAN Queued =
        KeRemoveEntryDeviceQueue(&Object->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KmtComplete(Irp, Queued ? STATUS_CANCELLED : STATUS_UNSUCCESSFUL, 0);
}

static VOID NTAPI Serve(PKDPC Dpc, PDEVICE_OBJECT Object, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    IoStartNextPacket(Object, TRUE);
    KmtComplete(Irp, STATUS_SUCCESS, 0);
}

/* Every third request is ended by the DPC, after or before this has returned. */
static VOID NTAPI StartIo(PDEVICE_OBJECT Object, PIRP Irp)
{
    LONG Number = ++Started;
    Depth++;
    Deepest = max(Deepest, Depth);
    WithRoutine += Irp->CancelRoutine != NULL;
    if (Hold) {
        HeldIrp = Irp;
    } else if (Number % 3 == 0) {
        IoRequestDpc(Object, Irp, NULL);
    } else {
        IoStartNextPacket(Object, TRUE);
        KmtComplete(Irp, STATUS_SUCCESS, 0);
    }
    Depth--;
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Object, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoStartPacket(Object, Irp, NULL, Cancel);
    return STATUS_PENDING;
}

static VOID Begin(REQUEST *Request)
{
    KeInitializeEvent(&Request->Event, NotificationEvent, FALSE);
    Request->Irp = IoBuildDeviceIoControlRequest(KMT_CODE(0, METHOD_BUFFERED), Device, NULL, 0,
                                                 NULL, 0, FALSE, &Request->Event, &Request->Iosb);
    IoCallDriver(Device, Request->Irp);
}

/* Ends the request that StartIo kept, from outside of StartIo. */
static VOID Release(VOID)
{
    KIRQL Irql;
    PIRP Irp = HeldIrp;
    Hold = FALSE;
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    IoStartNextPacket(Device, TRUE);
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    KeLowerIrql(Irql);
}

static VOID KmtRun(VOID)
{
    LONG Good = 0;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    KmtDriverObject->DriverStartIo = StartIo;
    Device = KmtCreateDevice(NULL, 0, FALSE);
    IoInitializeDpcRequest(Device, Serve);
    IoSetStartIoAttributes(Device, TRUE, TRUE);
    Hold = TRUE;
    for (ULONG i = 0; i < REQUESTS; i++) {
        Begin(&Requests[i]);
    }
    KMT_EQUAL(Started, 1, "the first request is served, the others wait");
    KMT_EQUAL(IoCancelIrp(Requests[0].Irp), FALSE, "it cannot be cancelled");
    KMT_EQUAL(IoCancelIrp(Requests[7].Irp), TRUE, "one that waits can");
    Release();
    for (ULONG i = 0; i < REQUESTS; i++) {
        KmtWait(&Requests[i].Event, 10000);
        Good += Requests[i].Iosb.Status == (i == 7 ? STATUS_CANCELLED : STATUS_SUCCESS);
    }
    KeFlushQueuedDpcs(); /* the last request ends before its StartIo returns */
    KMT_EQUAL(Good, REQUESTS, "each ends");
    KMT_EQUAL(Started, REQUESTS - 1, "StartIo has seen all but one");
    KMT_EQUAL(WithRoutine, 0, "none with a cancel routine");
    KMT_EQUAL(Deepest, 1, "and never one from within another");
    KMT_CHECK(Device->CurrentIrp == NULL && !Device->DeviceQueue.Busy, "the device is idle");
    Begin(&Requests[0]);
    KMT_EQUAL(KmtWait(&Requests[0].Event, 10000), STATUS_SUCCESS, "and serves the next one");
    KeFlushQueuedDpcs();
    IoDeleteDevice(Device);
}
