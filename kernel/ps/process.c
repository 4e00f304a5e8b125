/*
 * process.c - the types Process and Thread, and the System process.
 *
 * System is the process that owns nearly all threads and the table of kernel handles. It lives for
 * ever. Its id is 4 because it is the first to get one. Others come by create.c.
 */
#include "psp.h"
#include "stacktrace.h"

POBJECT_TYPE PsProcessType, PsThreadType;
PEPROCESS PsInitialSystemProcess;

#define PSP_SYSTEM_PRIORITY 8

static const OB_TYPE_INITIALIZER PspProcessInitializer = {
    .Name = L"Process",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = PROCESS_ALL_ACCESS,
    .GenericMapping = {STANDARD_RIGHTS_READ | 0x410, STANDARD_RIGHTS_WRITE | 0xBEA,
                       STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE | 0x1001, PROCESS_ALL_ACCESS},
    .Delete = PspDeleteProcess,
    .InvalidAttributes = OBJ_OPENIF | OBJ_EXCLUSIVE | OBJ_PERMANENT,
    .DispatcherOffset = offsetof(struct _KPROCESS, Header),
};

static const OB_TYPE_INITIALIZER PspThreadInitializer = {
    .Name = L"Thread",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = THREAD_ALL_ACCESS,
    .GenericMapping = {STANDARD_RIGHTS_READ | 0x48, STANDARD_RIGHTS_WRITE | 0x437,
                       STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE | 0x1800, THREAD_ALL_ACCESS},
    .Delete = PspDeleteThread,
    .InvalidAttributes = OBJ_OPENIF | OBJ_EXCLUSIVE | OBJ_PERMANENT,
    .DispatcherOffset = offsetof(struct _KTHREAD, Header),
};

/* Step tells which of the calls below failed. */
static void PspMust(NTSTATUS Status, ULONG Step)
{
    if (!NT_SUCCESS(Status)) {
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, (ULONG)Status, 'p', Step, 0);
    }
}

static void PspCreateSystemProcess(void)
{
    PEPROCESS Process;
    PspMust(ObAllocateObject(PsProcessType, sizeof(*Process), (PVOID *)&Process), 3);
    KeInitializeProcess(Process, PSP_SYSTEM_PRIORITY, ~(KAFFINITY)0, MmQuerySystemDirectoryBase());
    ExInitializeRundownProtection(&Process->HandleRundown);
    Process->ExitStatus = STATUS_PENDING;
    RtlCopyMemory(Process->ImageFileName, "System", sizeof("System"));
    KeQuerySystemTime(&Process->CreateTime);
    Process->ObjectTable = ExCreateHandleTable();
    PspCidTable = ExCreateHandleTable();
    if (Process->ObjectTable == NULL || PspCidTable == NULL) {
        PspMust(STATUS_INSUFFICIENT_RESOURCES, 4);
    }
    ExSkipHandleTraces(PspCidTable);
    PspMust(PspAllocateId(Process, &Process->UniqueProcessId), 5);
    KI_ASSERT(Process->UniqueProcessId == (HANDLE)4);
    PspInsertProcess(Process);
    PsInitialSystemProcess = Process;
}

static void PspStartFirstThreads(PKSTART_ROUTINE Phase1)
{
    PETHREAD First, Reaper;
    PspMust(PspAllocateThread(PsInitialSystemProcess, "Phase1", Phase1, NULL, &First), 6);
    PspMust(PspAllocateThread(PsInitialSystemProcess, "Reaper", PspReaperThread, NULL, &Reaper), 7);
    // Memory comes back as soon as a thread has ended, whatever ordinary threads are busy with.
    Reaper->Priority = Reaper->BasePriority = LOW_REALTIME_PRIORITY;
    // A ready thread would preempt the start-up code, which is about to be an idle thread, at once.
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    PspThreadComes(PsInitialSystemProcess);
    PspStartThread(First);
    PspThreadComes(PsInitialSystemProcess);
    PspStartThread(Reaper);
    KeLowerIrql(OldIrql);
    ObfDereferenceObject(First);
    ObfDereferenceObject(Reaper);
}

void PsInitSystem(PKSTART_ROUTINE Phase1)
{
    PspMust(ObCreateType(&PspProcessInitializer, &PsProcessType), 1);
    PspMust(ObCreateType(&PspThreadInitializer, &PsThreadType), 2);
    PspCreateSystemProcess();
    PspStartFirstThreads(Phase1);
}
