/*
 * list.c - the console's view of drivers and devices.
 *
 * Printing waits for the serial port, and the list of a driver's devices is guarded by a spin lock:
 * so the lock is taken for one step to the next device, and a reference keeps the one that is
 * shown.
 */
#include "iop.h"

#define IOP_NAME_CHARACTERS 40

/* Calls Callback for each of Driver's devices, referenced, without a lock. */
static void IopForEachDevice(PDRIVER_OBJECT Driver,
                             void (*Callback)(PKD_CONSOLE Console, PDEVICE_OBJECT Device),
                             PKD_CONSOLE Console)
{
    PDEVICE_OBJECT Device = NULL;
    for (;;) {
        KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
        PDEVICE_OBJECT Last = Device;
        // One that was deleted meanwhile has no successor, which ends the list early.
        Device = Last != NULL ? Last->NextDevice : Driver->DeviceObject;
        if (Device != NULL) {
            ObfReferenceObject(Device);
        }
        KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
        if (Last != NULL) {
            ObfDereferenceObject(Last);
        }
        if (Device == NULL) {
            return;
        }
        Callback(Console, Device);
    }
}

static const char *IopDeviceTypeName(DEVICE_TYPE Type)
{
    switch (Type) {
    case FILE_DEVICE_BEEP:
        return "beep";
    case FILE_DEVICE_DISK:
        return "disk";
    case FILE_DEVICE_DISK_FILE_SYSTEM:
        return "disk fs";
    case FILE_DEVICE_KEYBOARD:
        return "keyboard";
    case FILE_DEVICE_NULL:
        return "null";
    case FILE_DEVICE_SERIAL_PORT:
        return "serial";
    case FILE_DEVICE_SOUND:
        return "sound";
    case FILE_DEVICE_UNKNOWN:
        return "unknown";
    default:
        return "other";
    }
}

/* Devices of a stack often have no name. */
static void IopNameOrNone(PVOID Object, PUNICODE_STRING Name)
{
    Name->Length = 0;
    if (Object != NULL) {
        ObQueryObjectName(Object, Name);
    }
    if (Name->Length == 0) {
        RtlAppendUnicodeToString(Name, L"-");
    }
}

/* One reference of the count shown would be this listing's own. */
static void IopPrintDevice(PKD_CONSOLE Console, PDEVICE_OBJECT Device)
{
    WCHAR NameBuffer[IOP_NAME_CHARACTERS], AboveBuffer[IOP_NAME_CHARACTERS];
    UNICODE_STRING Name = {0, sizeof(NameBuffer), NameBuffer};
    UNICODE_STRING Above = {0, sizeof(AboveBuffer), AboveBuffer};
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Attached = Device->AttachedDevice;
    if (Attached != NULL) {
        ObfReferenceObject(Attached);
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    IopNameOrNone(Device, &Name);
    IopNameOrNone(Attached != NULL ? (PVOID)Attached->DriverObject : NULL, &Above);
    KdConsolePrint(Console, "%-20wZ %-9s %-12wZ %5d %5d %5lld  %wZ\n", &Name,
                   IopDeviceTypeName(Device->DeviceType),
                   &Device->DriverObject->DriverExtension->ServiceKeyName, Device->StackSize,
                   Device->ReferenceCount, ObQueryPointerCount(Device) - 1, &Above);
    if (Attached != NULL) {
        ObfDereferenceObject(Attached);
    }
}

static void IopPrintDevicesOf(PVOID Object, PCUNICODE_STRING Name, PVOID Context)
{
    UNREFERENCED_PARAMETER(Name);
    IopForEachDevice(Object, IopPrintDevice, Context);
}

static void IopPrintDeviceName(PKD_CONSOLE Console, PDEVICE_OBJECT Device)
{
    WCHAR Buffer[IOP_NAME_CHARACTERS];
    UNICODE_STRING Name = {0, sizeof(Buffer), Buffer};
    IopNameOrNone(Device, &Name);
    KdConsolePrint(Console, " %wZ", &Name);
}

static void IopPrintDriver(PVOID Object, PCUNICODE_STRING Name, PVOID Context)
{
    PDRIVER_OBJECT Driver = Object;
    if (Driver->DriverStart != NULL) {
        KdConsolePrint(Context, "%-12wZ %016llx %8x ", Name, (ULONG64)Driver->DriverStart,
                       Driver->DriverSize);
    } else {
        KdConsolePrint(Context, "%-12wZ %-16s %8s ", Name, "in the kernel", "-");
    }
    IopForEachDevice(Driver, IopPrintDeviceName, Context);
    KdConsolePrint(Context, "%s\n", IopIsUnloadPending(Driver) ? " (unload pending)" : "");
}

/* Calls Callback for each driver object there is. */
static NTSTATUS IopForEachDriver(OB_ENUMERATE_ROUTINE *Callback, PKD_CONSOLE Console)
{
    UNICODE_STRING FileSystems = RTL_CONSTANT_STRING(L"\\FileSystem");
    UNICODE_STRING Drivers = RTL_CONSTANT_STRING(L"\\Driver");
    NTSTATUS Status = ObEnumerateDirectory(&FileSystems, Callback, Console);
    return NT_SUCCESS(Status) ? ObEnumerateDirectory(&Drivers, Callback, Console) : Status;
}

static NTSTATUS IopDriversCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "%-12s %-16s %8s  %s\n", "Driver", "Base", "Size", "Devices");
    return IopForEachDriver(IopPrintDriver, Console);
}
KD_COMMAND("drivers", "", "list drivers: where they are and what devices they have",
           IopDriversCommand);

static NTSTATUS IopDevicesCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "%-20s %-9s %-12s %5s %5s %5s  %s\n", "Device", "Type", "Driver",
                   "Stack", "Opens", "Refs", "Attached");
    return IopForEachDriver(IopPrintDevicesOf, Console);
}
KD_COMMAND("devices", "", "list devices: driver, stack size, opens, references, what is attached",
           IopDevicesCommand);
