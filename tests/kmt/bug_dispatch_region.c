/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_dispatch_region.sys, device|IRP
 * SAYS: STOP: 0x000000C9 .0x000000000000100C,
 * A dispatch routine enters a critical region, and does not leave it. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    KeEnterCriticalRegion();
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS AtFilter(PIRP Irp)
{
    return KmtPassOn(Irp);
}

static VOID KmtRun(VOID)
{
    KmtMakeStack();
    IoCallDriver(Filter, KmtMakeRead(Filter));
    DbgPrint("never reached\n");
}
