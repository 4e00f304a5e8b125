/* STOP: 0x00000010 SPIN_LOCK_NOT_OWNED
 * Promise: a queued spin lock is released once. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KLOCK_QUEUE_HANDLE Handle;
    KeInitializeSpinLock(&Lock);
    KeAcquireInStackQueuedSpinLock(&Lock, &Handle);
    KeReleaseInStackQueuedSpinLock(&Handle);
    KeReleaseInStackQueuedSpinLock(&Handle);
    DbgPrint("never reached\n");
}
