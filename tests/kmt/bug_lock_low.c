/* STOP: 0x00000009 IRQL_NOT_GREATER_OR_EQUAL
 * Promise: a spin lock taken AtDpcLevel below DISPATCH_LEVEL is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    KeReleaseSpinLockFromDpcLevel(&Lock);
}
