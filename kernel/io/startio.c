/*
 * startio.c - one request at a time: the StartIo model.
 *
 * A device's queue is busy while a request is in the driver's StartIo or with its hardware;
 * CurrentIrp is that request. IoStartPacket begins one or queues it, IoStartNextPacket ends one and
 * begins the next. With a cancel routine both hold the cancel spin lock while they look at the
 * queue, so that an IRP is either in the queue, where its cancel routine finds it, or current.
 *
 * A StartIo that is done at once and asks for the next packet is called again from within that
 * call, and so on for each request in the queue, on one kernel stack. With DeferredStartIo the next
 * call waits until the one before has returned: a loop, however long the queue is.
 */
#include "iop.h"
#include "verify.h"

/* DEVOBJ_EXTENSION.StartIoState of a device with DeferredStartIo. */
enum {
    IopNotInStartIo,
    IopInStartIo,
    IopNextPacketAsked /* by StartIo, or by a DPC before it has returned */
};

static void IopCallStartIo(PDEVICE_OBJECT Device, PIRP Irp)
{
    PDRIVER_STARTIO StartIo = Device->DriverObject->DriverStartIo;
    IOP_CONTEXT Context;
    IopNoteContext(&Context);
    StartIo(Device, Irp);
    if (IopVerifying) {
        IopCheckContext(&Context, (PVOID)StartIo, NULL);
    }
    IopCheckIrql((PVOID)StartIo, NULL, DISPATCH_LEVEL);
}

/* The current request is done: makes the next one current, or the device idle. CurrentIrp is
 * cleared first, so a cancel routine never finds an IRP that is done. */
static PIRP IopTakeNextPacket(PDEVICE_OBJECT Device, const IOP_NEXT_PACKET *Next)
{
    KIRQL CancelIrql;
    PIRP Irp = NULL;
    if (Next->Cancelable) {
        IoAcquireCancelSpinLock(&CancelIrql);
    }
    Device->CurrentIrp = NULL;
    PKDEVICE_QUEUE_ENTRY Entry = Next->ByKey
                                     ? KeRemoveByKeyDeviceQueue(&Device->DeviceQueue, Next->Key)
                                     : KeRemoveDeviceQueue(&Device->DeviceQueue);
    if (Entry != NULL) {
        Irp = Device->CurrentIrp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.DeviceQueueEntry);
        if (Next->Cancelable && Device->DeviceObjectExtension->NonCancelable) {
            IoSetCancelRoutine(Irp, NULL);
        }
    }
    if (Next->Cancelable) {
        IoReleaseCancelSpinLock(DISPATCH_LEVEL);
    }
    return Irp;
}

/* Irp is current. Who changes StartIoState from IopInStartIo first, decides: we, that the request
 * is still under way and the next packet its owner's business; the owner, that it is ours. */
static void IopStartIo(PDEVICE_OBJECT Device, PIRP Irp)
{
    PDEVOBJ_EXTENSION Extension = Device->DeviceObjectExtension;
    if (!Extension->DeferredStartIo) {
        IopCallStartIo(Device, Irp);
        return;
    }
    while (Irp != NULL) {
        InterlockedExchange(&Extension->StartIoState, IopInStartIo);
        IopCallStartIo(Device, Irp);
        if (InterlockedCompareExchange(&Extension->StartIoState, IopNotInStartIo, IopInStartIo) ==
            IopInStartIo) {
            break;
        }
        // Before the queue is found empty: from then on somebody else's request may begin.
        IOP_NEXT_PACKET Next = Extension->NextPacket;
        InterlockedExchange(&Extension->StartIoState, IopNotInStartIo);
        Irp = IopTakeNextPacket(Device, &Next);
    }
}

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
    IopCheckQueueable(Irp, __builtin_return_address(0));
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    if (CancelFunction != NULL) {
        IoAcquireCancelSpinLock(&CancelIrql);
        IoSetCancelRoutine(Irp, CancelFunction);
    }
    if (!IopInsertPacket(Device, Irp, Key)) {
        Device->CurrentIrp = Irp;
        if (CancelFunction != NULL) {
            if (Device->DeviceObjectExtension->NonCancelable) {
                IoSetCancelRoutine(Irp, NULL);
            }
            IoReleaseCancelSpinLock(DISPATCH_LEVEL);
        }
        IopStartIo(Device, Irp);
    } else if (CancelFunction != NULL) {
        IopSettleQueuedPacket(Device, Irp, CancelFunction);
    }
    KeLowerIrql(OldIrql);
}

/* With DeferredStartIo, and a StartIo that has not returned yet, the wish is only noted: the loop
 * in IopStartIo fulfils it. */
static void IopStartNext(PDEVICE_OBJECT Device, IOP_NEXT_PACKET Next)
{
    PDEVOBJ_EXTENSION Extension = Device->DeviceObjectExtension;
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, (ULONG_PTR)Device, KeGetCurrentIrql(), 0, 0);
    }
    if (Extension->DeferredStartIo) {
        Extension->NextPacket = Next;
        if (InterlockedCompareExchange(&Extension->StartIoState, IopNextPacketAsked,
                                       IopInStartIo) == IopInStartIo) {
            return;
        }
    }
    PIRP Irp = IopTakeNextPacket(Device, &Next);
    if (Irp != NULL) {
        IopStartIo(Device, Irp);
    }
}

VOID NTAPI IoStartNextPacket(PDEVICE_OBJECT Device, BOOLEAN Cancelable)
{
    IopStartNext(Device, (IOP_NEXT_PACKET){.Cancelable = Cancelable});
}

VOID NTAPI IoStartNextPacketByKey(PDEVICE_OBJECT Device, BOOLEAN Cancelable, ULONG Key)
{
    IopStartNext(Device, (IOP_NEXT_PACKET){.Cancelable = Cancelable, .ByKey = TRUE, .Key = Key});
}

VOID NTAPI IoSetStartIoAttributes(PDEVICE_OBJECT Device, BOOLEAN DeferredStartIo,
                                  BOOLEAN NonCancelable)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    Device->DeviceObjectExtension->DeferredStartIo = DeferredStartIo;
    Device->DeviceObjectExtension->NonCancelable = NonCancelable;
}
