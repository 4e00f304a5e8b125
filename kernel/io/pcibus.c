/*
 * pcibus.c - the bus driver `pci`: a device object for every PCI function, named after its place,
 * and the console command that lists them.
 *
 * The objects are what plug and play calls physical device objects. They are made once, at start,
 * and stay; opening one succeeds and does nothing, so that IoGetDeviceObjectPointer finds it by
 * name. Requests to them are refused: drivers reach configuration space with HalGetBusDataByOffset.
 */
#include "pcibus.h"

static PDRIVER_OBJECT IopPciDriver; /* i */

static NTSTATUS NTAPI IopPciOpenOrClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* What the driver passes may be any device object of its own; those of this driver all have an
 * IOP_PCI_FUNCTION behind them. */
BOOLEAN IopIsPciFunction(PDEVICE_OBJECT Device)
{
    return Device != NULL && Device->Type == IO_TYPE_DEVICE && IopPciDriver != NULL &&
           Device->DriverObject == IopPciDriver;
}

/* \Device\PCI0000_BB_DD_F */
static void IopNamePciFunction(ULONG Location, PUNICODE_STRING Name)
{
    static const WCHAR Pattern[] = L"\\Device\\PCI0000_BB_DD_F";
    static const WCHAR Digits[] = L"0123456789abcdef";
    PWCHAR Place = Name->Buffer + ARRAYSIZE(Pattern) - sizeof("BB_DD_F");

    RtlCopyMemory(Name->Buffer, Pattern, sizeof(Pattern));
    Name->Length = sizeof(Pattern) - sizeof(WCHAR);
    Place[0] = Digits[HAL_PCI_BUS(Location) >> 4];
    Place[1] = Digits[HAL_PCI_BUS(Location) & 15];
    Place[3] = Digits[HAL_PCI_DEVICE(Location) >> 4];
    Place[4] = Digits[HAL_PCI_DEVICE(Location) & 15];
    Place[6] = Digits[HAL_PCI_FUNCTION(Location)];
}

/* PCI#VEN_8086&DEV_10D3#00_02_0 */
static NTSTATUS IopSetPciInstance(PDEVICE_OBJECT Pdo, const HAL_PCI_DESCRIPTION *Description)
{
    WCHAR Buffer[IOP_INSTANCE_CHARACTERS];
    UNICODE_STRING Name = {0, sizeof(Buffer), Buffer};

    RtlAppendUnicodeToString(&Name, L"PCI#VEN_");
    IopAppendHex(&Name, Description->VendorId, 4);
    RtlAppendUnicodeToString(&Name, L"&DEV_");
    IopAppendHex(&Name, Description->DeviceId, 4);
    RtlAppendUnicodeToString(&Name, L"#");
    IopAppendHex(&Name, HAL_PCI_BUS(Description->Location), 2);
    RtlAppendUnicodeToString(&Name, L"_");
    IopAppendHex(&Name, HAL_PCI_DEVICE(Description->Location), 2);
    RtlAppendUnicodeToString(&Name, L"_");
    IopAppendHex(&Name, HAL_PCI_FUNCTION(Description->Location), 1);
    return IopSetInstance(Pdo, &Name);
}

