/* STOP: 0x000000E4 WORKER_INVALID
 * Promise: an I/O work item that is queued is not freed. */
#include "kmtdevice.h"

static VOID NTAPI Nothing(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
}

static VOID KmtRun(VOID)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(KmtCreateDevice(NULL, 0, FALSE));
    KIRQL OldIrql;
    /* At its lowest priority no worker begins while this processor is kept, and seldom
     * elsewhere. */
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (int i = 0; i < 100000; i++) {
        IoQueueWorkItem(Item, Nothing, BackgroundWorkQueue, NULL);
        IoUninitializeWorkItem(Item);
    }
    DbgPrint("never reached\n");
}
