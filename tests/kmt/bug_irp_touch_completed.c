/* STOP: 0x000000D5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL
 * MACHINE: cmdline=verifier=0x11
 * SAYS: instruction\n.*bug_irp_touch_completed!
 * A driver looks at an IRP that it has completed, and that has been freed: in special pool. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    return Irp->IoStatus.Status;
}

static NTSTATUS AtFilter(PIRP Irp)
{
    return KmtPassOn(Irp);
}

static NTSTATUS NTAPI Free(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    IoFreeIrp(Irp);
    return KmtKeep(Device, Irp, Context);
}

static VOID KmtRun(VOID)
{
    PIRP Irp;
    KmtMakeStack();
    Irp = KmtMakeRead(Filter);
    IoSetCompletionRoutine(Irp, Free, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Filter, Irp);
    DbgPrint("never reached\n");
}
