/* STOP: 0x0000000F SPIN_LOCK_ALREADY_OWNED
 * Promise: a spin lock taken twice by one thread is stopped, not a hang. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KIRQL OldIrql;
    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLock(&Lock, &OldIrql);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    KeReleaseSpinLock(&Lock, OldIrql);
}
