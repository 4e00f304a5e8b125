/*
 * zero.c - the device that is all zeros, after chapter 7 of Windows Kernel Programming: requests in
 * their simplest form, with direct I/O.
 *
 * The I/O manager has locked the client's pages and described them by an MDL; the driver asks for
 * an address of its own for them. The chapter's exercises are in it: statistics, which any number
 * of requests on any processors count at a time, and which outlive the driver and the system in the
 * registry (state.c).
 */
#include "zerop.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD ZeroUnload;
static DRIVER_DISPATCH ZeroCreateClose, ZeroRead, ZeroWrite, ZeroDeviceControl, ZeroShutdown;

static NTSTATUS ZeroCreateDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT *DeviceObject)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(ZERO_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(ZERO_SYMLINK_NAME);
    NTSTATUS Status;

    Status = IoCreateDevice(DriverObject, sizeof(ZERO_EXTENSION), &Name, ZERO_DEVICE, 0, FALSE,
                            DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    (*DeviceObject)->Flags |= DO_DIRECT_IO;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(*DeviceObject);
    }
    return Status;
}

static VOID ZeroDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(ZERO_SYMLINK_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status = ZeroCreateDevice(DriverObject, &DeviceObject);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZeroOpenState(DeviceObject->DeviceExtension, RegistryPath);
    if (!NT_SUCCESS(Status)) {
        goto DeleteDevice;
    }
    Status = IoRegisterShutdownNotification(DeviceObject);
    if (!NT_SUCCESS(Status)) {
        goto CloseState;
    }
    DriverObject->DriverUnload = ZeroUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ZeroCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ZeroCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = ZeroRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = ZeroWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ZeroDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = ZeroShutdown;
    return STATUS_SUCCESS;

CloseState:
    ZeroCloseState(DeviceObject->DeviceExtension);
DeleteDevice:
    ZeroDeleteDevice(DeviceObject);
    return Status;
}

static VOID NTAPI ZeroUnload(PDRIVER_OBJECT DriverObject)
{
    PDEVICE_OBJECT DeviceObject = DriverObject->DeviceObject;

    IoUnregisterShutdownNotification(DeviceObject);
    ZeroSaveState(DeviceObject->DeviceExtension);
    ZeroCloseState(DeviceObject->DeviceExtension);
    ZeroDeleteDevice(DeviceObject);
}

static NTSTATUS ZeroComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI ZeroCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return ZeroComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI ZeroRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PZERO_EXTENSION Extension = DeviceObject->DeviceExtension;
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    PVOID Buffer;

    if (Length == 0) {
        return ZeroComplete(Irp, STATUS_INVALID_BUFFER_SIZE, 0);
    }
    Buffer =
        MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority | MdlMappingNoExecute);
    if (Buffer == NULL) {
        return ZeroComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    RtlZeroMemory(Buffer, Length);
    InterlockedAdd64(&Extension->Statistics.TotalRead, Length);
    return ZeroComplete(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS NTAPI ZeroWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PZERO_EXTENSION Extension = DeviceObject->DeviceExtension;
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;

    if (Length == 0) {
        return ZeroComplete(Irp, STATUS_INVALID_BUFFER_SIZE, 0);
    }
    InterlockedAdd64(&Extension->Statistics.TotalWritten, Length);
    return ZeroComplete(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS ZeroGetStatistics(PZERO_EXTENSION Extension, PIRP Irp)
{
    PZERO_STATISTICS Statistics = Irp->AssociatedIrp.SystemBuffer;
    ULONG Room = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength;

    if (Room < sizeof(*Statistics)) {
        return ZeroComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    *Statistics = Extension->Statistics;
    return ZeroComplete(Irp, STATUS_SUCCESS, sizeof(*Statistics));
}

static NTSTATUS NTAPI ZeroDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PZERO_EXTENSION Extension = DeviceObject->DeviceExtension;

    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_ZERO_GET_STATISTICS:
        return ZeroGetStatistics(Extension, Irp);
    case IOCTL_ZERO_CLEAR_STATISTICS:
        InterlockedExchange64(&Extension->Statistics.TotalRead, 0);
        InterlockedExchange64(&Extension->Statistics.TotalWritten, 0);
        return ZeroComplete(Irp, STATUS_SUCCESS, 0);
    default:
        return ZeroComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* The system goes down without unloading anybody. */
static NTSTATUS NTAPI ZeroShutdown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ZeroSaveState(DeviceObject->DeviceExtension);
    return ZeroComplete(Irp, STATUS_SUCCESS, 0);
}
