/*
 * startio.c - one request at a time: the StartIo model.
 *
 * A device's queue is busy while a request is in the driver's StartIo or with its hardware;
 * CurrentIrp is that request. IoStartPacket begins one or queues it, IoStartNextPacket ends one and
 * begins the next. With a cancel routine both hold the cancel spin lock while they look at the
 * queue, so that an IRP is either in the queue, where its cancel routine finds it, or current.
 */
#include "iop.h"

static void IopStartIo(PDEVICE_OBJECT Device, PIRP Irp)
{
    PDRIVER_STARTIO StartIo = Device->DriverObject->DriverStartIo;
    StartIo(Device, Irp);
    IopCheckIrql((PVOID)StartIo, Irp, DISPATCH_LEVEL);
}

/* FALSE: the queue was not busy, and is now, with this packet as the current one. */
static BOOLEAN IopInsertPacket(PDEVICE_OBJECT Device, PIRP Irp, PULONG Key)
{
    PKDEVICE_QUEUE_ENTRY Entry = &Irp->Tail.Overlay.DeviceQueueEntry;
    return Key != NULL ? KeInsertByKeyDeviceQueue(&Device->DeviceQueue, Entry, *Key)
                       : KeInsertDeviceQueue(&Device->DeviceQueue, Entry);
}

/* The cancel lock is held and is released: the packet waits in the queue, unless it was cancelled
 * before it had a cancel routine. */
static void IopSettleQueuedPacket(PDEVICE_OBJECT Device, PIRP Irp, PDRIVER_CANCEL CancelFunction)
{
    if (!Irp->Cancel || IoSetCancelRoutine(Irp, NULL) == NULL) {
        IoReleaseCancelSpinLock(DISPATCH_LEVEL);
        return;
    }
    Irp->CancelIrql = DISPATCH_LEVEL;
    CancelFunction(Device, Irp);
}

VOID NTAPI IoStartPacket(PDEVICE_OBJECT Device, PIRP Irp, PULONG Key, PDRIVER_CANCEL CancelFunction)
{
    KIRQL CancelIrql;
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    if (CancelFunction != NULL) {
        IoAcquireCancelSpinLock(&CancelIrql);
        IoSetCancelRoutine(Irp, CancelFunction);
    }
    if (!IopInsertPacket(Device, Irp, Key)) {
        Device->CurrentIrp = Irp;
        if (CancelFunction != NULL) {
            IoReleaseCancelSpinLock(DISPATCH_LEVEL);
        }
        IopStartIo(Device, Irp);
    } else if (CancelFunction != NULL) {
        IopSettleQueuedPacket(Device, Irp, CancelFunction);
    }
    KeLowerIrql(OldIrql);
}

/* Remove takes the next entry; with none left it makes the queue not busy. CurrentIrp is cleared
 * first, so a cancel routine never finds an IRP that is done. */
static void IopStartNext(PDEVICE_OBJECT Device,
                         PKDEVICE_QUEUE_ENTRY (*Remove)(PDEVICE_OBJECT, ULONG), ULONG Key,
                         BOOLEAN Cancelable)
{
    KIRQL CancelIrql;
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, (ULONG_PTR)Device, KeGetCurrentIrql(), 0, 0);
    }
    if (Cancelable) {
        IoAcquireCancelSpinLock(&CancelIrql);
    }
    Device->CurrentIrp = NULL;
    PKDEVICE_QUEUE_ENTRY Entry = Remove(Device, Key);
    if (Entry != NULL) {
        Device->CurrentIrp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.DeviceQueueEntry);
    }
    PIRP Irp = Device->CurrentIrp;
    if (Cancelable) {
        IoReleaseCancelSpinLock(DISPATCH_LEVEL);
    }
    if (Entry != NULL) {
        IopStartIo(Device, Irp);
    }
}

static PKDEVICE_QUEUE_ENTRY IopRemoveFirst(PDEVICE_OBJECT Device, ULONG Key)
{
    UNREFERENCED_PARAMETER(Key);
    return KeRemoveDeviceQueue(&Device->DeviceQueue);
}

static PKDEVICE_QUEUE_ENTRY IopRemoveByKey(PDEVICE_OBJECT Device, ULONG Key)
{
    return KeRemoveByKeyDeviceQueue(&Device->DeviceQueue, Key);
}

VOID NTAPI IoStartNextPacket(PDEVICE_OBJECT Device, BOOLEAN Cancelable)
{
    IopStartNext(Device, IopRemoveFirst, 0, Cancelable);
}

VOID NTAPI IoStartNextPacketByKey(PDEVICE_OBJECT Device, BOOLEAN Cancelable, ULONG Key)
{
    IopStartNext(Device, IopRemoveByKey, Key, Cancelable);
}
