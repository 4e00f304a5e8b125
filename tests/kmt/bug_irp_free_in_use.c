/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_irp_free_in_use.sys, device
 * SAYS: STOP: 0x000000C9 .0x000000000000020A,
 * An IRP is freed while a lower driver has it. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    IoMarkIrpPending(Irp);
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
    IoFreeIrp(Irp);
    DbgPrint("never reached\n");
}
