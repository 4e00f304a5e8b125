/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_irp_write_after_free.sys, IRP
 * SAYS: STOP: 0x000000C9 .0x000000000000100D,
 * A driver writes to an IRP that it has freed. */
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
    Irp->IoStatus.Information = 0;
    for (ULONG i = 0; i < 1000; i++) {
        IoFreeIrp(IoAllocateIrp(1, FALSE));
    }
    DbgPrint("never reached\n");
}
