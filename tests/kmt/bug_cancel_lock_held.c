/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_cancel_lock_held.sys, device
 * SAYS: STOP: 0x000000C9 .0x000000000000100A,
 * A cancel routine lowers the IRQL, and keeps the cancel spin lock. */
#include "kmtstack.h"

static VOID NTAPI Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    KeLowerIrql(Irp->CancelIrql);
}

static NTSTATUS AtBase(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, Cancel);
    return STATUS_PENDING;
}

static NTSTATUS AtFilter(PIRP Irp)
{
    return KmtPassOn(Irp);
}

static VOID KmtRun(VOID)
{
    PIRP Irp;
    KmtMakeStack();
    Irp = KmtMakeRead(Filter);
    IoCallDriver(Filter, Irp);
    IoCancelIrp(Irp);
    DbgPrint("never reached\n");
}
