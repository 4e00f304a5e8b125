/* STOP: 0x000000CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS
 * MACHINE: debug=1
 * SAYS: thread [0-9A-F]+: bug_unload_thread!Sleeper
 * Promise: a driver that goes while a thread of its own making runs in it is stopped, and the
 * thread is named. */
#include "kmt.h"

static VOID NTAPI Sleeper(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KmtSleep(3600000);
}

static VOID KmtRun(VOID)
{
    ObDereferenceObject(KmtStartThread(Sleeper, NULL));
}
