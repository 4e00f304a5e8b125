/* STOP: 0x00000044 MULTIPLE_IRP_COMPLETE_REQUESTS
 * MACHINE: cmdline=verifier=0x11
 * SAYS: Culprit: driver bug_irp_complete_freed.sys
 * An IRP is completed after it has been freed: in special pool, where nothing is left of it. */
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
    IoCallDriver(Filter, Irp);
    IoFreeIrp(Irp);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    DbgPrint("never reached\n");
}
