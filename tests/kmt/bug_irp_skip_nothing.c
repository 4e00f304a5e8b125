/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_irp_skip_nothing.sys, IRP
 * SAYS: STOP: 0x000000C9 .0x0000000000000212,
 * The sender of an IRP skips a location that it does not have. */
#include "kmtstack.h"

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
    IoSkipCurrentIrpStackLocation(Irp);
    IoCallDriver(Filter, Irp);
    DbgPrint("never reached\n");
}
