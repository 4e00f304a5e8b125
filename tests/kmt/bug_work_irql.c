/* STOP: 0x000000E1 WORKER_THREAD_RETURNED_AT_BAD_IRQL
 * Promise: a work item's routine that does not lower the IRQL is stopped, and named. */
#include "kmt.h"

static VOID NTAPI StayHigh(PVOID Context)
{
    KIRQL OldIrql;
    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
}

static VOID KmtRun(VOID)
{
    static WORK_QUEUE_ITEM Item;
    ExInitializeWorkItem(&Item, StayHigh, NULL);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    KmtSleep(60000);
    DbgPrint("never reached\n");
}
