/* STOP: 0x000000CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS
 * MACHINE: debug=1
 * SAYS: code that runs, in thread [0-9A-F]+: bug_unload_running!Spin
 * Promise: a driver that goes while another processor runs its code is stopped, and the place is
 * named. */
#include "kmt.h"

static WORK_QUEUE_ITEM Work;
static KEVENT Taken;
static volatile BOOLEAN Stop;

static VOID NTAPI Spin(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Taken, IO_NO_INCREMENT, FALSE);
    while (!Stop) {
        YieldProcessor();
    }
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Taken, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Work, Spin, NULL);
    ExQueueWorkItem(&Work, DelayedWorkQueue);
    KmtWait(&Taken, 60000);
}
