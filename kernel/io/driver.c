/*
 * driver.c - driver objects: a driver's birth and its last moment. What lies between is unload.c.
 *
 * An object has one reference for being loaded, which IopLoadDriverObject leaves and the unload
 * drops, one for its name, and one for each device and each thread made with IoCreateSystemThread.
 * When all are gone the image's owner hears of it. DriverEntry runs in a system worker thread, so
 * that it always has the System process, a clean stack and no locks held, whoever asked.
 */
#include "iop.h"

static const WCHAR IopDriverDirectory[] = L"\\Driver\\";
static UNICODE_STRING IopHardwareDatabase =
    RTL_CONSTANT_STRING(L"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM");

NTSTATUS NTAPI IopInvalidDeviceRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    Irp->IoStatus.Information = 0;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

/* Sets DriverName to Directory\Name; the service's name is its end. */
static NTSTATUS IopNameDriver(PIOP_DRIVER Driver, PCWSTR Directory, PUNICODE_STRING Name)
{
    PUNICODE_STRING Full = &Driver->Object.DriverName;
    ULONG Length = (ULONG)(wcslen(Directory) * sizeof(WCHAR)) + Name->Length;
    if (Length > MAXUSHORT - 1) {
        return STATUS_NAME_TOO_LONG;
    }
    Full->Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, Length, IOP_TAG_NAME);
    if (Full->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Full->MaximumLength = (USHORT)Length;
    RtlAppendUnicodeToString(Full, Directory);
    RtlAppendUnicodeStringToString(Full, Name);
    Driver->Extension.ServiceKeyName = (UNICODE_STRING){
        Name->Length, Name->Length, Full->Buffer + (Full->Length - Name->Length) / sizeof(WCHAR)};
    return STATUS_SUCCESS;
}

/* A driver that refuses everything, until its DriverEntry fills in its routines. */
static NTSTATUS IopCreateDriver(PCWSTR Directory, PUNICODE_STRING Name, PIOP_DRIVER *NewDriver)
{
    PIOP_DRIVER Driver;
    NTSTATUS Status = ObAllocateObject(IoDriverObjectType, sizeof(*Driver), (PVOID *)&Driver);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PDRIVER_OBJECT Object = &Driver->Object;
    Object->Type = IO_TYPE_DRIVER;
    Object->Size = sizeof(*Object);
    Object->DriverExtension = &Driver->Extension;
    Object->HardwareDatabase = &IopHardwareDatabase;
    Driver->Extension.DriverObject = Object;
    InitializeListHead(&Driver->Extensions);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        Object->MajorFunction[i] = IopInvalidDeviceRequest;
    }
    Status = IopNameDriver(Driver, Directory, Name);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Driver);
        return Status;
    }
    *NewDriver = Driver;
    return STATUS_SUCCESS;
}

/* Gone may free what the object's routines pointed into, so it comes last. */
void IopDeleteDriver(PVOID Object)
{
    PIOP_DRIVER Driver = Object;
    IO_DRIVER_GONE *Gone = Driver->Gone;
    PVOID Section = Driver->Object.DriverSection;
    IopFreeDriverExtensions(&Driver->Object);
    if (Driver->Object.DriverName.Buffer != NULL) {
        ExFreePoolWithTag(Driver->Object.DriverName.Buffer, IOP_TAG_NAME);
    }
    if (Gone != NULL) {
        Gone(Section);
    }
}

/* Enters the object in the name space; on failure its creator's reference is gone. */
static NTSTATUS IopInsertDriver(PIOP_DRIVER Driver)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Driver->Object.DriverName, OBJ_PERMANENT, NULL, NULL);
    NTSTATUS Status = ObEnterObject(Driver, &Attributes, 0, (PVOID *)&Driver, NULL);
    return Status == STATUS_OBJECT_NAME_COLLISION ? STATUS_IMAGE_ALREADY_LOADED : Status;
}

NTSTATUS IopCreateBuiltInDriver(PCWSTR Directory, PCWSTR Name, PDRIVER_OBJECT *DriverObject)
{
    PIOP_DRIVER Driver;
    UNICODE_STRING NameString;
    RtlInitUnicodeString(&NameString, Name);
    NTSTATUS Status = IopCreateDriver(Directory, &NameString, &Driver);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Driver->Object.Flags = DRVO_BUILTIN_DRIVER;
    *DriverObject = &Driver->Object;
    return IopInsertDriver(Driver);
}

