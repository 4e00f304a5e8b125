/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: STOP: 0x000000C4 \(0x0000000000001005,
 * Promise: an event that is initialised again while somebody waits for it is reported. */
#include "kmt.h"

static KEVENT Event;

static VOID NTAPI Waiter(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KmtStartThread(Waiter, NULL);
    KmtAwaitWaiters(&Event, 1);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    DbgPrint("never reached\n");
}
