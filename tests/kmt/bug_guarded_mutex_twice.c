/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * Promise: a thread that takes a guarded mutex it has is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KGUARDED_MUTEX Mutex;
    KeInitializeGuardedMutex(&Mutex);
    KeAcquireGuardedMutex(&Mutex);
    KeAcquireGuardedMutex(&Mutex);
    DbgPrint("never reached\n");
}
