/*
 * Promises: PsCreateSystemThread makes a thread in the process that a handle names, and refuses
 * handles that are none or no process's, leaving nothing; the handle it gives has the rights and
 * attributes asked for; a thread ends with the status it gives, from any depth, or with success
 * when its routine returns.
 */
#include "kmt.h"

#define MANY 100

static volatile LONG Ran;

static VOID NTAPI Return(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Ran);
}

/* The status of making a thread in Process that runs Return; waits for its end. */
static NTSTATUS CreateIn(HANDLE Process, PCLIENT_ID Id)
{
    HANDLE Handle;
    NTSTATUS Status =
        PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, Process, Id, Return, NULL);
    if (NT_SUCCESS(Status)) {
        ZwWaitForSingleObject(Handle, FALSE, NULL);
        ZwClose(Handle);
    }
    return Status;
}

static VOID TestProcessHandle(VOID)
{
    HANDLE System, Weak;
    CLIENT_ID Id = {0};
    Ran = 0;
    KMT_EQUAL(ObOpenObjectByPointer(PsInitialSystemProcess, OBJ_KERNEL_HANDLE, NULL,
                                    PROCESS_ALL_ACCESS, *PsProcessType, KernelMode, &System),
              STATUS_SUCCESS, "a handle for System");
    KMT_EQUAL(CreateIn(System, &Id), STATUS_SUCCESS, "a thread in the process of a handle");
    KMT_EQUAL(Id.UniqueProcess, 4, "which is System");
    KMT_EQUAL(CreateIn(NtCurrentProcess(), &Id), STATUS_SUCCESS, "and in the current process");
    ObOpenObjectByPointer(PsInitialSystemProcess, OBJ_KERNEL_HANDLE, NULL, SYNCHRONIZE,
                          *PsProcessType, KernelMode, &Weak);
    KMT_EQUAL(CreateIn(Weak, NULL), STATUS_SUCCESS, "kernel mode is not held to a handle's rights");
    KMT_EQUAL(Ran, 3, "all three ran");
    ZwClose(Weak);
    ZwClose(System);
    KMT_EQUAL(CreateIn(System, NULL), STATUS_INVALID_HANDLE, "a closed handle is refused");
}

static VOID TestRefusals(VOID)
{
    LONG_PTR Before = ObReferenceObject(PsInitialSystemProcess);
    HANDLE Event;
    PVOID Object;
    Ran = 0;
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    KMT_EQUAL(CreateIn(Event, NULL), STATUS_OBJECT_TYPE_MISMATCH, "an event is no process");
    KMT_EQUAL(CreateIn(NtCurrentThread(), NULL), STATUS_OBJECT_TYPE_MISMATCH, "nor is a thread");
    KMT_EQUAL(CreateIn((HANDLE)0x7FFFFFF0, NULL), STATUS_INVALID_HANDLE, "nor any number");
    KMT_EQUAL(ObOpenObjectByPointer(PsInitialSystemProcess, 0, NULL, 0, *PsThreadType, KernelMode,
                                    (PHANDLE)&Object),
              STATUS_OBJECT_TYPE_MISMATCH, "a process is not opened as a thread");
    for (LONG i = 0; i < MANY; i++) {
        CreateIn(Event, NULL);
        CreateIn(NtCurrentThread(), NULL);
        CreateIn((HANDLE)0x7FFFFFF0, NULL);
        ObOpenObjectByPointer(PsInitialSystemProcess, 0, NULL, 0, *PsThreadType, KernelMode,
                              (PHANDLE)&Object);
    }
    KMT_EQUAL(Ran, 0, "nothing ran");
    ZwClose(Event);
    ObDereferenceObject(PsInitialSystemProcess);
    /* Threads of the system come and go, and those made before are just being buried. */
    KMT_CHECK(ObReferenceObject(PsInitialSystemProcess) < Before + MANY / 2,
              "no reference is left");
    ObDereferenceObject(PsInitialSystemProcess);
}

static VOID TestHandle(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    PVOID Object;
    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    PsCreateSystemThread(&Handle, SYNCHRONIZE, &Attributes, NULL, NULL, Return, NULL);
    KMT_EQUAL(
        ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, UserMode, &Object, NULL),
        STATUS_SUCCESS, "the handle has the right asked for");
    ObDereferenceObject(Object);
    KMT_EQUAL(ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, *PsThreadType, UserMode, &Object,
                                        NULL),
              STATUS_ACCESS_DENIED, "and no more");
    ZwWaitForSingleObject(Handle, FALSE, NULL);
    ZwClose(Handle);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    PsCreateSystemThread(&Handle, GENERIC_ALL, &Attributes, NULL, NULL, Return, NULL);
    KMT_CHECK((LONG_PTR)Handle < 0, "a kernel handle when asked for");
    KMT_EQUAL(ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, UserMode, &Object, NULL),
              STATUS_INVALID_HANDLE, "which is nothing to user mode");
    ZwWaitForSingleObject(Handle, FALSE, NULL);
    ZwClose(Handle);
}

static volatile LONG Returned;

static __attribute__((noinline)) VOID EndDeep(ULONG Depth, NTSTATUS Status)
{
    volatile UCHAR Room[64];
    Room[0] = (UCHAR)Depth;
    if (Depth == 0) {
        PsTerminateSystemThread(Status);
        Returned = 1;
    } else {
        EndDeep(Depth - 1, Status);
    }
    Room[1] = Room[0];
}

static VOID NTAPI EndWith(PVOID Context)
{
    EndDeep(10, (NTSTATUS)(LONG_PTR)Context);
}

static VOID TestExitStatus(VOID)
{
    PETHREAD Thread = KmtStartThread(Return, NULL);
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    KMT_EQUAL(PsGetThreadExitStatus(Thread), STATUS_SUCCESS, "returning is success");
    KmtJoin(Thread);
    Thread = KmtStartThread(EndWith, (PVOID)(LONG_PTR)STATUS_DEVICE_BUSY);
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    KMT_EQUAL(PsGetThreadExitStatus(Thread), STATUS_DEVICE_BUSY, "a thread ends with its status");
    KMT_EQUAL(Returned, 0, "and does not return from the call");
    KMT_EQUAL(PsGetThreadExitStatus(Thread), STATUS_DEVICE_BUSY, "the status stays");
    KmtJoin(Thread);
    KMT_EQUAL(PsGetThreadExitStatus(KeGetCurrentThread()), STATUS_PENDING,
              "one that runs has none yet");
}

static VOID KmtRun(VOID)
{
    TestProcessHandle();
    TestRefusals();
    TestHandle();
    TestExitStatus();
}
