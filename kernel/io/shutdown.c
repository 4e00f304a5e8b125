/*
 * shutdown.c - the end of the system: drivers hear of it, then the machine is switched off.
 *
 * Who wants to hear of it stands in one of two lists, the device registered last in front, and is
 * referred to. Each gets one IRP_MJ_SHUTDOWN, one after another, while everything still works. It
 * happens once, whoever asks first.
 */
#include "cm.h"
#include "iop.h"
#include "hal.h"

typedef struct _IOP_SHUTDOWN {
    LIST_ENTRY Link; /* b */
    PDEVICE_OBJECT Device;
} IOP_SHUTDOWN, *PIOP_SHUTDOWN;

static LIST_ENTRY IopShutdownList = {&IopShutdownList, &IopShutdownList};       /* b */
static LIST_ENTRY IopLastChanceList = {&IopLastChanceList, &IopLastChanceList}; /* b */
static volatile LONG IopShutdownBegun;                                          /* o */

static NTSTATUS IopRegisterShutdown(PLIST_ENTRY List, PDEVICE_OBJECT Device)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    PIOP_SHUTDOWN New = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*New), IOP_TAG);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ObfReferenceObject(Device);
    New->Device = Device;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    InsertHeadList(List, &New->Link);
    Device->Flags |= DO_SHUTDOWN_REGISTERED;
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return IopRegisterShutdown(&IopShutdownList, DeviceObject);
}

NTSTATUS NTAPI IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return IopRegisterShutdown(&IopLastChanceList, DeviceObject);
}

/* The first registration in List, or Device's first, taken out. */
static PIOP_SHUTDOWN IopTakeShutdown(PLIST_ENTRY List, PDEVICE_OBJECT Device)
{
    PIOP_SHUTDOWN Found = NULL;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    for (PLIST_ENTRY Link = List->Flink; Link != List && Found == NULL; Link = Link->Flink) {
        PIOP_SHUTDOWN Entry = CONTAINING_RECORD(Link, IOP_SHUTDOWN, Link);
        if (Device == NULL || Entry->Device == Device) {
            Found = Entry;
        }
    }
    if (Found != NULL) {
        RemoveEntryList(&Found->Link);
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Found;
}

VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    IopForgetShutdown(DeviceObject);
}

void IopForgetShutdown(PDEVICE_OBJECT Device)
{
    PIOP_SHUTDOWN Entry;
    if (!(Device->Flags & DO_SHUTDOWN_REGISTERED)) {
        return;
    }
    Device->Flags &= ~(ULONG)DO_SHUTDOWN_REGISTERED;
    while ((Entry = IopTakeShutdown(&IopShutdownList, Device)) != NULL ||
           (Entry = IopTakeShutdown(&IopLastChanceList, Device)) != NULL) {
        ExFreePoolWithTag(Entry, IOP_TAG);
        ObfDereferenceObject(Device);
    }
}

/* What the driver answers changes nothing: the machine is going down. */
static void IopSendShutdown(PDEVICE_OBJECT Device)
{
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    PDEVICE_OBJECT Top = IopReferenceTop(Device);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(IRP_MJ_SHUTDOWN, Top, NULL, 0, NULL, &Event, &Iosb);
    if (Irp == NULL) {
        KdPrintf("io: %wZ is not told of the shutdown: no memory\n",
                 &Device->DriverObject->DriverName);
    } else if (IofCallDriver(Top, Irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    IopReleaseTop(Device, Top);
}

static void IopNotifyShutdown(PLIST_ENTRY List)
{
    PIOP_SHUTDOWN Entry;
    while ((Entry = IopTakeShutdown(List, NULL)) != NULL) {
        IopSendShutdown(Entry->Device);
        ObfDereferenceObject(Entry->Device);
        ExFreePoolWithTag(Entry, IOP_TAG);
    }
}

void IoShutdownSystem(void)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (InterlockedExchange(&IopShutdownBegun, TRUE) == FALSE) {
        IopNotifyShutdown(&IopShutdownList);
        CmShutdownSystem(); /* with what they have just written there */
        IopNotifyShutdown(&IopLastChanceList);
    }
}

static NTSTATUS IopShutdownCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "Switching off.\n");
    KdConsoleEndScript(Console);
    IoShutdownSystem();
    HalPowerOff();
}
KD_COMMAND("shutdown", "", "switch the machine off", IopShutdownCommand);

static NTSTATUS IopRebootCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "Restarting.\n");
    IoShutdownSystem();
    HalReboot();
}
KD_COMMAND("reboot", "", "restart the machine", IopRebootCommand);
