/*
 * shutdown.c - the end of the system: drivers hear of it, then the machine is switched off.
 *
 * Who wants to hear of it stands in one of two lists, the device registered last in front, and is
 * referred to. Each gets one IRP_MJ_SHUTDOWN, one after another, while everything still works. It
 * happens once, whoever asks first: who asks later waits until it is done, since he is going to
 * switch the machine off.
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
static PKTHREAD IopShutdownThread; /* i  from when it has begun */
static KEVENT IopShutdownDone;

void IopInitializeShutdown(void)
{
    KeInitializeEvent(&IopShutdownDone, NotificationEvent, FALSE);
}

static NTSTATUS IopRegisterShutdown(PLIST_ENTRY List, PDEVICE_OBJECT Device)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    PIOP_SHUTDOWN New = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*New), IOP_TAG);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    New->Device = Device;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    /* After its deletion has begun nobody would take the registration back. */
    BOOLEAN Going = (IopExtension(Device)->ExtensionFlags & DOE_DELETE_BEGUN) != 0;
    if (!Going) {
        ObfReferenceObject(Device);
        InsertHeadList(List, &New->Link);
        Device->Flags |= DO_SHUTDOWN_REGISTERED;
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    if (Going) {
        ExFreePoolWithTag(New, IOP_TAG);
        return STATUS_DELETE_PENDING;
    }
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

/* The first registration in List, taken out; NULL: there is none. */
static PIOP_SHUTDOWN IopTakeShutdown(PLIST_ENTRY List)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PLIST_ENTRY Link = IsListEmpty(List) ? NULL : RemoveHeadList(List);
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Link != NULL ? CONTAINING_RECORD(Link, IOP_SHUTDOWN, Link) : NULL;
}

static void IopFreeShutdown(PIOP_SHUTDOWN Entry)
{
    ObfDereferenceObject(Entry->Device);
    ExFreePoolWithTag(Entry, IOP_TAG);
}

/* Moves Device's registrations from List to Taken. Lock held. */
static void IopMoveShutdowns(PLIST_ENTRY List, PDEVICE_OBJECT Device, PLIST_ENTRY Taken)
{
    for (PLIST_ENTRY Link = List->Flink, Next; Link != List; Link = Next) {
        Next = Link->Flink;
        if (CONTAINING_RECORD(Link, IOP_SHUTDOWN, Link)->Device == Device) {
            RemoveEntryList(Link);
            InsertTailList(Taken, Link);
        }
    }
}

VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    IopForgetShutdown(DeviceObject);
}

void IopForgetShutdown(PDEVICE_OBJECT Device)
{
    LIST_ENTRY Taken;
    InitializeListHead(&Taken);
    /* The flag goes with the registrations: another thread may be making one. */
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    if (Device->Flags & DO_SHUTDOWN_REGISTERED) {
        Device->Flags &= ~(ULONG)DO_SHUTDOWN_REGISTERED;
        IopMoveShutdowns(&IopShutdownList, Device, &Taken);
        IopMoveShutdowns(&IopLastChanceList, Device, &Taken);
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    while (!IsListEmpty(&Taken)) {
        IopFreeShutdown(CONTAINING_RECORD(RemoveHeadList(&Taken), IOP_SHUTDOWN, Link));
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
    while ((Entry = IopTakeShutdown(List)) != NULL) {
        IopSendShutdown(Entry->Device);
        IopFreeShutdown(Entry);
    }
}

void IoShutdownSystem(void)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (InterlockedExchange(&IopShutdownBegun, TRUE) == FALSE) {
        IopShutdownThread = KeGetCurrentThread();
        IopNotifyShutdown(&IopShutdownList);
        CmShutdownSystem(); /* with what they have just written there */
        IopNotifyShutdown(&IopLastChanceList);
        KeSetEvent(&IopShutdownDone, IO_NO_INCREMENT, FALSE);
    } else if (IopShutdownThread != KeGetCurrentThread()) {
        /* Or a registry that is just being written would lose its power. A driver that asks again
         * when it is told would wait for itself. */
        KeWaitForSingleObject(&IopShutdownDone, Executive, KernelMode, FALSE, NULL);
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
