/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_irp_marked_answered.sys, device [0-9A-Fa-f]+ .Device.KmtBase of .Driver.kmt_bug_irp_marked_answered, IRP [0-9A-Fa-f]+ IRP_MJ_READ/0
 * SAYS: STOP: 0x000000C9 .0x000000000000023E,
 * A dispatch routine marks an IRP pending, keeps it, and answers success. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    return STATUS_SUCCESS;
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
