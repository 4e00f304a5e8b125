/*
 * booster2.c - the booster that tells what it does (chapter 5 of Windows Kernel Programming).
 *
 * It takes the same requests as the booster (booster.h), at a device of its own. Each step is
 * logged with a level (log.c), and what cannot be is asserted: KdPrint and NT_ASSERT vanish from a
 * driver that is built without DBG, while these messages stay, and people choose with `dbgkflt`
 * which of them they see. The request comes by direct I/O here: the client's own pages, locked and
 * mapped.
 */
#include <ntddk.h>
#include <booster.h>
#include "log.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Booster2Unload;
static DRIVER_DISPATCH Booster2CreateClose, Booster2Write;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(BOOSTER2_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(BOOSTER2_SYMLINK_NAME);
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    Log(LogLevelInformation, "DriverEntry, %wZ\n", RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        Log(LogLevelError, "no device object: 0x%08X\n", Status);
        return Status;
    }
    NT_ASSERT(DeviceObject != NULL);
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        Log(LogLevelError, "no symbolic link: 0x%08X\n", Status);
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    DeviceObject->Flags |= DO_DIRECT_IO;

    DriverObject->DriverUnload = Booster2Unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Booster2CreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Booster2CreateClose;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = Booster2Write;
    return STATUS_SUCCESS;
}

static VOID NTAPI Booster2Unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(BOOSTER2_SYMLINK_NAME);

    Log(LogLevelInformation, "unload\n");
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS Booster2Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI Booster2CreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Log(LogLevelVerbose, "%s\n",
        IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE ? "create" : "close");
    return Booster2Complete(Irp, STATUS_SUCCESS, 0);
}

/* Request is a copy: the client may change the original at any time. */
static NTSTATUS Booster2SetPriority(BOOSTER_REQUEST Request)
{
    PETHREAD Thread;
    KPRIORITY OldPriority;
    NTSTATUS Status;

    if (Request.Priority < 1 || Request.Priority > HIGH_PRIORITY) {
        Log(LogLevelWarning, "there is no priority %d\n", Request.Priority);
        return STATUS_INVALID_PARAMETER;
    }
    Status = PsLookupThreadByThreadId(ULongToHandle(Request.ThreadId), &Thread);
    if (!NT_SUCCESS(Status)) {
        Log(LogLevelError, "there is no thread %u: 0x%08X\n", Request.ThreadId, Status);
        return Status;
    }
    OldPriority = KeSetPriorityThread(Thread, Request.Priority);
    NT_ASSERT(OldPriority > 0 && OldPriority <= HIGH_PRIORITY);
    Log(LogLevelInformation, "thread %u: priority %d, was %d\n", Request.ThreadId, Request.Priority,
        OldPriority);
    ObDereferenceObject(Thread);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Booster2Write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    const volatile BOOSTER_REQUEST *Request;
    BOOSTER_REQUEST Copy;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(DeviceObject);
    Log(LogLevelVerbose, "write of %u bytes\n", Length);
    if (Length < sizeof(BOOSTER_REQUEST)) {
        Log(LogLevelWarning, "a write of %u bytes is too short\n", Length);
        return Booster2Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    Request =
        MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority | MdlMappingNoExecute);
    if (Request == NULL) {
        Log(LogLevelError, "no addresses left for the client's buffer\n");
        return Booster2Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    Copy.ThreadId = Request->ThreadId;
    Copy.Priority = Request->Priority;
    Status = Booster2SetPriority(Copy);
    return Booster2Complete(Irp, Status, NT_SUCCESS(Status) ? sizeof(BOOSTER_REQUEST) : 0);
}
