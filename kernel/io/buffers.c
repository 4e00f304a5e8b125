/*
 * buffers.c - how a request's data reaches the driver: the ways of DO_BUFFERED_IO, DO_DIRECT_IO and
 * neither, and the four methods of a control code.
 *
 *     buffered  a system buffer in non-paged pool; copied in before, copied back by IopFinishIrp
 *     direct    an MDL of the caller's buffer
 *     neither   the caller's address as it is
 *
 * Of a buffer that io itself or an MDL will touch, every page must be mapped, and writable if the
 * device is to write: STATUS_ACCESS_VIOLATION. An MDL's pages are locked until the request ends.
 */
#include "iop.h"
#include "verify.h"

/* The requester's length is kept in a field that drivers leave alone, as the stack locations are
 * theirs; the completion's APC, which overwrites it, comes after it was needed. */
NTSTATUS IopAllocateSystemBuffer(PIRP Irp, ULONG Length, PVOID Source, ULONG SourceLength,
                                 ULONG Room)
{
    PVOID Buffer = IopVerifying & IOP_VERIFY_SPECIAL
                       ? IopAllocateGuarded(Length, IOP_TAG_BUFFER)
                       : ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, Length,
                                         IOP_TAG_BUFFER);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Buffer, Source, SourceLength);
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Irp->Tail.Overlay.IrpExtension = (PVOID)(ULONG_PTR)Room;
    Irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    return STATUS_SUCCESS;
}

ULONG IopSystemBufferRoom(PIRP Irp)
{
    return Irp->Flags & IRP_DEALLOCATE_BUFFER ? (ULONG)(ULONG_PTR)Irp->Tail.Overlay.IrpExtension
                                              : 0;
}

void IopFreeSystemBuffer(PIRP Irp)
{
    if (Irp->Flags & IRP_DEALLOCATE_BUFFER) {
        ExFreePoolWithTag(Irp->AssociatedIrp.SystemBuffer, IOP_TAG_BUFFER);
    }
}

NTSTATUS IopDescribeBuffer(PIRP Irp, PVOID Buffer, ULONG Length, LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, Irp);
    if (Mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return MmLockMdlPages(Mdl, KernelMode, Operation, __builtin_return_address(0));
}

/* The device at the top of the stack decides; drivers in a stack agree on their flags. */
NTSTATUS IopSetTransferBuffer(PIRP Irp, PDEVICE_OBJECT Device, PVOID Buffer, ULONG Length,
                              BOOLEAN ToDevice)
{
    Irp->UserBuffer = Buffer;
    if (Device->Flags & DO_BUFFERED_IO) {
        if (!MmIsRangeValid(Buffer, Length)) {
            return STATUS_ACCESS_VIOLATION;
        }
        Irp->Flags |= IRP_BUFFERED_IO | (ToDevice ? 0 : IRP_INPUT_OPERATION);
        return Length == 0
                   ? STATUS_SUCCESS
                   : IopAllocateSystemBuffer(Irp, Length, Buffer, ToDevice ? Length : 0, Length);
    }
    if ((Device->Flags & DO_DIRECT_IO) && Length != 0) {
        return IopDescribeBuffer(Irp, Buffer, Length, ToDevice ? IoReadAccess : IoWriteAccess);
    }
    return STATUS_SUCCESS;
}

/* A system buffer of Length bytes with the control's input in it. Like Windows takes no buffer,
 * whatever its length, for no input: the driver then gets zeros. */
static NTSTATUS IopCopyControlInput(PIRP Irp, ULONG Length, PVOID InputBuffer,
                                    ULONG InputBufferLength, ULONG Room)
{
    if (InputBuffer != NULL && !MmIsRangeValid(InputBuffer, InputBufferLength)) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = IopAllocateSystemBuffer(Irp, Length, InputBuffer,
                                              InputBuffer != NULL ? InputBufferLength : 0, Room);
    if (NT_SUCCESS(Status) && InputBuffer == NULL) {
        RtlZeroMemory(Irp->AssociatedIrp.SystemBuffer, InputBufferLength);
    }
    return Status;
}

static NTSTATUS IopSetBufferedControl(PIRP Irp, PVOID InputBuffer, ULONG InputBufferLength,
                                      PVOID OutputBuffer, ULONG OutputBufferLength)
{
    ULONG Length = max(InputBufferLength, OutputBufferLength);
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    if (OutputBuffer != NULL && !MmIsRangeValid(OutputBuffer, OutputBufferLength)) {
        return STATUS_ACCESS_VIOLATION;
    }
    // One buffer serves both ways: the driver reads its input before it writes its output.
    Irp->UserBuffer = OutputBuffer;
    Irp->Flags |= OutputBuffer != NULL ? IRP_INPUT_OPERATION : 0;
    return IopCopyControlInput(Irp, Length, InputBuffer, InputBufferLength, OutputBufferLength);
}

/* The second buffer is direct in both methods; IN and OUT tell what the driver does with it. */
static NTSTATUS IopSetDirectControl(PIRP Irp, PVOID InputBuffer, ULONG InputBufferLength,
                                    PVOID OutputBuffer, ULONG OutputBufferLength,
                                    LOCK_OPERATION Operation)
{
    if (InputBuffer != NULL && InputBufferLength != 0) {
        NTSTATUS Status =
            IopCopyControlInput(Irp, InputBufferLength, InputBuffer, InputBufferLength, 0);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    return OutputBufferLength == 0
               ? STATUS_SUCCESS
               : IopDescribeBuffer(Irp, OutputBuffer, OutputBufferLength, Operation);
}

NTSTATUS IopSetControlBuffers(PIRP Irp, ULONG IoControlCode, PVOID InputBuffer,
                              ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength)
{
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->Parameters.DeviceIoControl.OutputBufferLength = OutputBufferLength;
    Stack->Parameters.DeviceIoControl.InputBufferLength = InputBufferLength;
    Stack->Parameters.DeviceIoControl.IoControlCode = IoControlCode;
    switch (METHOD_FROM_CTL_CODE(IoControlCode)) {
    case METHOD_BUFFERED:
        return IopSetBufferedControl(Irp, InputBuffer, InputBufferLength, OutputBuffer,
                                     OutputBufferLength);
    case METHOD_IN_DIRECT:
    case METHOD_OUT_DIRECT:
        return IopSetDirectControl(
            Irp, InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength,
            METHOD_FROM_CTL_CODE(IoControlCode) == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
    default:
        Irp->UserBuffer = OutputBuffer;
        Stack->Parameters.DeviceIoControl.Type3InputBuffer = InputBuffer;
        return STATUS_SUCCESS;
    }
}
