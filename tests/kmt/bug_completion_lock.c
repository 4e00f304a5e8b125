/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_completion_lock.sys
 * SAYS: STOP: 0x000000C4 .0x00000000E7000003,
 * A completion routine keeps a spin lock. */
#include "kmtstack.h"

static KSPIN_LOCK Lock;

static NTSTATUS NTAPI Careless(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    KIRQL Irql;
    KeAcquireSpinLock(&Lock, &Irql);
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
