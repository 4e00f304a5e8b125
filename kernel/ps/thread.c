/*
 * thread.c - a system thread from its creation to its end.
 *
 * While it is alive a thread has one reference for running. When it ends (its start routine
 * returns, or calls PsTerminateSystemThread) it first finishes what only it can finish: its IRPs,
 * whose completion runs as APCs in it, and timers that call it. Then ke takes it off its processor
 * and signals it, and the reaper frees the stack and drops that reference. The object goes with the
 * last handle or reference.
 */
#include "psp.h"

/* The thread's own last code. Completion APCs must still be able to arrive, which is why a
 * guarded region is fatal here; ke checks critical regions and mutexes. */
static DECLSPEC_NORETURN void PspExitThread(NTSTATUS ExitStatus)
{
    PETHREAD Thread = KeGetCurrentThread();
    if (KeGetCurrentIrql() != PASSIVE_LEVEL || Thread->SpecialApcDisable != 0) {
        KeBugCheckEx(KERNEL_APC_PENDING_DURING_EXIT, 0, (ULONG_PTR)Thread->SpecialApcDisable,
                     KeGetCurrentIrql(), (ULONG_PTR)Thread->StartAddress);
    }
    if (Thread->ApcStateIndex != OriginalApcEnvironment) {
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Thread->Process,
                     (ULONG_PTR)Thread->ApcState.Process, Thread->ApcStateIndex, (ULONG_PTR)Thread);
    }
    Thread->Terminating = TRUE;
    PspThreadGone(Thread->Process, ExitStatus); /* may close handles, which sends IRPs */
    ObCancelThreadTimers();                     /* what they call could start IRPs */
    IoCancelThreadIo();
    Thread->ExitStatus = ExitStatus;
    KeQuerySystemTime(&Thread->ExitTime);
    KeTerminateThread(0);
}

/* The first code of a system thread; PASSIVE_LEVEL. */
static void PspSystemThreadStartup(PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    StartRoutine(StartContext);
    PspExitThread(STATUS_SUCCESS);
}

/* The last reference has gone: of a thread that was buried, or of one that never started. */
void PspDeleteThread(PVOID Object)
{
    PETHREAD Thread = Object;
    ExForgetOwner(Thread);
    if (Thread->StackBase != NULL) {
        MmDeleteKernelStack(Thread->StackBase); // it never ran
    }
    if (Thread->Cid.UniqueThread != NULL) {
        PspFreeId(Thread->Cid.UniqueThread);
    }
    if (Thread->Process != NULL) {
        ObfDereferenceObject(Thread->Process);
    }
}

/* Memory is zeroed, so a name that is cut ends in a zero all the same. */
static void PspSetName(PETHREAD Thread, const char *Name)
{
    for (ULONG i = 0; Name != NULL && Name[i] != 0 && i < sizeof(Thread->Name) - 1; i++) {
        Thread->Name[i] = Name[i];
    }
}

NTSTATUS PspAllocateThread(PEPROCESS Process, const char *Name, PKSTART_ROUTINE StartRoutine,
                           PVOID StartContext, PETHREAD *NewThread)
{
    PETHREAD Thread;
    NTSTATUS Status = ObAllocateObject(PsThreadType, sizeof(*Thread), (PVOID *)&Thread);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PUCHAR Stack = MmCreateKernelStack();
    if (Stack == NULL) {
        ObfDereferenceObject(Thread);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeInitThread(Thread, Process, Stack, Stack - KERNEL_STACK_SIZE, PspSystemThreadStartup,
                 StartRoutine, StartContext);
    ObfReferenceObject(Process);
    PspSetName(Thread, Name);
    InitializeListHead(&Thread->IrpList);
    InitializeListHead(&Thread->TimerList);
    Thread->StartAddress = StartRoutine;
    Thread->StartContext = StartContext;
    Thread->ExitStatus = STATUS_PENDING;
    Thread->Cid.UniqueProcess = Process->UniqueProcessId;
    KeQuerySystemTime(&Thread->CreateTime);
    Status = PspAllocateId(Thread, &Thread->Cid.UniqueThread);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Thread);
        return Status;
    }
    *NewThread = Thread;
    return STATUS_SUCCESS;
}

