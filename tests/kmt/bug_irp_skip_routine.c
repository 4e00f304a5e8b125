/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_irp_skip_routine.sys, device
 * SAYS: STOP: 0x000000C9 .0x0000000000000212,
 * A filter skips its location, and then sets its completion routine there. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Wrong(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    return KmtKeep(Device, Irp, Context);
}

static NTSTATUS AtFilter(PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    IoSetCompletionRoutine(Irp, Wrong, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(Base, Irp);
}

static VOID KmtRun(VOID)
{
    KmtMakeStack();
    IoCallDriver(Filter, KmtMakeRead(Filter));
    DbgPrint("never reached\n");
}
