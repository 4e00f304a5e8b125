/* STOP: 0x00000001 APC_INDEX_MISMATCH
 * Promise: a work item's routine that keeps a mutex is stopped, and named. */
#include "kmt.h"

static KMUTEX Mutex;

static VOID NTAPI KeepMutex(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
}

static VOID KmtRun(VOID)
{
    static WORK_QUEUE_ITEM Item;
    KeInitializeMutex(&Mutex, 0);
    ExInitializeWorkItem(&Item, KeepMutex, NULL);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    KmtSleep(60000);
    DbgPrint("never reached\n");
}
