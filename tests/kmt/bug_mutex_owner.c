/* STOP: 0x00000011 THREAD_NOT_MUTEX_OWNER
 * Promise: releasing a mutex that is not owned is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KMUTEX Mutex;
    KeInitializeMutex(&Mutex, 0);
    KeReleaseMutex(&Mutex, FALSE);
}
