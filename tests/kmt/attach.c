/*
 * Promises: a process is made with an address space of its own, is found by its id, runs threads,
 * exits with the last of them and goes with its last reference, and its page table with it. A
 * thread that attaches uses the other's address space and handles and still belongs to its own
 * process; attaching nests; APCs for its own environment wait until it is back, those for where it
 * is are delivered there; I/O works meanwhile.
 */
#include "kmtprocess.h"

static HANDLE Make(PEPROCESS *Process)
{
    return KmtMakeChild(NtCurrentProcess(), 0, Process);
}

/* The figures of one process; FALSE: it is not listed. */
static BOOLEAN Listed(HANDLE Id, PULONG Threads, PULONG Handles)
{
    ULONG Size = 0x10000;
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Size, 'tseT');
    PSYSTEM_PROCESS_INFORMATION Entry = (PVOID)Buffer;
    BOOLEAN Found = FALSE;
    if (NT_SUCCESS(ZwQuerySystemInformation(SystemProcessInformation, Buffer, Size, NULL))) {
        for (;;) {
            if (Entry->UniqueProcessId == Id) {
                Found = TRUE;
                *Threads = Entry->NumberOfThreads;
                *Handles = Entry->HandleCount;
            }
            if (Entry->NextEntryOffset == 0) {
                break;
            }
            Entry = (PVOID)((PUCHAR)Entry + Entry->NextEntryOffset);
        }
    }
    ExFreePool(Buffer);
    return Found;
}

static VOID TestCreation(VOID)
{
    PEPROCESS Process, Found;
    HANDLE Handle = Make(&Process), Again;
    ULONG Threads = 99, Handles = 99, Length;
    PROCESS_BASIC_INFORMATION Basic;
    OBJECT_ATTRIBUTES Attributes;
    CLIENT_ID Cid = {0};
    KMT_CHECK(Process != NULL, "a process is made");
    Cid.UniqueProcess = PsGetProcessId(Process);
    KMT_CHECK((ULONG_PTR)Cid.UniqueProcess > 4 && (ULONG_PTR)Cid.UniqueProcess % 4 == 0,
              "it has an id");
    KMT_EQUAL(PsLookupProcessByProcessId(Cid.UniqueProcess, &Found), STATUS_SUCCESS,
              "by which it is found");
    KMT_CHECK(Found == Process, "itself");
    ObDereferenceObject(Found);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    KMT_EQUAL(ZwOpenProcess(&Again, GENERIC_READ, &Attributes, &Cid), STATUS_SUCCESS,
              "ZwOpenProcess finds it");
    KMT_EQUAL(
        ZwQueryInformationProcess(Again, ProcessBasicInformation, &Basic, sizeof(Basic), &Length),
        STATUS_SUCCESS, "it can be asked");
    KMT_CHECK(Basic.UniqueProcessId == (ULONG_PTR)Cid.UniqueProcess &&
                  Basic.InheritedFromUniqueProcessId == 4 && Basic.ExitStatus == STATUS_PENDING,
              "its id, its parent's, and that it has not exited");
    KMT_CHECK(PsGetProcessInheritedFromUniqueProcessId(Process) == (HANDLE)4, "so does Ps");
    KMT_CHECK(Listed(Cid.UniqueProcess, &Threads, &Handles) && Threads == 0 && Handles == 0,
              "the list of processes has it, without threads and handles");
    ZwClose(Again);
    ZwClose(Handle);
    ObDereferenceObject(Process);
    KMT_EQUAL(PsLookupProcessByProcessId(Cid.UniqueProcess, &Found), STATUS_INVALID_PARAMETER,
              "without handle or reference it is gone");
    KMT_CHECK(!Listed(Cid.UniqueProcess, &Threads, &Handles), "from the list, too");
}

