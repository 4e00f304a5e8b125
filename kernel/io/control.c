/*
 * control.c - device controls: from a handle (ZwDeviceIoControlFile), and from a driver.
 *
 * A control code says itself how it is to be sent:
 *
 *     31          16 15    14 13       2 1     0
 *     | device type | access | function | method |      CTL_CODE
 *
 * The rights that the handle must have are looked at here, and the method in buffers.c. The driver
 * is left the function.
 */
#include "iop.h"

/* The access bits are numbered as FILE_READ_DATA and FILE_WRITE_DATA are, so that they can be
 * compared with what the handle was granted. No bit: any handle will do. */
static BOOLEAN IopIsControlAllowed(ULONG IoControlCode, ACCESS_MASK Granted)
{
    ULONG Wanted = (IoControlCode >> 14) & (FILE_READ_ACCESS | FILE_WRITE_ACCESS);
    return (Wanted & ~Granted) == 0;
}

/* Controls of devices and of file systems differ in nothing but the major function. */
static NTSTATUS IopControlFile(PIOP_REQUEST Request, HANDLE FileHandle, HANDLE Event,
                               UCHAR MajorFunction, ULONG ControlCode, PVOID InputBuffer,
                               ULONG InputBufferLength, PVOID OutputBuffer,
                               ULONG OutputBufferLength)
{
    PIRP Irp = NULL;
    NTSTATUS Status = IopBeginRequest(Request, FileHandle, Event);
    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    Status = STATUS_ACCESS_DENIED;
    if (!IopIsControlAllowed(ControlCode, Request->Granted)) {
        goto Refused;
    }
    Status = STATUS_INSUFFICIENT_RESOURCES;
    Irp = IopAllocateRequestIrp(Request, MajorFunction);
    if (Irp == NULL) {
        goto Refused;
    }
    Status = IopSetControlBuffers(Irp, ControlCode, InputBuffer, InputBufferLength, OutputBuffer,
                                  OutputBufferLength);
    if (!NT_SUCCESS(Status)) {
        goto Refused;
    }
    return IopSendRequest(Request, Irp);

Refused:
    if (Irp != NULL) {
        IopDiscardIrp(Irp);
    }
    IopAbandonRequest(Request);
    return Status;
}

NTSTATUS NTAPI ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                     ULONG IoControlCode, PVOID InputBuffer,
                                     ULONG InputBufferLength, PVOID OutputBuffer,
                                     ULONG OutputBufferLength)
{
    IOP_REQUEST Request = {
        .Iosb = IoStatusBlock, .ApcRoutine = ApcRoutine, .ApcContext = ApcContext};
    return IopControlFile(&Request, FileHandle, Event, IRP_MJ_DEVICE_CONTROL, IoControlCode,
                          InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength);
}

NTSTATUS NTAPI ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    IOP_REQUEST Request = {
        .Iosb = IoStatusBlock, .ApcRoutine = ApcRoutine, .ApcContext = ApcContext};
    return IopControlFile(&Request, FileHandle, Event, IRP_MJ_FILE_SYSTEM_CONTROL, FsControlCode,
                          InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength);
}

/* No file object stands behind such a request: its completion tells by event and status block
 * alone. */
PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                         PVOID InputBuffer, ULONG InputBufferLength,
                                         PVOID OutputBuffer, ULONG OutputBufferLength,
                                         BOOLEAN InternalDeviceIoControl, PKEVENT Event,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    IopCheckServiceContext(__builtin_return_address(0));
    PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    if (Irp == NULL) {
        return NULL;
    }
    IoGetNextIrpStackLocation(Irp)->MajorFunction =
        InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    Irp->RequestorMode = KernelMode;
    Irp->UserEvent = Event;
    Irp->UserIosb = IoStatusBlock;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    NTSTATUS Status = IopSetControlBuffers(Irp, IoControlCode, InputBuffer, InputBufferLength,
                                           OutputBuffer, OutputBufferLength);
    if (!NT_SUCCESS(Status)) {
        IopDiscardIrp(Irp);
        return NULL;
    }
    /* Last: one that is on its thread's list could not just be thrown away. */
    IopQueueThreadIrp(Irp);
    return Irp;
}
