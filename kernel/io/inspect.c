/*
 * inspect.c - the console's view of single objects, as WinDbg's commands of these names show them:
 * irp, irpfind, devobj, drvobj, devstack.
 *
 * Objects are given by name or by address. An address may be anything: what is there is checked to
 * be mapped and to look right, and a device is referenced while it is shown. An IRP cannot be held,
 * so what is shown is a copy, taken at once; it may be of a request that has just ended.
 */
#include "iop.h"
#include "verify.h"

#define IOP_NAME_CHARACTERS 64
#define IOP_TALLEST_STACK 128
#define IOP_FIND_LIMIT 128

#define IOP_ADDRESS_DIGITS 8 /* at least: a device may be called BEEF */

/* Hexadecimal, as addresses are printed, or anything with 0x; FALSE: it is none. */
static BOOLEAN IopParseAddress(const char *Text, PVOID *Address)
{
    BOOLEAN Prefixed = Text[0] == '0' && (Text[1] | 0x20) == 'x';
    ULONG64 Value;
    if ((!Prefixed && strlen(Text) < IOP_ADDRESS_DIGITS) || !KdParseHexadecimal(Text, &Value)) {
        return FALSE;
    }
    *Address = (PVOID)Value;
    return TRUE;
}

/* The object called Directory + Name, or Name when that is a whole path; referenced. */
static NTSTATUS IopFindByName(PCWSTR Directory, const char *Name, POBJECT_TYPE Type, PVOID *Object)
{
    WCHAR Buffer[IOP_NAME_CHARACTERS * 2];
    UNICODE_STRING Path = {0, sizeof(Buffer), Buffer};
    if (Name[0] != '\\') {
        RtlAppendUnicodeToString(&Path, Directory);
    }
    for (; *Name != 0; Name++) {
        if (Path.Length == Path.MaximumLength) {
            return STATUS_NAME_TOO_LONG;
        }
        Buffer[Path.Length / sizeof(WCHAR)] = (UCHAR)*Name;
        Path.Length += sizeof(WCHAR);
    }
    return ObReferenceObjectByName(&Path, OBJ_CASE_INSENSITIVE, NULL, 0, Type, KernelMode, NULL,
                                   Object);
}

/* A device by name or address, referenced. */
static NTSTATUS IopFindDevice(const char *Text, PDEVICE_OBJECT *Device)
{
    PVOID Address;
    if (!IopParseAddress(Text, &Address)) {
        return IopFindByName(L"\\Device\\", Text, IoDeviceObjectType, (PVOID *)Device);
    }
    *Device = Address;
    return IopIsDevice(Address) && ObReferenceObjectSafe(Address) ? STATUS_SUCCESS
                                                                  : STATUS_INVALID_ADDRESS;
}

static NTSTATUS IopFindDriver(const char *Text, PDRIVER_OBJECT *Driver)
{
    PVOID Address;
    if (IopParseAddress(Text, &Address)) {
        *Driver = Address;
        return IopIsReadable(Address, sizeof(DRIVER_OBJECT)) && (*Driver)->Type == IO_TYPE_DRIVER &&
                       ObReferenceObjectSafe(Address)
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_ADDRESS;
    }
    NTSTATUS Status = IopFindByName(L"\\Driver\\", Text, IoDriverObjectType, (PVOID *)Driver);
    return NT_SUCCESS(Status)
               ? Status
               : IopFindByName(L"\\FileSystem\\", Text, IoDriverObjectType, (PVOID *)Driver);
}

/* The name of a device, whose memory is the device's. */
static PCUNICODE_STRING IopNameOf(PDEVICE_OBJECT Device)
{
    static const UNICODE_STRING None = RTL_CONSTANT_STRING(L"-");
    return IopExtension(Device)->Name.Length != 0 ? &IopExtension(Device)->Name : &None;
}

/* What a name or an address was not found to be; answers Status. */
static NTSTATUS IopRefuse(PKD_CONSOLE Console, const char *Text, const char *What, NTSTATUS Status)
{
    PVOID Address;
    if (IopParseAddress(Text, &Address)) {
        KdConsolePrint(Console, "There is no %s at %p; `%ss` lists them.\n", What, Address, What);
    } else {
        KdConsolePrint(Console, "No %s is called %s; `%ss` lists them.\n", What, Text, What);
    }
    return Status;
}

/*** devobj, drvobj, devstack ***/

