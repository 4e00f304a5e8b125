/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * Promise: a thread that takes a fast mutex it has is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    FAST_MUTEX Mutex;
    ExInitializeFastMutex(&Mutex);
    ExAcquireFastMutex(&Mutex);
    ExAcquireFastMutex(&Mutex);
}
