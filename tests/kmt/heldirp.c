/*
 * Promise: a request that DriverEntry has begun can be found and looked at on the console while a
 * driver has it, and is completed by the driver's unload routine. (tests/host/test_verifier.py
 * looks.)
 */
#include "kmtdevice.h"

static PDEVICE_OBJECT Base, Filter;
static PIRP Held;

static NTSTATUS NTAPI Pass(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (Device == Filter) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, Pass, NULL, TRUE, TRUE, TRUE);
        return IoCallDriver(Base, Irp);
    }
    IoMarkIrpPending(Irp);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Succeed(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Free(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    KmtComplete(Held, STATUS_CANCELLED, 0);
    IoDeleteDevice(Filter);
    IoDeleteDevice(Base);
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->DriverUnload = Unload;
    // Whoever attaches by name opens the device for it.
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = Succeed;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = Succeed;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    KmtDriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Dispatch;
    Base = KmtCreateDevice(L"\\Device\\KmtHeld", 0, FALSE);
    Filter = KmtCreateDevice(L"\\Device\\KmtHeldFilter", 0, FALSE);
    // Not attached: a driver is not unloaded while something is attached to one of its devices.
    Filter->StackSize = (CCHAR)(Base->StackSize + 1);
    Held = IoAllocateIrp(Filter->StackSize, FALSE);
    IoGetNextIrpStackLocation(Held)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(Held, Free, NULL, TRUE, TRUE, TRUE);
    KMT_EQUAL(IoCallDriver(Filter, Held), STATUS_PENDING, "the request is under way");
    DbgPrint("# IRP %p\n", Held);
}
