/*
 * notmyfault.c - a driver that does wrong what drivers do wrong, so that one can learn what it
 * looks like: which bugcheck stops the machine, whom it blames, and what the debugger shows
 * (chapter 5).
 *
 *     notmyfault null ── ZwDeviceIoControlFile ──► NotMyFaultControl ──► NotMyFaultDoNullPointer
 *
 * The faults stand in memory.c, code.c and hang.c.
 */
#include "notmyfaultp.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD NotMyFaultUnload;
static DRIVER_DISPATCH NotMyFaultCreateClose, NotMyFaultControl;

static NOTMYFAULT_FAULT *const Faults[] = {
#define NOTMYFAULT_ENTRY(Routine, Name, What) NotMyFaultDo##Routine,
    NOTMYFAULT_FAULTS(NOTMYFAULT_ENTRY)
#undef NOTMYFAULT_ENTRY
};

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NOTMYFAULT_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(NOTMYFAULT_SYMLINK_NAME);
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    DriverObject->DriverUnload = NotMyFaultUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = NotMyFaultCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = NotMyFaultCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = NotMyFaultControl;
    return STATUS_SUCCESS;
}

static VOID NTAPI NotMyFaultUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(NOTMYFAULT_SYMLINK_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS NotMyFaultComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI NotMyFaultCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return NotMyFaultComplete(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI NotMyFaultControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;

    UNREFERENCED_PARAMETER(DeviceObject);
    for (ULONG i = 0; i < ARRAYSIZE(Faults); i++) {
        if (Code == IOCTL_NOTMYFAULT(i)) {
            Status = Faults[i](Irp);
            break;
        }
    }
    return Status == STATUS_PENDING ? Status : NotMyFaultComplete(Irp, Status);
}
