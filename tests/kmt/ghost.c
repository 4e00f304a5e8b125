/*
 * Promise, together with the console: a thread that comes back to an image that has gone stops the
 * system with the driver's name. (The thread sleeps until the driver is unloaded, and then again
 * and again.) Only the service called "ghost" does that; under another name this waits for its
 * thread.
 */
#include "kmt.h"

static KEVENT Unloading;
static PETHREAD Thread;
static BOOLEAN Forgets;

static VOID NTAPI Haunt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Unloading, Executive, KernelMode, FALSE, NULL);
    while (Forgets) {
        KmtSleep(1000);
    }
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    KeSetEvent(&Unloading, 0, FALSE);
    if (Forgets) {
        ObDereferenceObject(Thread);
    } else {
        KmtJoin(Thread);
    }
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Unloading, NotificationEvent, FALSE);
    static const WCHAR End[] = L"\\ghost";
    ULONG Length = sizeof(End) - sizeof(WCHAR);
    KmtDriverObject->DriverUnload = Unload;
    Forgets = KmtRegistryPath->Length > Length &&
              RtlEqualMemory((PUCHAR)KmtRegistryPath->Buffer + KmtRegistryPath->Length - Length,
                             End, Length);
    Thread = KmtStartThread(Haunt, NULL);
    KMT_CHECK(Thread != NULL, "a thread that may be forgotten");
    KmtAwaitWaiters(&Unloading, 1); // the event goes with the image
}