static void IopShowDevice(PKD_CONSOLE Console, PDEVICE_OBJECT Device)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Above = Device->AttachedDevice, Below = IopExtension(Device)->AttachedTo;
    ULONG Flags = IopExtension(Device)->ExtensionFlags;
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    KdConsolePrint(Console, "Device object (%p) is for:\n %wZ %wZ DriverObject %p\n", Device,
                   IopNameOf(Device), &Device->DriverObject->DriverName, Device->DriverObject);
    KdConsolePrint(Console, "Current Irp %p RefCount %d Type %08x Flags %08x\n", Device->CurrentIrp,
                   Device->ReferenceCount, Device->DeviceType, Device->Flags);
    KdConsolePrint(Console, "DevExt %p DevObjExt %p StackSize %d Pointers %lld\n",
                   Device->DeviceExtension, Device->DeviceObjectExtension, Device->StackSize,
                   ObQueryPointerCount(Device) - 1); // one is this command's
    KdConsolePrint(Console, "ExtensionFlags (0x%08x)%s%s\n", Flags,
                   Flags & DOE_DELETE_PENDING ? " DOE_DELETE_PENDING" : "",
                   Flags & DOE_DELETED ? " deleted" : "");
    KdConsolePrint(Console,
                   "Characteristics (0x%08x) AttachedDevice (Upper) %p AttachedTo (Lower) %p\n",
                   Device->Characteristics, Above, Below);
    KdConsolePrint(Console, "Device queue is %sbusy.\n", Device->DeviceQueue.Busy ? "" : "not ");
}

static NTSTATUS IopDevObjCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PDEVICE_OBJECT Device;
    if (Argc != 2) {
        return KdConsoleUsage(Console);
    }
    NTSTATUS Status = IopFindDevice(Argv[1], &Device);
    if (!NT_SUCCESS(Status)) {
        return IopRefuse(Console, Argv[1], "device", Status);
    }
    IopShowDevice(Console, Device);
    ObfDereferenceObject(Device);
    return STATUS_SUCCESS;
}
KD_COMMAND("devobj", "NAME|ADDRESS", "show a device object", IopDevObjCommand);

static void IopShowRoutine(PKD_CONSOLE Console, const char *What, PVOID Routine)
{
    CHAR Text[80] = "-";
    if (Routine != NULL) {
        LdrFormatAddress(Routine, Text, sizeof(Text));
    }
    KdConsolePrint(Console, "%-36s %s\n", What, Text);
}

static void IopShowDriver(PKD_CONSOLE Console, PDRIVER_OBJECT Driver)
{
    CHAR Text[64];
    KdConsolePrint(Console, "Driver object (%p) is for:\n %wZ\n", Driver, &Driver->DriverName);
    IopShowRoutine(Console, "DriverEntry:", (PVOID)Driver->DriverInit);
    IopShowRoutine(Console, "DriverStartIo:", (PVOID)Driver->DriverStartIo);
    IopShowRoutine(Console, "DriverUnload:", (PVOID)Driver->DriverUnload);
    KdConsolePrint(Console, "Dispatch routines:\n");
    for (UCHAR i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        if (Driver->MajorFunction[i] != IopInvalidDeviceRequest) {
            Text[0] = 0;
            strcat_s(Text, sizeof(Text), IopMajorFunctionName(i));
            IopShowRoutine(Console, Text, (PVOID)Driver->MajorFunction[i]);
        }
    }
}

static NTSTATUS IopDrvObjCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PDRIVER_OBJECT Driver;
    if (Argc != 2) {
        return KdConsoleUsage(Console);
    }
    NTSTATUS Status = IopFindDriver(Argv[1], &Driver);
    if (!NT_SUCCESS(Status)) {
        return IopRefuse(Console, Argv[1], "driver", Status);
    }
    IopShowDriver(Console, Driver);
    ObfDereferenceObject(Driver);
    return STATUS_SUCCESS;
}
KD_COMMAND("drvobj", "NAME|ADDRESS", "show a driver object and its dispatch routines",
           IopDrvObjCommand);

/* The stack that Device is in, top first, each referenced; answers how many. */
static ULONG IopCollectStack(PDEVICE_OBJECT Device, PDEVICE_OBJECT Stack[IOP_TALLEST_STACK])
{
    ULONG Count = 0;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    while (Device->AttachedDevice != NULL) {
        Device = Device->AttachedDevice;
    }
    for (; Device != NULL && Count < IOP_TALLEST_STACK; Device = IopExtension(Device)->AttachedTo) {
        ObfReferenceObject(Device);
        Stack[Count++] = Device;
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Count;
}

static NTSTATUS IopDevStackCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PDEVICE_OBJECT Device, Stack[IOP_TALLEST_STACK];
    if (Argc != 2) {
        return KdConsoleUsage(Console);
    }
    NTSTATUS Status = IopFindDevice(Argv[1], &Device);
    if (!NT_SUCCESS(Status)) {
        return IopRefuse(Console, Argv[1], "device", Status);
    }
    ULONG Count = IopCollectStack(Device, Stack);
    KdConsolePrint(Console, "  %-16s %-24s %-16s ObjectName\n", "!DevObj", "!DrvObj", "!DevExt");
    for (ULONG i = 0; i < Count; i++) {
        KdConsolePrint(Console, "%s %p %-24wZ %p %wZ\n", Stack[i] == Device ? ">" : " ", Stack[i],
                       &Stack[i]->DriverObject->DriverName, Stack[i]->DeviceExtension,
                       IopNameOf(Stack[i]));
        ObfDereferenceObject(Stack[i]);
    }
    ObfDereferenceObject(Device);
    return STATUS_SUCCESS;
}
KD_COMMAND("devstack", "NAME|ADDRESS", "show the device stack that a device is in, top first",
           IopDevStackCommand);

