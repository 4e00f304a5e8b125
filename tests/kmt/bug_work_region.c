/* STOP: 0x00000001 APC_INDEX_MISMATCH
 * Promise: a work item's routine that stays in a critical region is stopped, and named. */
#include "kmt.h"

static VOID NTAPI StayInRegion(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
}

static VOID KmtRun(VOID)
{
    static WORK_QUEUE_ITEM Item;
    ExInitializeWorkItem(&Item, StayInRegion, NULL);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    KmtSleep(60000);
    DbgPrint("never reached\n");
}
