/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * Promise: a fast mutex is given back at the level at which it is held. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    FAST_MUTEX Mutex;
    ExInitializeFastMutex(&Mutex);
    ExAcquireFastMutex(&Mutex);
    KeLowerIrql(PASSIVE_LEVEL);
    ExReleaseFastMutex(&Mutex);
    DbgPrint("never reached\n");
}
