/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_completion_region.sys, device
 * SAYS: STOP: 0x000000C9 .0x000000000000100C,
 * A completion routine enters a critical region, and does not leave it. */
#include "kmtstack.h"

static NTSTATUS NTAPI Careless(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    KeEnterCriticalRegion();
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS AtBase(PIRP Irp)
{
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS AtFilter(PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Careless, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(Base, Irp);
}

static VOID KmtRun(VOID)
{
    KmtMakeStack();
    IoCallDriver(Filter, KmtMakeRead(Filter));
    DbgPrint("never reached\n");
}
