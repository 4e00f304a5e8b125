/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * Promise: a fast mutex is not taken unsafely where APCs can come. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    FAST_MUTEX Mutex;
    ExInitializeFastMutex(&Mutex);
    ExAcquireFastMutexUnsafe(&Mutex);
    DbgPrint("never reached\n");
}