static VOID TestBadCreation(VOID)
{
    HANDLE Handle = NULL, Event;
    KMT_EQUAL(ZwCreateProcessEx(&Handle, 0, NULL, NtCurrentProcess(), 2, NULL, NULL, NULL, 0),
              STATUS_INVALID_PARAMETER, "flags");
    KMT_EQUAL(ZwCreateProcessEx(&Handle, 0, NULL, NtCurrentProcess(), 0, NULL, NULL, NULL, 1),
              STATUS_INVALID_PARAMETER, "reserved");
    KMT_EQUAL(ZwCreateProcessEx(NULL, 0, NULL, NtCurrentProcess(), 0, NULL, NULL, NULL, 0),
              STATUS_ACCESS_VIOLATION, "no pointer");
    KMT_EQUAL(ZwCreateProcessEx(&Handle, 0, NULL, NULL, 0, NULL, NULL, NULL, 0),
              STATUS_INVALID_HANDLE, "no parent");
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    KMT_EQUAL(ZwCreateProcessEx(&Handle, 0, NULL, Event, 0, NULL, NULL, NULL, 0),
              STATUS_OBJECT_TYPE_MISMATCH, "an event for a parent");
    KMT_EQUAL(ZwCreateProcessEx(&Handle, 0, NULL, NtCurrentProcess(), 0, Event, NULL, NULL, 0),
              STATUS_OBJECT_TYPE_MISMATCH, "an event for a section");
    KMT_EQUAL(
        ZwCreateProcessEx(&Handle, 0, NULL, NtCurrentProcess(), 0, NULL, (HANDLE)0x7F0, NULL, 0),
        STATUS_INVALID_HANDLE, "no port");
    ZwClose(Event);
    KMT_CHECK(Handle == NULL, "no handle came of it");
}

/*** A thread in the process. ***/

typedef struct _INSIDE {
    PEPROCESS Process;
    BOOLEAN Right;
    ULONG64 Cr3;
    PVOID Kernel;
    LONG Value;
    HANDLE Handle; /* made in the process and left open */
} INSIDE;

static VOID NTAPI Inside(PVOID Context)
{
    INSIDE *In = Context;
    In->Right = PsGetCurrentProcess() == In->Process &&
                PsGetCurrentThreadProcess() == In->Process &&
                PsGetCurrentProcessId() == PsGetProcessId(In->Process) && !KeIsAttachedProcess();
    In->Cr3 = KmtCr3();
    In->Value = *(volatile LONG *)In->Kernel;
    ZwCreateEvent(&In->Handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    PsTerminateSystemThread(0x1234);
}

static VOID TestThread(VOID)
{
    INSIDE In = {0};
    HANDLE Process = Make(&In.Process), Thread = NULL;
    ULONG Threads = 99, Handles = 99;
    PETHREAD Object;
    KERNEL_USER_TIMES Times;
    LONG *Fresh = ExAllocatePool2(POOL_FLAG_NON_PAGED, 0x5000, 'tseT');
    *Fresh = 42; /* mapped after the address space was made */
    In.Kernel = Fresh;
    KMT_EQUAL(KmtWait(In.Process, 0), STATUS_TIMEOUT, "a process that runs is not signalled");
    KMT_EQUAL(PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, Process, NULL, Inside, &In),
              STATUS_SUCCESS, "a thread in the process");
    ObReferenceObjectByHandle(Thread, 0, *PsThreadType, KernelMode, (PVOID *)&Object, NULL);
    KmtWait(Object, 60000);
    KMT_CHECK(In.Right, "it runs in it");
    KMT_CHECK(In.Cr3 != KmtCr3(), "with page tables of its own");
    KMT_EQUAL(In.Value, 42, "which have the kernel's half");
    KMT_CHECK(PsGetThreadProcess(Object) == In.Process &&
                  PsGetThreadProcessId(Object) == PsGetProcessId(In.Process),
              "the thread knows its process");
    KMT_EQUAL(KmtWait(In.Process, 60000), STATUS_SUCCESS, "the process exits with its last thread");
    KMT_EQUAL(PsGetProcessExitStatus(In.Process), 0x1234, "with its status");
    KMT_CHECK(Listed(PsGetProcessId(In.Process), &Threads, &Handles) && Handles == 0,
              "its handles are closed");
    ZwQueryInformationProcess(Process, ProcessTimes, &Times, sizeof(Times), NULL);
    KMT_CHECK(Times.ExitTime.QuadPart >= Times.CreateTime.QuadPart, "and it has an exit time");
    KMT_EQUAL(PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, Process, NULL, Inside, &In),
              STATUS_PROCESS_IS_TERMINATING, "no thread comes after that");
    ObDereferenceObject(Object);
    ZwClose(Thread);
    ZwClose(Process);
    ObDereferenceObject(In.Process);
    ExFreePool(Fresh);
}

/*** Attaching. ***/

