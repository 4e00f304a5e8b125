/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_irp_unmarked_pending.sys, device [0-9A-Fa-f]+ .Device.KmtBase of .Driver.kmt_bug_irp_unmarked_pending, IRP [0-9A-Fa-f]+ IRP_MJ_READ/0
 * SAYS: STOP: 0x000000C9 .0x0000000000001006,
 * A dispatch routine completes an IRP of another driver unmarked, and answers STATUS_PENDING. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    return STATUS_PENDING;
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
