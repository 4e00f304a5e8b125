/*
 * Promise: whoever forwards a request and waits (IoSynchronousCallDriver,
 * IoForwardIrpSynchronously) goes on when it completes, even though the driver below answered
 * STATUS_PENDING without marking the IRP; in the release kernel, that is, where nobody complains of
 * such a driver.
 */
#include "kmtdevice.h"

#define ROUNDS 50

static KDPC Dpc;

static VOID NTAPI Finish(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    KmtComplete((PIRP)Argument1, STATUS_SUCCESS, 7);
}

/* No IoMarkIrpPending. */
static NTSTATUS NTAPI Forgetful(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    KeInsertQueueDpc(&Dpc, Irp, NULL);
    return STATUS_PENDING;
}

static VOID KmtRun(VOID)
{
    ULONG Good = 0;
    KeInitializeDpc(&Dpc, Finish, NULL);
    KeSetTargetProcessorDpc(&Dpc, (CCHAR)(KmtProcessors() - 1));
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Forgetful;
    PDEVICE_OBJECT Device = KmtCreateDevice(NULL, 0, FALSE);
    for (ULONG i = 0; i < ROUNDS; i++) {
        PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
        IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
        Good += IoSynchronousCallDriver(Device, Irp) == STATUS_SUCCESS &&
                Irp->IoStatus.Information == 7;
        IoFreeIrp(Irp);
    }
    KeFlushQueuedDpcs(); // the last one may still be on its way out
    KMT_EQUAL(Good, ROUNDS, "every request is waited for and comes back");
    IoDeleteDevice(Device);
}
