/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_irp_illegal_status.sys, device [0-9A-Fa-f]+ .Device.KmtBase of .Driver.kmt_bug_irp_illegal_status, IRP [0-9A-Fa-f]+ IRP_MJ_READ/0
 * SAYS: STOP: 0x000000C9 .0x0000000000000225,
 * A dispatch routine answers what no status is: a variable that nobody has set. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    return (NTSTATUS)-1;
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
