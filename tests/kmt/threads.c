/*
 * Promises: a system thread has ids, a process, an exit status and a handle that is signalled when
 * it ends; it can be looked up while somebody refers to it; a thread made with IoCreateSystemThread
 * keeps its driver or device; threads that have ended leave nothing.
 */
#include "kmt.h"

typedef struct _SEEN {
    CLIENT_ID Cid;
    HANDLE ThreadId, ProcessId;
    PEPROCESS Process;
    KIRQL Irql;
    KEVENT Go;
} SEEN;

static VOID NTAPI LookAround(PVOID Context)
{
    SEEN *Seen = Context;
    Seen->ThreadId = PsGetCurrentThreadId();
    Seen->ProcessId = PsGetCurrentProcessId();
    Seen->Process = PsGetCurrentProcess();
    Seen->Irql = KeGetCurrentIrql();
    KeWaitForSingleObject(&Seen->Go, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_DEVICE_BUSY);
}

static VOID TestIdentity(VOID)
{
    static SEEN Seen;
    HANDLE Handle;
    PETHREAD Thread, Found;
    KeInitializeEvent(&Seen.Go, NotificationEvent, FALSE);
    KMT_EQUAL(
        PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, &Seen.Cid, LookAround, &Seen),
        STATUS_SUCCESS, "create a thread");
    ObReferenceObjectByHandle(Handle, 0, *PsThreadType, KernelMode, (PVOID *)&Thread, NULL);
    KMT_EQUAL(PsGetThreadExitStatus(Thread), STATUS_PENDING, "it has not ended");
    KMT_EQUAL(PsGetThreadId(Thread), Seen.Cid.UniqueThread, "its id is the one told");
    KMT_EQUAL((ULONG_PTR)Seen.Cid.UniqueThread & 3, 0, "a multiple of 4");
    KMT_EQUAL(PsGetThreadProcessId(Thread), 4, "it belongs to System, process 4");
    KMT_EQUAL(PsLookupThreadByThreadId(Seen.Cid.UniqueThread, &Found), STATUS_SUCCESS,
              "found by id");
    KMT_CHECK(Found == Thread, "it is the same");
    ObDereferenceObject(Found);
    LARGE_INTEGER Timeout = KmtMs(20);
    KMT_EQUAL(ZwWaitForSingleObject(Handle, FALSE, &Timeout), STATUS_TIMEOUT, "not signalled yet");
    KeSetEvent(&Seen.Go, 0, FALSE);
    KMT_EQUAL(ZwWaitForSingleObject(Handle, FALSE, NULL), STATUS_SUCCESS, "signalled when it ends");
    KMT_EQUAL(PsGetThreadExitStatus(Thread), STATUS_DEVICE_BUSY, "with the status it gave");
    KMT_EQUAL(Seen.ThreadId, Seen.Cid.UniqueThread, "it knew its own id");
    KMT_EQUAL(Seen.ProcessId, 4, "and its process's");
    KMT_CHECK(Seen.Process == PsInitialSystemProcess, "which is PsInitialSystemProcess");
    KMT_EQUAL(Seen.Irql, PASSIVE_LEVEL, "it began at PASSIVE_LEVEL");
    KMT_EQUAL(PsLookupThreadByThreadId(Seen.Cid.UniqueThread, &Found), STATUS_SUCCESS,
              "found while it is referenced");
    ObDereferenceObject(Found);
    ZwClose(Handle);
    ObDereferenceObject(Thread);
}

static VOID TestLookup(VOID)
{
    PEPROCESS Process;
    PETHREAD Thread;
    KMT_EQUAL(PsLookupProcessByProcessId((HANDLE)4, &Process), STATUS_SUCCESS, "process 4");
    KMT_CHECK(Process == PsInitialSystemProcess, "is System");
    KMT_EQUAL(PsGetProcessId(Process), 4, "which knows it");
    ObDereferenceObject(Process);
    KMT_EQUAL(PsLookupThreadByThreadId((HANDLE)4, &Thread), STATUS_INVALID_PARAMETER,
              "a process id is no thread's");
    KMT_EQUAL(PsLookupProcessByProcessId(PsGetCurrentThreadId(), &Process),
              STATUS_INVALID_PARAMETER, "and the other way round");
    KMT_EQUAL(PsLookupThreadByThreadId(NULL, &Thread), STATUS_INVALID_PARAMETER, "0 is nobody's");
    KMT_EQUAL(PsLookupThreadByThreadId((HANDLE)0x7FFFFFF0, &Thread), STATUS_INVALID_PARAMETER,
              "nor is any number");
}

static volatile LONG Ran;

static VOID NTAPI Return(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Ran);
}

static VOID TestMany(VOID)
{
    HANDLE Ids[3];
    PETHREAD Thread;
    LONG Gone = 0;
    ULONG Looks = 0;
    for (int i = 0; i < 500; i++) {
        Thread = KmtStartThread(Return, NULL);
        if (i < 3) {
            Ids[i] = PsGetThreadId(Thread);
        }
        KmtJoin(Thread);
    }
    KMT_EQUAL(Ran, 500, "500 threads, one after another");
    // The reaper drops the last reference a moment after the thread has been signalled.
    while (Gone != 3 && KmtLookAgain(&Looks)) {
        Gone = 0;
        for (int j = 0; j < 3; j++) {
            if (NT_SUCCESS(PsLookupThreadByThreadId(Ids[j], &Thread))) {
                ObDereferenceObject(Thread);
            } else {
                Gone++;
            }
        }
    }
    KMT_EQUAL(Gone, 3, "are gone when nobody refers to them");
}

static VOID NTAPI WaitForEvent(PVOID Context)
{
    KeWaitForSingleObject(Context, Executive, KernelMode, FALSE, NULL);
}

static VOID TestIoThread(VOID)
{
    HANDLE Handle;
    PDEVICE_OBJECT Device;
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KMT_EQUAL(IoCreateDevice(KmtDriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device),
              STATUS_SUCCESS, "a device");
    LONG_PTR Before = ObReferenceObject(Device);
    KMT_EQUAL(IoCreateSystemThread(Device, &Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL,
                                   WaitForEvent, &Event),
              STATUS_SUCCESS, "a thread for it");
    KMT_EQUAL(ObReferenceObject(Device), Before + 2, "refers to it");
    ObDereferenceObject(Device);
    IoDeleteDevice(Device);
    KeSetEvent(&Event, 0, FALSE);
    ZwWaitForSingleObject(Handle, FALSE, NULL);
    ZwClose(Handle);
    LONG_PTR Count;
    ULONG Looks = 0;
    do {
        Count = ObReferenceObject(Device) - 1;
        ObDereferenceObject(Device);
    } while (Count != 1 && KmtLookAgain(&Looks));
    KMT_EQUAL(Count, 1, "and lets it go when it has ended");
    ObDereferenceObject(Device);
}

static VOID KmtRun(VOID)
{
    TestIdentity();
    TestLookup();
    TestMany();
    TestIoThread();
}
