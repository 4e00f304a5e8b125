/*
 * serial.c - the serial port COM1 as a device: requests come in here.
 *
 * Reads and writes of any number of clients pend in two queues, first come first served, until
 * port.c has done them; any of them can be cancelled at any time. A read ends as soon as there is
 * at least one byte, so a console gets what is typed; bytes that arrive while nobody reads are
 * kept.
 */
#include "serial.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD SerialUnload;
static DRIVER_DISPATCH SerialCreateClose, SerialCleanup, SerialReadWrite;

/* Makes the device with its extension ready for requests, which come only after DriverEntry. */
static NTSTATUS SerialCreateDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT *DeviceObject)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(SERIAL_DEVICE_NAME);
    PSERIAL_EXTENSION Extension;
    NTSTATUS Status;

    Status = IoCreateDevice(DriverObject, sizeof(SERIAL_EXTENSION), &Name, FILE_DEVICE_SERIAL_PORT,
                            0, FALSE, DeviceObject);
    if (NT_SUCCESS(Status)) {
        Extension = (*DeviceObject)->DeviceExtension;
        Extension->DeviceObject = *DeviceObject;
        KeInitializeSpinLock(&Extension->QueueLock);
        SerialInitializeQueue(&Extension->Reads);
        SerialInitializeQueue(&Extension->Writes);
        (*DeviceObject)->Flags |= DO_BUFFERED_IO;
    }
    return Status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(SERIAL_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(SERIAL_LINK_NAME);
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!SerialIsPresent()) {
        return STATUS_NO_SUCH_DEVICE;
    }
    DriverObject->DriverUnload = SerialUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SerialCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SerialCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = SerialCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = SerialReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = SerialReadWrite;

    Status = SerialCreateDevice(DriverObject, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        goto DeleteDevice;
    }
    Status = SerialStartPort(DeviceObject->DeviceExtension);
    if (!NT_SUCCESS(Status)) {
        goto DeleteLink;
    }
    return STATUS_SUCCESS;

DeleteLink:
    IoDeleteSymbolicLink(&Link);
DeleteDevice:
    IoDeleteDevice(DeviceObject);
    return Status;
}

/* All files are closed, so the queues are empty. */
static VOID NTAPI SerialUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(SERIAL_LINK_NAME);

    IoDeleteSymbolicLink(&Link);
    SerialStopPort(DriverObject->DeviceObject->DeviceExtension);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS SerialComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI SerialCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return SerialComplete(Irp, STATUS_SUCCESS);
}

/* The last handle to a file has been closed: what it still asks for is cancelled. */
static NTSTATUS NTAPI SerialCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSERIAL_EXTENSION Extension = DeviceObject->DeviceExtension;
    PFILE_OBJECT FileObject = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    LIST_ENTRY Cancelled;
    KIRQL OldIrql;

    InitializeListHead(&Cancelled);
    KeAcquireSpinLock(&Extension->QueueLock, &OldIrql);
    SerialRemoveFileIrps(&Extension->Reads, FileObject, &Cancelled);
    SerialRemoveFileIrps(&Extension->Writes, FileObject, &Cancelled);
    KeReleaseSpinLock(&Extension->QueueLock, OldIrql);
    SerialCompleteIrps(&Cancelled);
    return SerialComplete(Irp, STATUS_SUCCESS);
}

/* Reads and writes differ only in the queue. Every request goes through it, so that none overtakes
 * another one. */
static NTSTATUS NTAPI SerialReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSERIAL_EXTENSION Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Reading = Stack->MajorFunction == IRP_MJ_READ;
    BOOLEAN Queued;
    KIRQL OldIrql;

    if ((Reading ? Stack->Parameters.Read.Length : Stack->Parameters.Write.Length) == 0) {
        return SerialComplete(Irp, STATUS_SUCCESS);
    }
    /* From here on the answer is STATUS_PENDING, even if the request should be done at once. */
    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&Extension->QueueLock, &OldIrql);
    Queued = SerialInsertIrp(Reading ? &Extension->Reads : &Extension->Writes, Irp);
    KeReleaseSpinLock(&Extension->QueueLock, OldIrql);
    if (Queued) {
        SerialServe(Extension); /* it may be done already after this */
    } else {
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
    }
    return STATUS_PENDING;
}
