/* STOP: 0x00000011 THREAD_NOT_MUTEX_OWNER
 * Promise: only the owner gives a guarded mutex back. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static KGUARDED_MUTEX Mutex;
    KeInitializeGuardedMutex(&Mutex);
    KeEnterGuardedRegion();
    KeReleaseGuardedMutexUnsafe(&Mutex);
    DbgPrint("never reached\n");
}