/* The reference is taken first: the thread may have ended before KeReadyThread returns. */
void PspStartThread(PETHREAD Thread)
{
    ObfReferenceObject(Thread);
    Thread->Process->HadThreads = TRUE;
    KeReadyThread(Thread);
}

NTSTATUS PsCreateKernelThread(const char *Name, KPRIORITY Priority, PKSTART_ROUTINE Start,
                              PVOID Context, PETHREAD *NewThread)
{
    PETHREAD Thread;
    NTSTATUS Status = PspAllocateThread(PsInitialSystemProcess, Name, Start, Context, &Thread);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Thread->Priority = Thread->BasePriority = (SCHAR)Priority;
    PspThreadComes(PsInitialSystemProcess);
    PspStartThread(Thread);
    if (NewThread != NULL) {
        *NewThread = Thread;
    } else {
        ObfDereferenceObject(Thread);
    }
    return STATUS_SUCCESS;
}

/* The process of a new thread, referenced: System if no handle says otherwise. */
static NTSTATUS PspReferenceProcess(HANDLE ProcessHandle, PEPROCESS *Process)
{
    if (ProcessHandle != NULL) {
        return ObReferenceObjectByHandle(ProcessHandle, PROCESS_CREATE_THREAD, PsProcessType,
                                         KernelMode, (PVOID *)Process, NULL);
    }
    *Process = PsInitialSystemProcess;
    ObfReferenceObject(*Process);
    return STATUS_SUCCESS;
}

/* Process is referenced meanwhile. */
static NTSTATUS PspCreateThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
                                POBJECT_ATTRIBUTES ObjectAttributes, PEPROCESS Process,
                                PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                                PVOID StartContext, PVOID IoObject)
{
    PETHREAD Thread;
    if (!PspThreadComes(Process)) {
        return STATUS_PROCESS_IS_TERMINATING;
    }
    NTSTATUS Status = PspAllocateThread(Process, NULL, StartRoutine, StartContext, &Thread);
    if (NT_SUCCESS(Status)) {
        Status =
            ObEnterObject(Thread, ObjectAttributes, DesiredAccess, (PVOID *)&Thread, ThreadHandle);
    }
    if (!NT_SUCCESS(Status)) {
        PspThreadGone(Process, Status);
        return Status;
    }
    if (IoObject != NULL) {
        ObfReferenceObject(IoObject);
        Thread->IoObject = IoObject;
    }
    // The new thread may use what it is told to, so everything is in place before it runs.
    if (ClientId != NULL) {
        *ClientId = Thread->Cid;
    }
    PspStartThread(Thread);
    ObfDereferenceObject(Thread);
    return STATUS_SUCCESS;
}

NTSTATUS PspCreateSystemThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                               PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                               PVOID StartContext, PVOID IoObject)
{
    PEPROCESS Process;
    NTSTATUS Status = PspReferenceProcess(ProcessHandle, &Process);
    if (NT_SUCCESS(Status)) {
        Status = PspCreateThread(ThreadHandle, DesiredAccess, ObjectAttributes, Process, ClientId,
                                 StartRoutine, StartContext, IoObject);
        ObfDereferenceObject(Process);
    }
    return Status;
}

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                    PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                                    PVOID StartContext)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    return PspCreateSystemThread(ThreadHandle, DesiredAccess, ObjectAttributes, ProcessHandle,
                                 ClientId, StartRoutine, StartContext, NULL);
}

NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    // The idle threads are the only ones without an id, and all others are system threads.
    if (KeGetCurrentThread()->Cid.UniqueThread == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    PspExitThread(ExitStatus);
}

NTSTATUS NTAPI PsGetThreadExitStatus(PETHREAD Thread)
{
    // The status is stored before the thread is signalled, and counts only from then on.
    return Thread->Header.SignalState != 0 ? Thread->ExitStatus : STATUS_PENDING;
}
