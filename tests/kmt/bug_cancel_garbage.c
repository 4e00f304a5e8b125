/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_cancel_garbage.sys, device [0-9A-Fa-f]+ .Device.KmtBase
 * SAYS: STOP: 0x000000C9 .0x000000000000100B,
 * The cancel routine of an IRP was never set to one. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, (PDRIVER_CANCEL)0xFFFFE00012345678ULL);
    return STATUS_PENDING;
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
    IoCancelIrp(Irp);
    DbgPrint("never reached\n");
}
