/* STOP: 0x0000000F SPIN_LOCK_ALREADY_OWNED
 * Promise: a processor that takes a queued spin lock twice is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KLOCK_QUEUE_HANDLE First, Second;
    KeInitializeSpinLock(&Lock);
    KeAcquireInStackQueuedSpinLock(&Lock, &First);
    KeAcquireInStackQueuedSpinLock(&Lock, &Second);
    DbgPrint("never reached\n");
}
