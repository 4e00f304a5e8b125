/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: spin lock held: .*, without a rank, by bug_lock_wait!
 * Promise: a thread that waits while it holds a spin lock, having lowered the IRQL by itself, is
 * reported, with the place where it took the lock. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KIRQL OldIrql;

    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLock(&Lock, &OldIrql);
    KeLowerIrql(OldIrql);
    KmtSleep(1);
}
