/*
 * virtioblk.c - disks: makes a device object for each virtio block device, and takes its requests.
 *
 *     \Device\Harddisk0\DR0          the disk
 *     \Device\Harddisk0\Partition0   a link to it, as are \??\PhysicalDrive0 ...
 *
 * Without plug and play the driver looks for its devices itself, once, in DriverEntry. Reads and
 * writes are direct I/O: the device reads and writes the requester's own pages.
 */
#include "virtioblk.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD VblkUnload;
static DRIVER_DISPATCH VblkOpenClose, VblkReadWrite, VblkFlush, VblkDeviceControl,
    VblkInternalControl;

/* Names of disk number N: the last digit, or the one after "Harddisk", is N. */
typedef struct _VBLK_NAMES {
    WCHAR Directory[sizeof("\\Device\\Harddisk0")];
    WCHAR Disk[sizeof("\\Device\\Harddisk0\\DR0")];
    WCHAR Partition[sizeof("\\Device\\Harddisk0\\Partition0")];
    WCHAR Drive[sizeof("\\??\\PhysicalDrive0")];
} VBLK_NAMES, *PVBLK_NAMES;

static VOID VblkMakeNames(PVBLK_NAMES Names, ULONG Number)
{
    WCHAR Digit = (WCHAR)(L'0' + Number);

    *Names = (VBLK_NAMES){L"\\Device\\Harddisk0", L"\\Device\\Harddisk0\\DR0",
                          L"\\Device\\Harddisk0\\Partition0", L"\\??\\PhysicalDrive0"};
    Names->Directory[ARRAYSIZE(Names->Directory) - 2] = Digit;
    Names->Disk[ARRAYSIZE(Names->Directory) - 2] = Digit;
    Names->Disk[ARRAYSIZE(Names->Disk) - 2] = Digit;
    Names->Partition[ARRAYSIZE(Names->Directory) - 2] = Digit;
    Names->Drive[ARRAYSIZE(Names->Drive) - 2] = Digit;
}

static NTSTATUS VblkCreateDirectory(PVBLK_EXTENSION Extension, PVBLK_NAMES Names)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;

    RtlInitUnicodeString(&Name, Names->Directory);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    return ZwCreateDirectoryObject(&Extension->Directory, DIRECTORY_ALL_ACCESS, &Attributes);
}

static VOID VblkDeleteLinks(ULONG Number)
{
    VBLK_NAMES Names;
    UNICODE_STRING Name;

    VblkMakeNames(&Names, Number);
    RtlInitUnicodeString(&Name, Names.Partition);
    IoDeleteSymbolicLink(&Name);
    RtlInitUnicodeString(&Name, Names.Drive);
    IoDeleteSymbolicLink(&Name);
}

static NTSTATUS VblkCreateLinks(ULONG Number)
{
    VBLK_NAMES Names;
    UNICODE_STRING Disk, Link;
    NTSTATUS Status;

    VblkMakeNames(&Names, Number);
    RtlInitUnicodeString(&Disk, Names.Disk);
    RtlInitUnicodeString(&Link, Names.Partition);
    Status = IoCreateSymbolicLink(&Link, &Disk);
    if (NT_SUCCESS(Status)) {
        UNICODE_STRING Partition = Link;
        RtlInitUnicodeString(&Link, Names.Drive);
        Status = IoCreateSymbolicLink(&Link, &Disk);
        if (!NT_SUCCESS(Status)) {
            IoDeleteSymbolicLink(&Partition);
        }
    }
    return Status;
}

/* The device object and its directory; neither knows of hardware yet. */
static NTSTATUS VblkCreateDevice(PDRIVER_OBJECT DriverObject, ULONG Number, PVBLK_EXTENSION *Result)
{
    VBLK_NAMES Names;
    UNICODE_STRING Name;
    PDEVICE_OBJECT DeviceObject;
    PVBLK_EXTENSION Extension;
    NTSTATUS Status;
    VBLK_EXTENSION Draft = {.Number = Number};

    VblkMakeNames(&Names, Number);
    Status = VblkCreateDirectory(&Draft, &Names);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    RtlInitUnicodeString(&Name, Names.Disk);
    Status = IoCreateDevice(DriverObject, sizeof(VBLK_EXTENSION), &Name, FILE_DEVICE_DISK,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        ZwClose(Draft.Directory);
        return Status;
    }
    Extension = DeviceObject->DeviceExtension;
    Extension->Number = Number;
    Extension->Directory = Draft.Directory;
    Extension->DeviceObject = DeviceObject;
    DeviceObject->Flags |= DO_DIRECT_IO;
    DeviceObject->SectorSize = VBLK_SECTOR;
    *Result = Extension;
    return STATUS_SUCCESS;
}

static VOID VblkDeleteDevice(PVBLK_EXTENSION Extension)
{
    ZwClose(Extension->Directory);
    IoDeleteDevice(Extension->DeviceObject);
}

/* What the scan carries along. */
typedef struct _VBLK_SEARCH {
    PDRIVER_OBJECT DriverObject;
    ULONG Disks;
    NTSTATUS Failure; /* of the last device that did not start */
} VBLK_SEARCH, *PVBLK_SEARCH;

