/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * Promise: a guarded mutex is not taken unsafely where APCs can come. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KGUARDED_MUTEX Mutex;
    KeInitializeGuardedMutex(&Mutex);
    KeEnterCriticalRegion();
    KeAcquireGuardedMutexUnsafe(&Mutex);
    DbgPrint("never reached\n");
}
