/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: Culprit: driver bug_dispatch_lock.sys
 * SAYS: STOP: 0x000000C4 .0x00000000E7000003,
 * A dispatch routine keeps a spin lock. */
#include "kmtstack.h"

static KSPIN_LOCK Lock;

static NTSTATUS AtBase(PIRP Irp)
{
    KIRQL Irql;
    KeAcquireSpinLock(&Lock, &Irql);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
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
