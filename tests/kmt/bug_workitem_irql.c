/* STOP: 0x000000E1 WORKER_THREAD_RETURNED_AT_BAD_IRQL
 * Promise: an I/O work item's routine that keeps a spin lock is stopped, and named. */
#include "kmtdevice.h"

static VOID NTAPI KeepLock(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    static KSPIN_LOCK Lock;
    KIRQL OldIrql;
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    KeAcquireSpinLock(&Lock, &OldIrql);
}

static VOID KmtRun(VOID)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(KmtCreateDevice(NULL, 0, FALSE));
    IoQueueWorkItem(Item, KeepLock, DelayedWorkQueue, NULL);
    KmtSleep(60000);
    DbgPrint("never reached\n");
}
