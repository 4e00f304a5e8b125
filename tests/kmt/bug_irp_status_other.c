/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_irp_status_other.sys, device [0-9A-Fa-f]+ .Device.KmtBase of .Driver.kmt_bug_irp_status_other, IRP [0-9A-Fa-f]+ IRP_MJ_READ/0
 * SAYS: STOP: 0x000000C9 .0x0000000000000224,
 * A dispatch routine answers another status than it completes the IRP with. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    return STATUS_DEVICE_NOT_READY;
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