static VOID TestAttach(VOID)
{
    PEPROCESS First, Second, Own = PsGetCurrentProcess();
    HANDLE FirstHandle = Make(&First), SecondHandle = Make(&Second);
    ULONG64 Cr3 = KmtCr3(), FirstCr3;
    KAPC_STATE State, Nested, Same;
    KeStackAttachProcess(First, &State);
    FirstCr3 = KmtCr3();
    KMT_CHECK(PsGetCurrentProcess() == First && KeIsAttachedProcess(), "attached");
    KMT_CHECK(FirstCr3 != Cr3, "with other tables");
    KMT_CHECK(PsGetCurrentThreadProcess() == Own && PsGetCurrentProcessId() == PsGetProcessId(Own),
              "and still a thread of its process");
    KmtSleep(1);
    KMT_CHECK(KmtCr3() == FirstCr3, "a wait does not change that");
    KeStackAttachProcess(First, &Same);
    KeStackAttachProcess(Second, &Nested);
    KMT_CHECK(PsGetCurrentProcess() == Second && KmtCr3() != FirstCr3 && KmtCr3() != Cr3,
              "attaching nests");
    KeUnstackDetachProcess(&Nested);
    KMT_CHECK(PsGetCurrentProcess() == First && KmtCr3() == FirstCr3, "and comes back");
    KeUnstackDetachProcess(&Same);
    KMT_CHECK(PsGetCurrentProcess() == First, "attaching where one is, is nothing");
    KeUnstackDetachProcess(&State);
    KMT_CHECK(PsGetCurrentProcess() == Own && KmtCr3() == Cr3 && !KeIsAttachedProcess(),
              "detached");
    KeAttachProcess(Second);
    KMT_CHECK(PsGetCurrentProcess() == Second, "KeAttachProcess");
    KeDetachProcess();
    KeDetachProcess();
    KMT_CHECK(PsGetCurrentProcess() == Own, "KeDetachProcess, and once more");
    ZwClose(FirstHandle);
    ZwClose(SecondHandle);
    ObDereferenceObject(First);
    ObDereferenceObject(Second);
}

static VOID TestHandles(VOID)
{
    PEPROCESS Process;
    HANDLE Handle = Make(&Process), Event = NULL, Kernel, File;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\SystemRoot\\registry.reg");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    CHAR Buffer[16];
    KAPC_STATE State;
    PVOID Object;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Kernel, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    KeStackAttachProcess(Process, &State);
    KMT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
              STATUS_SUCCESS, "a handle made while attached");
    KMT_EQUAL(ZwSetEvent(Event, NULL), STATUS_SUCCESS, "is good there");
    KMT_EQUAL(ZwSetEvent(Kernel, NULL), STATUS_SUCCESS, "as kernel handles are everywhere");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    KMT_EQUAL(ZwCreateFile(&File, GENERIC_READ | SYNCHRONIZE, &Attributes, &Iosb, NULL, 0,
                           FILE_SHARE_READ, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0),
              STATUS_SUCCESS, "a file is opened");
    KMT_EQUAL(ZwReadFile(File, NULL, NULL, NULL, &Iosb, Buffer, sizeof(Buffer), NULL, NULL),
              STATUS_SUCCESS, "and read while attached");
    ZwClose(File);
    KeUnstackDetachProcess(&State);
    KMT_CHECK(
        !NT_SUCCESS(ObReferenceObjectByHandle(Event, 0, *PsProcessType, KernelMode, &Object, NULL)),
        "the value means something else, or nothing, outside");
    ZwClose(Kernel);
    ZwClose(Handle);
    ObDereferenceObject(Process); /* closes Event */
}

/*** APCs. ***/

typedef struct _COUNTED {
    KAPC Apc;
    volatile LONG Runs;
    PEPROCESS Where; /* it ran last */
} COUNTED;

static VOID NTAPI Count(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context, PVOID *Argument1,
                        PVOID *Argument2)
{
    COUNTED *Counted = CONTAINING_RECORD(Apc, COUNTED, Apc);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Counted->Where = PsGetCurrentProcess();
    InterlockedIncrement(&Counted->Runs);
}