/* A device that does not start is left out; the others work. */
static VOID VblkAddDevice(PVOID Context, ULONG Bus, PCI_SLOT_NUMBER Slot)
{
    PVBLK_SEARCH Search = Context;
    PVBLK_EXTENSION Extension;
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    if (Search->Disks == VBLK_MAX_DISKS) {
        goto Fail;
    }
    Status = VblkCreateDevice(Search->DriverObject, Search->Disks, &Extension);
    if (!NT_SUCCESS(Status)) {
        goto Fail;
    }
    Status = VblkCreateQueue(Extension);
    if (!NT_SUCCESS(Status)) {
        goto DeleteDevice;
    }
    Status = VblkStartDevice(Extension, Bus, Slot);
    if (!NT_SUCCESS(Status)) {
        goto DeleteQueue;
    }
    Status = VblkCreateLinks(Extension->Number);
    if (NT_SUCCESS(Status)) {
        Search->Disks++;
        return;
    }
    VblkStopDevice(Extension);
DeleteQueue:
    VblkDeleteQueue(Extension);
DeleteDevice:
    VblkDeleteDevice(Extension);
Fail:
    Search->Failure = Status;
    KdPrint(("virtioblk: the disk at %02x:%02x.%x does not start: %08x\n", Bus,
             Slot.u.bits.DeviceNumber, Slot.u.bits.FunctionNumber, Status));
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    VBLK_SEARCH Search = {.DriverObject = DriverObject, .Failure = STATUS_NO_SUCH_DEVICE};

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = VblkUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = VblkOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = VblkOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = VblkOpenClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = VblkReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = VblkReadWrite;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = VblkFlush;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = VblkDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = VblkInternalControl;
    VblkScan(VblkAddDevice, &Search);
    return Search.Disks != 0 ? STATUS_SUCCESS : Search.Failure;
}

static VOID NTAPI VblkUnload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject != NULL) {
        PVBLK_EXTENSION Extension = DriverObject->DeviceObject->DeviceExtension;
        VblkDeleteLinks(Extension->Number);
        VblkStopDevice(Extension);
        VblkDeleteQueue(Extension);
        VblkDeleteDevice(Extension);
    }
}

static NTSTATUS VblkComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI VblkOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return VblkComplete(Irp, STATUS_SUCCESS, 0);
}

/* Read and Write have the same parameters. */
static NTSTATUS NTAPI VblkReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVBLK_EXTENSION Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    ULONG64 Offset = Location->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Location->Parameters.Read.Length;

    if (Offset % VBLK_SECTOR != 0 || Length % VBLK_SECTOR != 0 || Offset > Extension->Length ||
        Length > Extension->Length - Offset) {
        return VblkComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    if (Location->MajorFunction == IRP_MJ_WRITE && Extension->ReadOnly) {
        return VblkComplete(Irp, STATUS_MEDIA_WRITE_PROTECTED, 0);
    }
    if (Length == 0) {
        return VblkComplete(Irp, STATUS_SUCCESS, 0);
    }
    return VblkStartRequest(Extension, Irp);
}

/* Without the feature the device's writes are on the medium when they are done. */
static NTSTATUS NTAPI VblkFlush(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVBLK_EXTENSION Extension = DeviceObject->DeviceExtension;

    if (!Extension->CanFlush) {
        return VblkComplete(Irp, STATUS_SUCCESS, 0);
    }
    return VblkStartRequest(Extension, Irp);
}

static VOID VblkGetGeometry(PVBLK_EXTENSION Extension, PDISK_GEOMETRY Geometry)
{
    *Geometry = (DISK_GEOMETRY){.MediaType = FixedMedia,
                                .TracksPerCylinder = 255,
                                .SectorsPerTrack = 63,
                                .BytesPerSector = VBLK_SECTOR};
    Geometry->Cylinders.QuadPart = Extension->Length / VBLK_SECTOR / (255 * 63);
}

static NTSTATUS NTAPI VblkDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVBLK_EXTENSION Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    ULONG Room = Location->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;

    switch (Location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
        if (Room < sizeof(DISK_GEOMETRY)) {
            return VblkComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        VblkGetGeometry(Extension, Buffer);
        return VblkComplete(Irp, STATUS_SUCCESS, sizeof(DISK_GEOMETRY));
    case IOCTL_DISK_GET_LENGTH_INFO:
        if (Room < sizeof(GET_LENGTH_INFORMATION)) {
            return VblkComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        ((PGET_LENGTH_INFORMATION)Buffer)->Length.QuadPart = Extension->Length;
        return VblkComplete(Irp, STATUS_SUCCESS, sizeof(GET_LENGTH_INFORMATION));
    case IOCTL_DISK_IS_WRITABLE:
        return VblkComplete(Irp,
                            Extension->ReadOnly ? STATUS_MEDIA_WRITE_PROTECTED : STATUS_SUCCESS, 0);
    default:
        return VblkComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS NTAPI VblkInternalControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;

    if (Location->Parameters.DeviceIoControl.IoControlCode == IOCTL_DISK_GET_CRASH_WRITER) {
        Status = VblkGetCrashWriter(DeviceObject->DeviceExtension, Irp->AssociatedIrp.SystemBuffer,
                                    Location->Parameters.DeviceIoControl.OutputBufferLength);
    }
    return VblkComplete(Irp, Status, NT_SUCCESS(Status) ? sizeof(CRASH_WRITER) : 0);
}
