/* STOP: 0x000000CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS
 * MACHINE: debug=1 smp=4
 * SAYS: code that runs, in thread [0-9A-F]+: bug_unload_dpc!Spin
 * Promise: a driver that goes while its DPC runs on another processor, which was idle, is stopped,
 * and the place is named. */
#include "kmt.h"

static KDPC Dpc;
static KEVENT Begun;
static volatile BOOLEAN Stop;

static VOID NTAPI Spin(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(&Begun, IO_NO_INCREMENT, FALSE);
    while (!Stop) {
        YieldProcessor();
    }
}

/* Neither who unloads nor the console's thread, whose processor is the second, goes to the one that
 * will not run threads any more. */
static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    KeSetSystemAffinityThread(1);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KmtWait(&Begun, 60000);
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Begun, NotificationEvent, FALSE);
    KeInitializeDpc(&Dpc, Spin, NULL);
    KeSetTargetProcessorDpc(&Dpc, (CCHAR)(KmtProcessors() - 1));
    KmtDriverObject->DriverUnload = Unload;
}
