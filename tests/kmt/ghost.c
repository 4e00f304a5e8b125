/*
 * Promise, together with the console: a thread that comes back to an image that has gone stops the
 * system with the driver's name. Alone, stopped with `sc stop` and followed by nothing, it proves
 * only that it starts. (The thread sleeps until the driver is unloaded, and a while more.)
 * ALONE: its thread comes back to the image that has gone
 */
#include "kmt.h"

static KEVENT Unloading;
static PETHREAD Thread;

static VOID NTAPI Haunt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Unloading, Executive, KernelMode, FALSE, NULL);
    KmtSleep(1500);
    DbgPrint("# never reached\n");
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    KeSetEvent(&Unloading, 0, FALSE);
    KmtSleep(100); // the event goes with the image
    ObDereferenceObject(Thread);
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Unloading, NotificationEvent, FALSE);
    KmtDriverObject->DriverUnload = Unload;
    Thread = KmtStartThread(Haunt, NULL);
    KMT_CHECK(Thread != NULL, "a thread that will be forgotten");
}
