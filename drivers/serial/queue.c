/*
 * queue.c - queues of IRPs that can be cancelled.
 *
 * A cancel routine stands in every queued IRP. Whoever gets it out by IoSetCancelRoutine owns the
 * IRP and completes it. When the answer is NULL, IoCancelIrp has got it, and SerialCancel runs or
 * is about to, and will complete the IRP. Its link is then left pointing at itself, so that
 * removing it once more does no harm. QueueLock makes all this one step.
 */
#include "serial.h"

static DRIVER_CANCEL SerialCancel;

void SerialInitializeQueue(PSERIAL_QUEUE Queue)
{
    InitializeListHead(&Queue->Irps);
}

static void SerialUnlink(PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    InitializeListHead(&Irp->Tail.Overlay.ListEntry);
}

/* Called with the cancel spin lock held, which the queues do not need. A write that has been sent
 * in part says how much of it. */
static VOID NTAPI SerialCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSERIAL_EXTENSION Extension = DeviceObject->DeviceExtension;
    KIRQL OldIrql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&Extension->QueueLock, &OldIrql);
    SerialUnlink(Irp);
    KeReleaseSpinLock(&Extension->QueueLock, OldIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

BOOLEAN SerialInsertIrp(PSERIAL_QUEUE Queue, PIRP Irp)
{
    Irp->IoStatus.Information = 0;
    InsertTailList(&Queue->Irps, &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, SerialCancel);
    /* Cancelled before there was a routine to call? Then nobody will call it. */
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        SerialUnlink(Irp);
        Irp->IoStatus.Status = STATUS_CANCELLED;
        return FALSE;
    }
    return TRUE;
}

PIRP SerialFirstIrp(PSERIAL_QUEUE Queue)
{
    if (IsListEmpty(&Queue->Irps)) {
        return NULL;
    }
    return CONTAINING_RECORD(Queue->Irps.Flink, IRP, Tail.Overlay.ListEntry);
}

BOOLEAN SerialRemoveIrp(PIRP Irp)
{
    SerialUnlink(Irp);
    return IoSetCancelRoutine(Irp, NULL) != NULL;
}

void SerialRemoveFileIrps(PSERIAL_QUEUE Queue, PFILE_OBJECT FileObject, PLIST_ENTRY Removed)
{
    PLIST_ENTRY Link, Next;

    for (Link = Queue->Irps.Flink; Link != &Queue->Irps; Link = Next) {
        PIRP Irp = CONTAINING_RECORD(Link, IRP, Tail.Overlay.ListEntry);

        Next = Link->Flink;
        if (IoGetCurrentIrpStackLocation(Irp)->FileObject == FileObject && SerialRemoveIrp(Irp)) {
            Irp->IoStatus.Status = STATUS_CANCELLED;
            InsertTailList(Removed, Link);
        }
    }
}

void SerialCompleteIrps(PLIST_ENTRY List)
{
    while (!IsListEmpty(List)) {
        PIRP Irp = CONTAINING_RECORD(RemoveHeadList(List), IRP, Tail.Overlay.ListEntry);

        IoCompleteRequest(Irp, IO_SERIAL_INCREMENT);
    }
}
