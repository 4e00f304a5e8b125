/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: spin lock held: .*, without a rank, by bug_lock_lowered!
 * Promise: releasing two spin locks so that the IRQL drops while one is still held is reported,
 * with the place where that one was taken. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK First, Second;
    KIRQL OldIrql, Dispatch;

    KeInitializeSpinLock(&First);
    KeInitializeSpinLock(&Second);
    KeAcquireSpinLock(&First, &OldIrql);
    KeAcquireSpinLock(&Second, &Dispatch);
    KeReleaseSpinLock(&First, OldIrql);
    DbgPrint("never reached\n");
}
