/* STOP: 0x000000E4 WORKER_INVALID
 * Promise: a work item is not queued while it is queued. */
#include "kmt.h"

static VOID NTAPI Nothing(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
}

static VOID KmtRun(VOID)
{
    static WORK_QUEUE_ITEM Item;
    KIRQL OldIrql;
    ExInitializeWorkItem(&Item, Nothing, NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (int i = 0; i < 100000; i++) {
        ExQueueWorkItem(&Item, DelayedWorkQueue);
    }
}