static VOID NTAPI Nothing(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID Queue(COUNTED *Counted, KAPC_ENVIRONMENT Environment)
{
    Counted->Runs = 0;
    KeInitializeApc(&Counted->Apc, KeGetCurrentThread(), Environment, Count, NULL, NULL, KernelMode,
                    NULL);
    KeInsertQueueApc(&Counted->Apc, NULL, NULL, 0);
}

static VOID TestApcs(VOID)
{
    PEPROCESS First, Second, Own = PsGetCurrentProcess();
    HANDLE FirstHandle = Make(&First), SecondHandle = Make(&Second);
    COUNTED Original, Attached, Current, Insert, Held;
    KAPC_STATE State, Nested;
    KeInitializeApc(&Insert.Apc, KeGetCurrentThread(), InsertApcEnvironment, Count, NULL, NULL,
                    KernelMode, NULL);
    Insert.Runs = 0;
    KeStackAttachProcess(First, &State);
    Queue(&Original, OriginalApcEnvironment);
    KMT_EQUAL(Original.Runs, 0, "an APC for its own process waits");
    Queue(&Attached, AttachedApcEnvironment);
    KMT_CHECK(Attached.Runs == 1 && Attached.Where == First, "one for the attached one runs");
    Queue(&Current, CurrentApcEnvironment);
    KMT_CHECK(Current.Runs == 1 && Current.Where == First, "the current one is the attached one");
    KeInsertQueueApc(&Insert.Apc, NULL, NULL, 0);
    KMT_CHECK(Insert.Runs == 1 && Insert.Where == First, "as it is when the APC is queued");
    KeStackAttachProcess(Second, &Nested);
    KMT_EQUAL(Original.Runs, 0, "it waits on when attaching nests");
    KeUnstackDetachProcess(&Nested);
    KMT_EQUAL(Original.Runs, 0, "and is not delivered half-way back");
    KeUnstackDetachProcess(&State);
    KMT_CHECK(Original.Runs == 1 && Original.Where == Own, "but at home");
    Queue(&Attached, AttachedApcEnvironment);
    KMT_CHECK(Attached.Runs == 1 && Attached.Where == Own,
              "without being attached, an APC comes where the thread is");

    KeEnterGuardedRegion();
    Queue(&Held, OriginalApcEnvironment);
    KeStackAttachProcess(First, &State);
    KeLeaveGuardedRegion();
    KMT_EQUAL(Held.Runs, 0, "one that waited already moves out of the way");
    KeUnstackDetachProcess(&State);
    KMT_CHECK(Held.Runs == 1 && Held.Where == Own, "and comes afterwards");

    KeStackAttachProcess(First, &State);
    Queue(&Held, OriginalApcEnvironment);
    KMT_CHECK(KeRemoveQueueApc(&Held.Apc), "one that waits can be taken back");
    KeInitializeApc(&Held.Apc, KeGetCurrentThread(), OriginalApcEnvironment, Count, NULL, Nothing,
                    UserMode, NULL);
    KMT_CHECK(KeInsertQueueApc(&Held.Apc, NULL, NULL, 0) && KeRemoveQueueApc(&Held.Apc),
              "a user APC, too");
    KeUnstackDetachProcess(&State);
    KMT_EQUAL(Held.Runs, 0, "and does not run then");
    ZwClose(FirstHandle);
    ZwClose(SecondHandle);
    ObDereferenceObject(First);
    ObDereferenceObject(Second);
}

/*** A process that ends while somebody is attached to it. ***/

static VOID TestEnding(VOID)
{
    INSIDE In = {0};
    HANDLE Handle = Make(&In.Process), Thread, Event = NULL;
    HANDLE Id = PsGetProcessId(In.Process);
    PEPROCESS Found;
    KAPC_STATE State;
    LONG Value = 7;
    In.Kernel = &Value;
    KeStackAttachProcess(In.Process, &State);
    KeUnstackDetachProcess(&State);
    PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, Handle, NULL, Inside, &In);
    KeStackAttachProcess(In.Process, &State);
    KmtWait(In.Process, 60000);
    KMT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
              STATUS_PROCESS_IS_TERMINATING, "a process that has exited gets no handles");
    KeUnstackDetachProcess(&State);
    ZwWaitForSingleObject(Thread, FALSE, NULL); /* the process ends first */
    ZwClose(Thread);
    ZwClose(Handle);
    KMT_EQUAL(PsLookupProcessByProcessId(Id, &Found), STATUS_SUCCESS,
              "one that has exited is found while it is referenced");
    ObDereferenceObject(Found);
    ObDereferenceObject(In.Process);
}

static VOID KmtRun(VOID)
{
    TestCreation();
    TestBadCreation();
    TestThread();
    TestAttach();
    TestHandles();
    TestApcs();
    TestEnding();
}