/* A function without an object, for lack of memory, is a function that no driver finds. */
static void IopAddPciFunction(const HAL_PCI_DESCRIPTION *Description, PVOID Context)
{
    WCHAR Buffer[32];
    UNICODE_STRING Name = {0, sizeof(Buffer), Buffer};
    PDEVICE_OBJECT Pdo;
    NTSTATUS *Status = Context;

    IopNamePciFunction(Description->Location, &Name);
    NTSTATUS Created = IoCreateDevice(IopPciDriver, sizeof(IOP_PCI_FUNCTION), &Name,
                                      FILE_DEVICE_UNKNOWN, 0, FALSE, &Pdo);
    if (!NT_SUCCESS(Created)) {
        *Status = Created;
        return;
    }
    IopPciFunction(Pdo)->Description = *Description;
    KeInitializeMutex(&IopPciFunction(Pdo)->Mutex, 0);
    Created = IopSetPciInstance(Pdo, Description);
    if (!NT_SUCCESS(Created)) {
        *Status = Created;
        return;
    }
    Pdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

/* After the other processors have started and before any driver has: the scan may still move
 * BARs. */
NTSTATUS IopCreatePciBus(void)
{
    NTSTATUS Status = IopCreateBuiltInDriver(L"\\Driver\\", L"pci", &IopPciDriver);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    IopPciDriver->MajorFunction[IRP_MJ_CREATE] = IopPciOpenOrClose;
    IopPciDriver->MajorFunction[IRP_MJ_CLEANUP] = IopPciOpenOrClose;
    IopPciDriver->MajorFunction[IRP_MJ_CLOSE] = IopPciOpenOrClose;
    HalScanPci(IopAddPciFunction, &Status);
    return Status;
}

/* What the function could do, and which of it is in use. No lock: a glance. */
static void IopPrintPciInterrupts(PKD_CONSOLE Console, PIOP_PCI_FUNCTION Function)
{
    const HAL_PCI_DESCRIPTION *D = &Function->Description;

    if (D->InterruptPin != 0) {
        KdConsolePrint(Console, "         INT%c#", 'A' + D->InterruptPin - 1);
        if (D->InterruptLine != 0) {
            KdConsolePrint(Console, " line %u", D->InterruptLine);
        }
        KdConsolePrint(Console, "%s\n", Function->Lines != 0 ? ", connected" : "");
    }
    if (D->MsiOffset != 0) {
        KdConsolePrint(Console, "         MSI, %u message%s%s\n", D->MsiMessages,
                       D->MsiMessages == 1 ? "" : "s",
                       Function->Messages && D->MsixOffset == 0 ? ", connected" : "");
    }
    if (D->MsixOffset != 0) {
        KdConsolePrint(Console, "         MSI-X, %u message%s, table in BAR %u%s\n",
                       D->MsixMessages, D->MsixMessages == 1 ? "" : "s", D->MsixBar,
                       Function->Messages ? ", connected" : "");
    }
}

/* Sizes as they are in data sheets: small register blocks in bytes. */
static void IopPrintPciBars(PKD_CONSOLE Console, const HAL_PCI_DESCRIPTION *Description)
{
    for (ULONG i = 0; i < HAL_PCI_BARS; i++) {
        const HAL_PCI_BAR *Bar = &Description->Bar[i];
        if (Bar->Kind == HalPciBarNone) {
            continue;
        }
        KdConsolePrint(Console, "         BAR %u: ", i);
        if (Bar->Kind == HalPciBarPort) {
            KdConsolePrint(Console, "ports %04llxh, %llu\n", Bar->Base, Bar->Size);
        } else {
            KdConsolePrint(Console, "memory %08llxh, %llu %s%s%s\n", Bar->Base,
                           Bar->Size < 1024 ? Bar->Size : Bar->Size >> 10,
                           Bar->Size < 1024 ? "bytes" : "KB",
                           Bar->Kind == HalPciBarMemory64 ? ", 64-bit" : "",
                           Bar->Prefetchable ? ", prefetchable" : "");
        }
    }
}

static void IopPrintPciFunction(PKD_CONSOLE Console, PIOP_PCI_FUNCTION Function)
{
    const HAL_PCI_DESCRIPTION *D = &Function->Description;

    KdConsolePrint(Console, "%02x:%02x.%u  %04x:%04x  %s (%02x%02x%02x)", HAL_PCI_BUS(D->Location),
                   HAL_PCI_DEVICE(D->Location), HAL_PCI_FUNCTION(D->Location), D->VendorId,
                   D->DeviceId, HalPciClassName(D->BaseClass, D->SubClass), D->BaseClass,
                   D->SubClass, D->ProgIf);
    if (D->HeaderType == PCI_BRIDGE_TYPE) {
        KdConsolePrint(Console, " to bus %u", D->SecondaryBus);
    }
    KdConsolePrint(Console, "%s\n", D->ExpressOffset != 0 ? ", PCI Express" : "");
    IopPrintPciBars(Console, D);
    IopPrintPciInterrupts(Console, Function);
}

/* The driver's list begins with the device made last; the objects and the list are fixed by now. */
static NTSTATUS IopPciCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG Count = 0;

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    for (PDEVICE_OBJECT Pdo = IopPciDriver->DeviceObject; Pdo != NULL; Pdo = Pdo->NextDevice) {
        Count++;
    }
    for (ULONG Left = Count; Left > 0; Left--) {
        PDEVICE_OBJECT Pdo = IopPciDriver->DeviceObject;
        for (ULONG i = 1; i < Left; i++) {
            Pdo = Pdo->NextDevice;
        }
        IopPrintPciFunction(Console, IopPciFunction(Pdo));
    }
    KdConsolePrint(Console, "%u function%s, configuration space by %s\n", Count,
                   Count == 1 ? "" : "s", HalQueryPciMechanism());
    return STATUS_SUCCESS;
}
KD_COMMAND("pci", "", "PCI functions: place, vendor:device, class, BARs, interrupts",
           IopPciCommand);
