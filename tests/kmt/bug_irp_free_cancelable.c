/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_irp_free_cancelable.sys, IRP
 * SAYS: STOP: 0x000000C9 .0x000000000000020A,
 * An IRP is freed with a cancel routine in it. */
#include "kmtstack.h"

static VOID NTAPI Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static NTSTATUS AtBase(PIRP Irp)
{
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
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
    IoSetCancelRoutine(Irp, Cancel);
    IoFreeIrp(Irp);
    DbgPrint("never reached\n");
}
