/*
 * build.c - IRPs filled in for drivers that send their own: reads, writes and what has no buffer.
 * (Controls are in control.c.)
 *
 * A synchronous request is in its thread's list, and its completion, which runs in the thread,
 * frees it. An asynchronous one is the driver's, which frees all parts of it in its completion
 * routine.
 */
#include "iop.h"

static BOOLEAN IopHasTransfer(ULONG MajorFunction)
{
    return MajorFunction == IRP_MJ_READ || MajorFunction == IRP_MJ_WRITE;
}

static NTSTATUS IopFillTransfer(PIRP Irp, PDEVICE_OBJECT Device, PVOID Buffer, ULONG Length,
                                PLARGE_INTEGER Offset)
{
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    BOOLEAN Write = Stack->MajorFunction == IRP_MJ_WRITE;
    Irp->Flags |= Write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    // Read and Write have one layout.
    Stack->Parameters.Read.Length = Length;
    if (Offset != NULL) {
        Stack->Parameters.Read.ByteOffset = *Offset;
    }
    return IopSetTransferBuffer(Irp, Device, Buffer, Length, Write);
}

PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                         PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    if (Irp == NULL) {
        return NULL;
    }
    IoGetNextIrpStackLocation(Irp)->MajorFunction = (UCHAR)MajorFunction;
    Irp->RequestorMode = KernelMode;
    Irp->UserIosb = IoStatusBlock;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    if (IopHasTransfer(MajorFunction) &&
        !NT_SUCCESS(IopFillTransfer(Irp, DeviceObject, Buffer, Length, StartingOffset))) {
        IopDiscardIrp(Irp);
        return NULL;
    }
    return Irp;
}

PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                        PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                        PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    IopCheckServiceContext(__builtin_return_address(0));
    PIRP Irp = IoBuildAsynchronousFsdRequest(MajorFunction, DeviceObject, Buffer, Length,
                                             StartingOffset, IoStatusBlock);
    if (Irp != NULL) {
        Irp->UserEvent = Event;
        IopQueueThreadIrp(Irp);
    }
    return Irp;
}

/* The device has no say in what an IRP looks like, as long as none asks for an extension of it. */
PIRP NTAPI IoAllocateIrpEx(PDEVICE_OBJECT DeviceObject, CCHAR StackSize, BOOLEAN ChargeQuota)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return IoAllocateIrp(StackSize, ChargeQuota);
}

USHORT NTAPI IoSizeofIrpEx(PDEVICE_OBJECT DeviceObject, CCHAR StackSize)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return IoSizeOfIrp(StackSize);
}

VOID NTAPI IoInitializeIrpEx(PIRP Irp, PDEVICE_OBJECT DeviceObject, USHORT PacketSize,
                             CCHAR StackSize)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoInitializeIrp(Irp, PacketSize, StackSize);
}
