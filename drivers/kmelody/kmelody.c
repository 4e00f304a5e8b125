/*
 * kmelody.c - a driver that plays melodies, after chapter 8 of Windows Kernel Programming.
 *
 * The book's driver shows how a driver has a thread of its own and how it talks to another driver.
 * Here are the device's dispatch routines; player.c holds the queue, waiters.c the
 * requests that wait for its end, thread.c the thread. What this
 * version does beyond the book's: a request is queued whole or not at all, so its semaphore
 * never overflows; clients can wait for the end of the music and stop it; notes are timed from the
 * beginning of the music, so that the time which requests take does not add up; and the driver can
 * be unloaded in the middle of a note.
 *
 * The device extension is a MELODY_PLAYER.
 */
#include "player.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD MelodyUnload;
static DRIVER_DISPATCH MelodyCreate, MelodyCleanup, MelodyClose, MelodyDeviceControl;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(MELODY_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(MELODY_SYMLINK_NAME);
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, sizeof(MELODY_PLAYER), &Name, MELODY_DEVICE, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    PlayerInitialize(DeviceObject->DeviceExtension, DeviceObject);

    DriverObject->DriverUnload = MelodyUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MelodyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = MelodyCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MelodyClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MelodyDeviceControl;
    return STATUS_SUCCESS;
}

static VOID NTAPI MelodyUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(MELODY_SYMLINK_NAME);

    IoDeleteSymbolicLink(&Link);
    PlayerDelete(DriverObject->DeviceObject->DeviceExtension);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS MelodyComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The first open starts the thread. Without a Beep device nobody can open the player. */
static NTSTATUS NTAPI MelodyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return MelodyComplete(Irp, PlayerStart(DeviceObject->DeviceExtension), 0);
}

/* The last handle to a file has been closed: nobody would hear that its waits have ended. */
static NTSTATUS NTAPI MelodyCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LIST_ENTRY Waiters;

    InitializeListHead(&Waiters);
    WaiterTake(DeviceObject->DeviceExtension, IoGetCurrentIrpStackLocation(Irp)->FileObject,
               &Waiters);
    WaiterComplete(&Waiters, STATUS_CANCELLED);
    return MelodyComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI MelodyClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return MelodyComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS MelodyPlay(PMELODY_PLAYER Player, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.InputBufferLength;

    if (Length == 0 || Length % sizeof(MELODY_NOTE) != 0) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    return PlayerQueueNotes(Player, Irp->AssociatedIrp.SystemBuffer, Length / sizeof(MELODY_NOTE));
}

static NTSTATUS MelodyQuery(PMELODY_PLAYER Player, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength;

    if (Length < sizeof(MELODY_STATE)) {
        return MelodyComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    PlayerQuery(Player, Irp->AssociatedIrp.SystemBuffer);
    return MelodyComplete(Irp, STATUS_SUCCESS, sizeof(MELODY_STATE));
}

static NTSTATUS NTAPI MelodyDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PMELODY_PLAYER Player = DeviceObject->DeviceExtension;
    NTSTATUS Status = STATUS_SUCCESS;

    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_MELODY_PLAY:
        Status = MelodyPlay(Player, Irp);
        break;
    case IOCTL_MELODY_STOP:
        PlayerStop(Player);
        break;
    case IOCTL_MELODY_WAIT:
        Status = PlayerWait(Player, Irp);
        if (Status == STATUS_PENDING) {
            return Status; /* it may have been completed already: Irp must not be touched */
        }
        break;
    case IOCTL_MELODY_QUERY:
        return MelodyQuery(Player, Irp);
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
    }
    return MelodyComplete(Irp, Status, 0);
}
