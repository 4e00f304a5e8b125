/*
 * Promise: a thread made with IoCreateSystemThread keeps its driver's image: the driver may be
 * unloaded while the thread sleeps in the image, and the thread goes on there afterwards. (It says
 * so after the plan, when the driver has been stopped; without the promise the machine stops
 * instead.)
 */
#include "kmt.h"

static KEVENT Unloading;

static VOID NTAPI OutliveTheUnload(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Unloading, Executive, KernelMode, FALSE, NULL);
    KmtSleep(300);
    DbgPrint("# the thread has outlived the unload\n");
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    KeSetEvent(&Unloading, 0, FALSE);
}

static VOID KmtRun(VOID)
{
    HANDLE Handle;
    KeInitializeEvent(&Unloading, NotificationEvent, FALSE);
    KmtDriverObject->DriverUnload = Unload;
    KMT_EQUAL(IoCreateSystemThread(KmtDriverObject, &Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL,
                                   OutliveTheUnload, NULL),
              STATUS_SUCCESS, "a thread that keeps the driver");
    ZwClose(Handle);
}
