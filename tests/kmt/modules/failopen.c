/*
 * A driver that fails with two devices: one that is open, and that it has deleted as it should, and
 * one, made before it, that it has forgotten. (tests/host/test_driverlife.py)
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_DISPATCH Succeed;

NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath);
NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Succeed(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Forgotten = RTL_CONSTANT_STRING(L"\\Device\\KmtForgotten");
    UNICODE_STRING Open = RTL_CONSTANT_STRING(L"\\Device\\KmtOpen");
    PDEVICE_OBJECT Device, Opened;
    PFILE_OBJECT File;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Succeed;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Succeed;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    Status = IoCreateDevice(DriverObject, 0, &Forgotten, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (NT_SUCCESS(Status)) {
        Status = IoCreateDevice(DriverObject, 0, &Open, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    }
    if (NT_SUCCESS(Status)) {
        Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
        Status = IoGetDeviceObjectPointer(&Open, FILE_READ_DATA, &File, &Opened);
        DbgPrint("failopen: opened, 0x%08X\n", Status);
        IoDeleteDevice(Device);
    }
    return STATUS_DEVICE_NOT_READY;
}
