/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a queued spin lock cannot be acquired above DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KLOCK_QUEUE_HANDLE Handle;
    KeInitializeSpinLock(&Lock);
    KfRaiseIrql(CLOCK_LEVEL);
    KeAcquireInStackQueuedSpinLock(&Lock, &Handle);
    DbgPrint("never reached\n");
}