/* A device that the driver has not deleted. One that it has may be in the list still: it goes with
 * the last close. */
static PDEVICE_OBJECT IopFindForgottenDevice(PDRIVER_OBJECT Driver)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Device = Driver->DeviceObject;
    while (Device != NULL && (IopExtension(Device)->ExtensionFlags & DOE_DELETE_BEGUN)) {
        Device = Device->NextDevice;
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Device;
}

/* Deletes the devices that a failed DriverEntry forgot. */
static void IopDeleteForgottenDevices(PDRIVER_OBJECT Driver)
{
    PDEVICE_OBJECT Device;
    while ((Device = IopFindForgottenDevice(Driver)) != NULL) {
        KdPrintf("io: %wZ failed and left a device behind\n", &Driver->DriverName);
        IoDeleteDevice(Device);
    }
}

/* The devices may be opened, and every request finds a routine. */
static void IopReadyDriver(PDRIVER_OBJECT Driver)
{
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        if (Driver->MajorFunction[i] == NULL) {
            Driver->MajorFunction[i] = IopInvalidDeviceRequest;
        }
    }
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    }
    Driver->Flags |= DRVO_INITIALIZED;
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
}

typedef struct _IOP_LOAD {
    PDRIVER_OBJECT Driver;
    UNICODE_STRING RegistryPath;
    NTSTATUS Status;
} IOP_LOAD, *PIOP_LOAD;

/* In a worker thread. */
static void IopRunDriverEntry(PVOID Context)
{
    PIOP_LOAD Load = Context;
    Load->Status = Load->Driver->DriverInit(Load->Driver, &Load->RegistryPath);
    IopCheckIrql((PVOID)Load->Driver->DriverInit, NULL, PASSIVE_LEVEL);
}

/* Runs DriverEntry and does what follows from its answer, but for dropping the object. */
static NTSTATUS IopStartDriver(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    IOP_LOAD Load = {Driver, {0, 0, NULL}, STATUS_SUCCESS};
    /* A terminated copy: drivers' code is known to rely on it. It goes after DriverEntry. */
    USHORT Size = (USHORT)(RegistryPath->Length + sizeof(WCHAR));
    Load.RegistryPath.Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Size, IOP_TAG_NAME);
    if (Load.RegistryPath.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Load.RegistryPath.MaximumLength = Size;
    RtlCopyUnicodeString(&Load.RegistryPath, RegistryPath);
    IopCallInWorker(IopRunDriverEntry, &Load);
    ExFreePoolWithTag(Load.RegistryPath.Buffer, IOP_TAG_NAME);
    if (NT_SUCCESS(Load.Status)) {
        IopReadyDriver(Driver);
    } else {
        IopReportNotification(Driver, TRUE);
        IopDeleteForgottenDevices(Driver);
    }
    return Load.Status;
}

NTSTATUS IopLoadDriverObject(PUNICODE_STRING ServiceName, PUNICODE_STRING RegistryPath,
                             PVOID ImageBase, ULONG ImageSize, PDRIVER_INITIALIZE Entry,
                             PVOID DriverSection, IO_DRIVER_GONE *Gone,
                             PDRIVER_OBJECT *DriverObject)
{
    PIOP_DRIVER Driver;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    NTSTATUS Status = IopCreateDriver(IopDriverDirectory, ServiceName, &Driver);
    if (!NT_SUCCESS(Status)) {
        Gone(DriverSection);
        return Status;
    }
    /* From here on the object's deletion is what calls Gone. */
    Driver->Gone = Gone;
    Driver->Object.Flags = DRVO_LEGACY_DRIVER;
    Driver->Object.DriverInit = Entry;
    Driver->Object.DriverStart = ImageBase;
    Driver->Object.DriverSize = ImageSize;
    Driver->Object.DriverSection = DriverSection;
    Status = IopInsertDriver(Driver);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopStartDriver(&Driver->Object, RegistryPath);
    if (!NT_SUCCESS(Status)) {
        IopForgetReinitialization(&Driver->Object);
        IopDeleteReportedDevices(&Driver->Object);
        ObMakeTemporaryObject(Driver);
        ObfDereferenceObject(Driver);
        return Status;
    }
    ObfReferenceObject(Driver);
    *DriverObject = &Driver->Object;
    IopReinitializeDrivers();
    return Status;
}
