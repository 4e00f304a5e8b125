/*
 * unload.c - drivers go, and the worker thread that calls them for it.
 *
 * A driver may be unloaded when none of its devices is open or has another driver's device
 * attached, and no reinitialisation routine is being called. If that is not so when it is asked
 * for, the unload is pending: devices refuse new opens, and whoever closes or detaches last
 * (IopSettleDevice in device.c), or has called the routine (reinit.c), finds it due. That it is
 * due is said exactly once, under the database lock, with DRVO_UNLOAD_INVOKED as the mark.
 */
#include "iop.h"

typedef struct _IOP_WORK {
    WORK_QUEUE_ITEM Item;
    void (*Routine)(PVOID Context);
    PVOID Context;
    PKTHREAD Sender;
    KEVENT Done;
} IOP_WORK, *PIOP_WORK;

static VOID NTAPI IopWorker(PVOID Parameter)
{
    PIOP_WORK Work = Parameter;
    KeGetCurrentThread()->WorksFor = Work->Sender;
    Work->Routine(Work->Context);
    KeGetCurrentThread()->WorksFor = NULL;
    KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
}

/* DriverEntry and Unload expect the System process and PASSIVE_LEVEL, whoever asked for them. The
 * work item is on this stack, which the wait keeps valid until the worker is done with it. */
void IopCallInWorker(void (*Routine)(PVOID Context), PVOID Context)
{
    IOP_WORK Work = {.Routine = Routine, .Context = Context, .Sender = KeGetCurrentThread()};
    KeInitializeEvent(&Work.Done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Work.Item, IopWorker, &Work);
    ExQueueWorkItem(&Work.Item, DelayedWorkQueue);
    KeWaitForSingleObject(&Work.Done, Executive, KernelMode, FALSE, NULL);
}

/* All on the way but the current thread wait, so that nothing of it changes. */
BOOLEAN IoWorksFor(PKTHREAD Thread)
{
    PKTHREAD At = KeGetCurrentThread();
    while (At != NULL && At != Thread) {
        At = At->WorksFor;
    }
    return At != NULL;
}

BOOLEAN IopUnloadDue(PDRIVER_OBJECT Driver)
{
    if (!IopDriver(Driver)->UnloadPending || IopDriver(Driver)->Reinitializing ||
        (Driver->Flags & DRVO_UNLOAD_INVOKED)) {
        return FALSE;
    }
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        if (Device->ReferenceCount != 0 || Device->AttachedDevice != NULL) {
            return FALSE;
        }
    }
    Driver->Flags |= DRVO_UNLOAD_INVOKED;
    return TRUE;
}

/* In a worker thread, once for a driver. The object may be gone at the end. */
static void IopRunUnload(PVOID Context)
{
    PDRIVER_OBJECT Driver = Context;
    IopForgetReinitialization(Driver);
    Driver->DriverUnload(Driver);
    IopCheckIrql((PVOID)Driver->DriverUnload, NULL, PASSIVE_LEVEL);
    IopReportNotification(Driver, FALSE);
    IopDeleteReportedDevices(Driver);
    if (Driver->DeviceObject != NULL) {
        /* As on Windows the image then stays, since the devices still refer to its object. */
        KdPrintf("io: %wZ unloads and leaves a device behind\n", &Driver->DriverName);
    }
    ObMakeTemporaryObject(Driver);
    ObfDereferenceObject(Driver); /* the reference for being loaded */
}

static VOID NTAPI IopUnloadWorker(PVOID Parameter)
{
    IopRunUnload(Parameter);
}

void IopQueueUnload(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER Private = IopDriver(Driver);
    /* Not waited for: the caller may be a worker itself, or the driver's own code. */
    ExInitializeWorkItem(&Private->UnloadItem, IopUnloadWorker, Driver);
    ExQueueWorkItem(&Private->UnloadItem, DelayedWorkQueue);
}

NTSTATUS IopUnloadDriverObject(PDRIVER_OBJECT Driver)
{
    NTSTATUS Status = STATUS_DEVICE_BUSY;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (Driver->DriverUnload == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    IopDriver(Driver)->UnloadPending = TRUE;
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        Device->DeviceObjectExtension->ExtensionFlags |= DOE_UNLOAD_PENDING;
    }
    if (Driver->Flags & DRVO_UNLOAD_INVOKED) {
        Status = STATUS_DELETE_PENDING;
    } else if (IopUnloadDue(Driver)) {
        Status = STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    if (NT_SUCCESS(Status)) {
        IopCallInWorker(IopRunUnload, Driver);
    }
    return Status;
}

BOOLEAN IopIsUnloadPending(PDRIVER_OBJECT Driver)
{
    return IopDriver(Driver)->UnloadPending;
}
