/*
 * instance.c - what a device is called besides its object's name, and devices below the root.
 *
 * A bus driver's object has an instance name, "PCI#VEN_8086&DEV_10D3#00_02_0", the same at each
 * start; that it has one is what makes it a physical device object. The root's own bus driver has
 * the devices that drivers report themselves.
 */
#include "iop.h"

static PDRIVER_OBJECT IopRootDriver; /* i */

/* Behind a root device. */
typedef struct _IOP_ROOT_DEVICE {
    PDRIVER_OBJECT Reporter; /* b  gone no sooner than the device; NULL: gone, or not yet known */
    ULONG Number;            /* i */
} IOP_ROOT_DEVICE, *PIOP_ROOT_DEVICE;

void IopAppendHex(PUNICODE_STRING Text, ULONG Value, ULONG Digits)
{
    while (Digits-- > 0) {
        Text->Buffer[Text->Length / sizeof(WCHAR)] =
            L"0123456789ABCDEF"[Value >> (4 * Digits) & 15];
        Text->Length += sizeof(WCHAR);
    }
}

NTSTATUS IopSetInstance(PDEVICE_OBJECT Device, PCUNICODE_STRING Name)
{
    PUNICODE_STRING Instance = &IopExtension(Device)->Instance;
    Instance->Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Name->Length, IOP_TAG_NAME);
    if (Instance->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Instance->MaximumLength = Name->Length;
    RtlCopyUnicodeString(Instance, Name);
    Device->Flags |= DO_BUS_ENUMERATED_DEVICE;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI IopRootOpenOrClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS IopCreateRootBus(void)
{
    NTSTATUS Status = IopCreateBuiltInDriver(L"\\Driver\\", L"PnpManager", &IopRootDriver);
    if (NT_SUCCESS(Status)) {
        IopRootDriver->MajorFunction[IRP_MJ_CREATE] = IopRootOpenOrClose;
        IopRootDriver->MajorFunction[IRP_MJ_CLEANUP] = IopRootOpenOrClose;
        IopRootDriver->MajorFunction[IRP_MJ_CLOSE] = IopRootOpenOrClose;
    }
    return Status;
}

/* The reporter's device that was made last, or NULL. */
static PDEVICE_OBJECT IopFindReported(PDRIVER_OBJECT Reporter)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Device = IopRootDriver->DeviceObject;
    while (Device != NULL && ((PIOP_ROOT_DEVICE)Device->DeviceExtension)->Reporter != Reporter) {
        Device = Device->NextDevice;
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Device;
}

/* A device that is still in a stack, or open, goes later: then it is its reporter's no more. */
void IopDeleteReportedDevices(PDRIVER_OBJECT Reporter)
{
    PDEVICE_OBJECT Device;
    while ((Device = IopFindReported(Reporter)) != NULL) {
        ((PIOP_ROOT_DEVICE)Device->DeviceExtension)->Reporter = NULL;
        IoDeleteDevice(Device);
    }
}

/* Makes Device the reporter's and answers its number, one higher than those it has, at once: two
 * threads may report for one driver. */
static ULONG IopNumberRootDevice(PDEVICE_OBJECT Device, PDRIVER_OBJECT Reporter)
{
    PIOP_ROOT_DEVICE Root = Device->DeviceExtension;
    ULONG Number = 0;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    for (PDEVICE_OBJECT At = IopRootDriver->DeviceObject; At != NULL; At = At->NextDevice) {
        PIOP_ROOT_DEVICE Other = At->DeviceExtension;
        if (Other->Reporter == Reporter) {
            Number = max(Number, Other->Number + 1);
        }
    }
    Root->Number = Number;
    Root->Reporter = Reporter;
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Number;
}

/* Root#SERVICE#0000 */
static NTSTATUS IopNameRootDevice(PDEVICE_OBJECT Device, PDRIVER_OBJECT Reporter, ULONG Number)
{
    PUNICODE_STRING Service = &Reporter->DriverExtension->ServiceKeyName;
    ULONG Bytes = (ULONG)sizeof(L"Root##00000000") + Service->Length;
    if (Bytes > MAXUSHORT) {
        return STATUS_NAME_TOO_LONG;
    }
    UNICODE_STRING Name = {0, (USHORT)Bytes, ExAllocatePool2(POOL_FLAG_PAGED, Bytes, IOP_TAG_NAME)};
    if (Name.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlAppendUnicodeToString(&Name, L"Root#");
    RtlAppendUnicodeStringToString(&Name, Service);
    RtlAppendUnicodeToString(&Name, L"#");
    IopAppendHex(&Name, Number, Number <= 0xFFFF ? 4 : 8);
    NTSTATUS Status = IopSetInstance(Device, &Name);
    ExFreePoolWithTag(Name.Buffer, IOP_TAG_NAME);
    return Status;
}

NTSTATUS NTAPI IoReportDetectedDevice(PDRIVER_OBJECT DriverObject, INTERFACE_TYPE LegacyBusType,
                                      ULONG BusNumber, ULONG SlotNumber,
                                      PCM_RESOURCE_LIST ResourceList,
                                      PIO_RESOURCE_REQUIREMENTS_LIST ResourceRequirements,
                                      BOOLEAN ResourceAssigned, PDEVICE_OBJECT *DeviceObject)
{
    PDEVICE_OBJECT Device;
    UNREFERENCED_PARAMETER(LegacyBusType);
    UNREFERENCED_PARAMETER(BusNumber);
    UNREFERENCED_PARAMETER(SlotNumber);
    UNREFERENCED_PARAMETER(ResourceAssigned);
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ResourceList != NULL || ResourceRequirements != NULL || *DeviceObject != NULL) {
        return STATUS_NOT_SUPPORTED;
    }
    NTSTATUS Status =
        IoCreateDevice(IopRootDriver, sizeof(IOP_ROOT_DEVICE), NULL, FILE_DEVICE_CONTROLLER,
                       FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopNameRootDevice(Device, DriverObject, IopNumberRootDevice(Device, DriverObject));
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    *DeviceObject = Device;
    return STATUS_SUCCESS;
}
