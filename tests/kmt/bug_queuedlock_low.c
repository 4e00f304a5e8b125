/* STOP: 0x00000009 IRQL_NOT_GREATER_OR_EQUAL
 * Promise: a queued spin lock taken AtDpcLevel below DISPATCH_LEVEL is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KLOCK_QUEUE_HANDLE Handle;
    KeInitializeSpinLock(&Lock);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&Lock, &Handle);
    DbgPrint("never reached\n");
}
