/* STOP: 0x000000CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS
 * MACHINE: debug=1 smp=1
 * SAYS: queued work item [0-9A-F]+: bug_unload_handed!Late
 * Promise: a driver that goes while a work item in pool memory waits to be begun, in the queue or
 * handed to a worker that more urgent threads keep from it, is stopped, and the routine is
 * named. */
#include "kmt.h"

static VOID NTAPI Late(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    DbgPrint("never reached\n");
}

/* The last that the driver does: nobody waits between this and its end, so the idle worker does not
 * come to run, not even if the machine stands still for so long that it counts as starving. */
static VOID NTAPI Forget(PDRIVER_OBJECT DriverObject)
{
    PWORK_QUEUE_ITEM Item = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Item), 'tseT');
    UNREFERENCED_PARAMETER(DriverObject);
    if (Item != NULL) {
        KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
        ExInitializeWorkItem(Item, Late, NULL);
        ExQueueWorkItem(Item, CustomPriorityWorkQueue + 1);
    }
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->DriverUnload = Forget;
    KmtSleep(20); /* the other workers become idle */
}
