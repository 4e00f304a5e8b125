/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_irp_not_handed_on.sys, device
 * SAYS: STOP: 0x000000C9 .0x0000000000000228,
 * A filter's completion routine does not hand the pending mark on. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Forgetful(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS AtFilter(PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Forgetful, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(Base, Irp);
}

static VOID KmtRun(VOID)
{
    KmtMakeStack();
    IoCallDriver(Filter, KmtMakeRead(Filter));
    DbgPrint("never reached\n");
}