/*** irp, irpfind ***/

static void IopShowLocation(PKD_CONSOLE Console, const IO_STACK_LOCATION *Stack, BOOLEAN Current)
{
    CHAR Routine[80] = "-";
    if (Stack->CompletionRoutine != NULL) {
        LdrFormatAddress((PVOID)Stack->CompletionRoutine, Routine, sizeof(Routine));
    }
    KdConsolePrint(Console, "%s[%s(%x), %u] %02x %02x %p %p %s %p\n", Current ? ">" : " ",
                   IopMajorFunctionName(Stack->MajorFunction), Stack->MajorFunction,
                   Stack->MinorFunction, Stack->Flags, Stack->Control, Stack->DeviceObject,
                   Stack->FileObject, Routine, Stack->Context);
    if (IopIsDevice(Stack->DeviceObject)) {
        KdConsolePrint(Console, "      %wZ %wZ\n", &Stack->DeviceObject->DriverObject->DriverName,
                       IopNameOf(Stack->DeviceObject));
    }
}

static void IopShowIrp(PKD_CONSOLE Console, PIRP Irp)
{
    IRP Copy = *Irp;
    KdConsolePrint(Console, "Irp (%p) has %d locations, ", Irp, Copy.StackCount);
    if (Copy.CurrentLocation >= 1 && Copy.CurrentLocation <= Copy.StackCount) {
        KdConsolePrint(Console, "%d is current\n", Copy.CurrentLocation);
    } else {
        KdConsolePrint(Console, "none is current: it is not sent yet, or completed\n");
    }
    KdConsolePrint(Console, " Mdl %p SystemBuffer %p UserBuffer %p Thread %p\n", Copy.MdlAddress,
                   Copy.AssociatedIrp.SystemBuffer, Copy.UserBuffer, Copy.Tail.Overlay.Thread);
    KdConsolePrint(Console, " Flags %08x Status %08x Information %llx%s%s\n", Copy.Flags,
                   Copy.IoStatus.Status, Copy.IoStatus.Information,
                   Copy.PendingReturned ? " pending has returned" : "",
                   Copy.Cancel ? " cancelled" : "");
    IopShowRoutine(Console, " Cancel routine", (PVOID)Copy.CancelRoutine);
    KdConsolePrint(Console, " cmd  flg ctl Device File Completion-Context\n");
    for (CHAR i = 1; i <= Copy.StackCount; i++) {
        PIO_STACK_LOCATION Stack = (PIO_STACK_LOCATION)(Irp + 1) + (i - 1);
        if (IopIsReadable(Stack, sizeof(*Stack))) {
            IO_STACK_LOCATION Location = *Stack;
            IopShowLocation(Console, &Location, i == Copy.CurrentLocation);
        }
    }
}

static NTSTATUS IopIrpCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Address;
    if (Argc != 2) {
        return KdConsoleUsage(Console);
    }
    if (!KdConsoleTakeAddress(Console, Argv[1], &Address)) {
        return STATUS_INVALID_PARAMETER;
    }
    PIRP Irp = (PIRP)Address;
    if (!IopIsThere(Irp) || Irp->Type != IO_TYPE_IRP || Irp->StackCount < 0 ||
        Irp->Size < IoSizeOfIrp(Irp->StackCount)) {
        KdConsolePrint(Console, "irp: there is no IRP at %p\n", Irp);
        return KdConsoleReported(Console, STATUS_INVALID_ADDRESS);
    }
    IopShowIrp(Console, Irp);
    return STATUS_SUCCESS;
}
KD_COMMAND("irp", "ADDRESS", "show an IRP with its stack locations", IopIrpCommand);

static NTSTATUS IopIrpFindCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    if (!IopVerifying) {
        KdConsolePrint(Console,
                       "irpfind: requests are found while drivers are verified: verifier /all\n");
        return KdConsoleReported(Console, STATUS_NOT_SUPPORTED);
    }
    PIOP_BLAME Found =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, IOP_FIND_LIMIT * sizeof(*Found), IOP_TAG);
    if (Found == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ULONG Count = IopCollectVisits(Found, IOP_FIND_LIMIT);
    KdConsolePrint(Console, "%-16s %-16s %-32s Routine\n", "Irp", "Device", "Request");
    for (ULONG i = 0; i < Count; i++) {
        CHAR Routine[80];
        LdrFormatAddress(Found[i].Subject, Routine, sizeof(Routine));
        KdConsolePrint(Console, "%p %p %-32s %s\n", Found[i].Irp, Found[i].Device,
                       IopMajorFunctionName(Found[i].MajorFunction), Routine);
    }
    ExFreePoolWithTag(Found, IOP_TAG);
    return STATUS_SUCCESS;
}
KD_COMMAND("irpfind", "", "list the requests under way, and the drivers that have them",
           IopIrpFindCommand);
