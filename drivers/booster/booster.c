/*
 * booster.c - a driver from start to finish (chapter 4 of Windows Kernel Programming): a client
 * names a thread and a priority, and the thread gets it.
 *
 *     client ── ZwWriteFile ──► IRP_MJ_WRITE ──► BoosterWrite ──► KeSetPriorityThread
 *
 * The book's first version reads the request out of the client's own buffer, which the client may
 * free or change while the driver looks. This is the safe one: with DO_BUFFERED_IO the I/O manager
 * copies the request into the system buffer, and deals with buffers that are none, before the
 * driver sees it.
 */
#include <ntddk.h>
#include "booster.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD BoosterUnload;
static DRIVER_DISPATCH BoosterCreateClose, BoosterWrite;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(BOOSTER_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(BOOSTER_SYMLINK_NAME);
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        KdPrint(("booster: no device object: 0x%08X\n", Status));
        return Status;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        KdPrint(("booster: no symbolic link: 0x%08X\n", Status));
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    DeviceObject->Flags |= DO_BUFFERED_IO;

    DriverObject->DriverUnload = BoosterUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = BoosterCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = BoosterCreateClose;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = BoosterWrite;
    return STATUS_SUCCESS;
}

static VOID NTAPI BoosterUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(BOOSTER_SYMLINK_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS BoosterComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI BoosterCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return BoosterComplete(Irp, STATUS_SUCCESS, 0);
}

/* The look-up references the thread, so that it stays even if it ends right now. */
static NTSTATUS BoosterSetPriority(const BOOSTER_REQUEST *Request)
{
    PETHREAD Thread;
    KPRIORITY OldPriority;
    NTSTATUS Status;

    if (Request->Priority < 1 || Request->Priority > HIGH_PRIORITY) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = PsLookupThreadByThreadId(UlongToHandle(Request->ThreadId), &Thread);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldPriority = KeSetPriorityThread(Thread, Request->Priority);
    KdPrint(("booster: thread %u: priority %d, was %d\n", Request->ThreadId, Request->Priority,
             OldPriority));
    ObDereferenceObject(Thread);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI BoosterWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Length < sizeof(BOOSTER_REQUEST)) {
        return BoosterComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    Status = BoosterSetPriority(Irp->AssociatedIrp.SystemBuffer);
    return BoosterComplete(Irp, Status, NT_SUCCESS(Status) ? sizeof(BOOSTER_REQUEST) : 0);
}
