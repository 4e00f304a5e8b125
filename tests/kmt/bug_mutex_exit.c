/* STOP: 0x4000008A THREAD_TERMINATE_HELD_MUTEX
 * Promise: a thread that ends with a mutex is stopped. */
#include "kmt.h"

static KMUTEX Mutex;

static VOID NTAPI TakeAndEnd(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
}

static VOID KmtRun(VOID)
{
    KeInitializeMutex(&Mutex, 0);
    KmtJoin(KmtStartThread(TakeAndEnd, NULL));
}
