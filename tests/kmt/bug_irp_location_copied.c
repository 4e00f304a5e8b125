/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_irp_location_copied.sys, device
 * SAYS: STOP: 0x000000C9 .0x0000000000000207,
 * A driver copies its whole location, with the completion routine of the driver above. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS AtFilter(PIRP Irp)
{
    *IoGetNextIrpStackLocation(Irp) = *IoGetCurrentIrpStackLocation(Irp);
    return IoCallDriver(Base, Irp);
}

static VOID KmtRun(VOID)
{
    KmtMakeStack();
    // The kernel's routine waits for this one.
    IoSynchronousCallDriver(Filter, KmtMakeRead(Filter));
    DbgPrint("never reached\n");
}
