/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: parameter 2 is bug_isr_lock!KeepLock
 * Promise: a service routine that returns with a spin lock it has taken is caught, and named. */
#include "kmtrtc.h"

static KSPIN_LOCK Lock;

static BOOLEAN NTAPI KeepLock(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    return TRUE;
}

static VOID KmtRun(VOID)
{
    KmtServeRtc(KeepLock);
}
