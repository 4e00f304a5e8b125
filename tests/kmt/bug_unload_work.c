/* STOP: 0x000000CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS
 * MACHINE: debug=1
 * SAYS: work item that runs, in thread [0-9A-F]+: bug_unload_work!Linger
 * Promise: a driver that goes while a worker is in its work item is stopped, and the routine is
 * named. */
#include "kmt.h"

static WORK_QUEUE_ITEM Work;
static KEVENT Taken;

static VOID NTAPI Linger(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Taken, IO_NO_INCREMENT, FALSE);
    KmtSleep(3600000);
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Taken, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Work, Linger, NULL);
    ExQueueWorkItem(&Work, DelayedWorkQueue);
    KmtWait(&Taken, 60000);
}
