/*
 * A driver that knows nothing of Etude: test_foreign.py compiles it against mingw's headers and
 * links it with mingw's import libraries. It uses what those headers inline and what they import.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

static UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Foreign");
static UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\Foreign");
static KSPIN_LOCK Lock;
static FAST_MUTEX Mutex;
static NPAGED_LOOKASIDE_LIST Items;
static KDPC Dpc;
static KTIMER Timer;
static KEVENT Expired;

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
    DbgPrint("foreign: unloaded\n");
}

static NTSTATUS NTAPI CreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI TimerExpired(PKDPC TimerDpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(TimerDpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS WaitForTimer(VOID)
{
    LARGE_INTEGER DueTime;

    KeInitializeEvent(&Expired, NotificationEvent, FALSE);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, TimerExpired, &Expired);
    DueTime.QuadPart = -20 * 10000;
    KeSetTimer(&Timer, DueTime, &Dpc);
    return KeWaitForSingleObject(&Expired, Executive, KernelMode, FALSE, NULL);
}

/* Everything once; the levels seen on the way. */
static ULONG UseInlines(VOID)
{
    KIRQL OldIrql;
    ULONG Levels;
    PVOID Item;

    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLock(&Lock, &OldIrql);
    Levels = KeGetCurrentIrql();
    KeReleaseSpinLock(&Lock, OldIrql);
    ExInitializeFastMutex(&Mutex);
    ExAcquireFastMutex(&Mutex);
    Levels = Levels << 4 | KeGetCurrentIrql();
    ExReleaseFastMutex(&Mutex);
    ExInitializeNPagedLookasideList(&Items, NULL, NULL, 0, 64, 'eroF', 0);
    Item = ExAllocateFromNPagedLookasideList(&Items);
    ExFreeToNPagedLookasideList(&Items, Item);
    ExDeleteNPagedLookasideList(&Items);
    return Levels << 4 | KeGetCurrentIrql();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    DbgPrint("foreign: %wZ\n", RegistryPath);
    Status = IoCreateDevice(DriverObject, 16, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    IoCreateSymbolicLink(&Link, &Name);
    DriverObject->DriverUnload = Unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CreateClose;
    DbgPrint("foreign: levels %03x, timer %x\n", UseInlines(), WaitForTimer());
    return STATUS_SUCCESS;
}
