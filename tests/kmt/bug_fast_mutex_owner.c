/* STOP: 0x00000011 THREAD_NOT_MUTEX_OWNER
 * Promise: only the owner gives a fast mutex back. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static FAST_MUTEX Mutex;
    ExInitializeFastMutex(&Mutex);
    KeEnterCriticalRegion();
    ExReleaseFastMutexUnsafe(&Mutex);
}
