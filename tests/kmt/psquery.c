/*
 * Promises: the query services tell of the system, its processes and its threads what is so; a
 * buffer that is too short gets the length that would have been enough, and nothing else; wrong
 * handles, rights, classes and lengths get the status that is documented.
 */
#include "kmt.h"
#include <ntexapi.h>

#define TAG 'yrQP'
#define NO_HANDLE ((HANDLE)(ULONG_PTR)0x7FFC)

/* The answer to Class in memory of its own, of just the length it takes; other threads come and go
 * meanwhile, so that it may take a few turns. */
static PVOID Query(SYSTEM_INFORMATION_CLASS Class, PULONG Length)
{
    PVOID Buffer = NULL;
    NTSTATUS Status = STATUS_INFO_LENGTH_MISMATCH;

    *Length = 0;
    for (ULONG Tries = 0; Tries < 20 && Status == STATUS_INFO_LENGTH_MISMATCH; Tries++) {
        if (Buffer != NULL) {
            ExFreePoolWithTag(Buffer, TAG);
        }
        ZwQuerySystemInformation(Class, NULL, 0, Length);
        Buffer = ExAllocatePool2(POOL_FLAG_PAGED, *Length, TAG);
        Status = ZwQuerySystemInformation(Class, Buffer, *Length, Length);
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Buffer, TAG);
        return NULL;
    }
    return Buffer;
}

static PSYSTEM_THREAD_INFORMATION FindThread(PSYSTEM_PROCESS_INFORMATION Process, HANDLE ThreadId)
{
    for (ULONG i = 0; i < Process->NumberOfThreads; i++) {
        if (Process->Threads[i].ClientId.UniqueThread == ThreadId) {
            return &Process->Threads[i];
        }
    }
    return NULL;
}

static VOID TestProcesses(VOID)
{
    UNICODE_STRING Expected = RTL_CONSTANT_STRING(L"System");
    PSYSTEM_PROCESS_INFORMATION Idle, System;
    PSYSTEM_THREAD_INFORMATION Self;
    ULONG Length;

    /* Of real time, where it neither sinks nor rises for a moment. */
    KPRIORITY Own = KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY + 1);
    Idle = Query(SystemProcessInformation, &Length);
    KeSetPriorityThread(KeGetCurrentThread(), Own);
    if (!KMT_CHECK(Idle != NULL, "the processes can be listed")) {
        return;
    }
    KMT_EQUAL(Idle->UniqueProcessId, 0, "the first is number 0");
    KMT_EQUAL(Idle->NumberOfThreads, KmtProcessors(), "with a thread for each processor");
    KMT_CHECK(Idle->NextEntryOffset != 0 && Idle->NextEntryOffset % 8 == 0, "another one follows");
    System = (PSYSTEM_PROCESS_INFORMATION)((PUCHAR)Idle + Idle->NextEntryOffset);
    KMT_EQUAL(System->UniqueProcessId, 4, "which is number 4");
    KMT_CHECK(RtlEqualUnicodeString(&System->ImageName, &Expected, FALSE), "and called System");
    KMT_EQUAL(System->NextEntryOffset, 0, "it is the last");
    KMT_CHECK((PUCHAR)System->ImageName.Buffer >
                      (PUCHAR)&System->Threads[System->NumberOfThreads - 1] &&
                  (PUCHAR)System->ImageName.Buffer + System->ImageName.MaximumLength <=
                      (PUCHAR)Idle + Length,
              "its name stands behind its threads, in the buffer");
    KMT_CHECK(System->HandleCount != 0 && System->CreateTime.QuadPart != 0, "it has handles");
    Self = FindThread(System, PsGetCurrentThreadId());
    if (KMT_CHECK(Self != NULL, "this thread is listed")) {
        KMT_EQUAL(Self->ThreadState, 2, "running");
        KMT_EQUAL(Self->Priority, LOW_REALTIME_PRIORITY + 1, "with its priority");
        KMT_EQUAL(Self->ClientId.UniqueProcess, 4, "as one of System's");
    }
    ExFreePoolWithTag(Idle, TAG);
}

/* Every length up to more than is needed: never a byte beyond it is written. */
static VOID TestLengths(SYSTEM_INFORMATION_CLASS Class, ULONG Step)
{
    ULONG Needed = 0, Length = 0, Wrong = 0;
    PUCHAR Buffer;

    ZwQuerySystemInformation(Class, NULL, 0, &Needed);
    Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Needed + 4096, TAG);
    for (ULONG i = 0; i < Needed + 64; i += Step) {
        NTSTATUS Status;
        RtlFillMemory(Buffer, i + 16, 0xA5);
        Status = ZwQuerySystemInformation(Class, Buffer, i, &Length);
        Wrong += Status != STATUS_SUCCESS && Status != STATUS_INFO_LENGTH_MISMATCH;
        Wrong += NT_SUCCESS(Status) != (i >= Length);
        for (ULONG j = 0; j < 16; j++) {
            Wrong += Buffer[i + j] != 0xA5;
        }
    }
    ExFreePoolWithTag(Buffer, TAG);
    KMT_EQUAL(Wrong, 0, "buffers of every length are respected");
}

static VOID TestSystem(VOID)
{
    SYSTEM_BASIC_INFORMATION Basic;
    SYSTEM_TIMEOFDAY_INFORMATION Time;
    PRTL_PROCESS_MODULES Modules;
    LARGE_INTEGER Now;
    ULONG Length, Found = 0;

    KMT_EQUAL(ZwQuerySystemInformation(SystemBasicInformation, &Basic, sizeof(Basic), &Length),
              STATUS_SUCCESS, "the system tells its basics");
    KMT_EQUAL(Basic.NumberOfProcessors, KmtProcessors(), "how many processors");
    KMT_EQUAL(Basic.PageSize, PAGE_SIZE, "and how large a page is");
    KMT_CHECK(Basic.NumberOfPhysicalPages > 4096 &&
                  Basic.HighestPhysicalPageNumber >= Basic.NumberOfPhysicalPages,
              "and how many there are");
    KMT_EQUAL(ZwQuerySystemInformation(SystemBasicInformation, &Basic, sizeof(Basic) - 1, NULL),
              STATUS_INFO_LENGTH_MISMATCH, "not into less");
    KMT_EQUAL(ZwQuerySystemInformation(SystemTimeOfDayInformation, &Time, sizeof(Time), &Length),
              STATUS_SUCCESS, "it tells the time");
    KeQuerySystemTimePrecise(&Now);
    KMT_CHECK(Time.BootTime.QuadPart < Time.CurrentTime.QuadPart &&
                  Time.CurrentTime.QuadPart <= Now.QuadPart,
              "which is between the start and now");
    Modules = Query(SystemModuleInformation, &Length);
    for (ULONG i = 0; Modules != NULL && i < Modules->NumberOfModules; i++) {
        PRTL_PROCESS_MODULE_INFORMATION Module = &Modules->Modules[i];
        if ((ULONG_PTR)TestSystem - (ULONG_PTR)Module->ImageBase < Module->ImageSize) {
            Found +=
                strcmp((PCSTR)Module->FullPathName + Module->OffsetToFileName, "psquery.sys") == 0;
            /* Where it was loaded from, as the service that the test harness made says. */
            Found += strstr((PCSTR)Module->FullPathName, "\\tests\\psquery.sys") != NULL;
            Found += Module->LoadCount == 1;
        }
    }
    KMT_EQUAL(Found, 3, "this driver is among the modules, with its path and a load count");
    ExFreePoolWithTag(Modules, TAG);
    KMT_EQUAL(ZwQuerySystemInformation((SYSTEM_INFORMATION_CLASS)9999, &Basic, 4, &Length),
              STATUS_INVALID_INFO_CLASS, "there is no class 9999");
}

static HANDLE OpenProcess(ULONG_PTR ProcessId, ULONG_PTR ThreadId, ACCESS_MASK Access,
                          PUNICODE_STRING Name, NTSTATUS Expected, PCSTR Text)
{
    CLIENT_ID Cid = {(HANDLE)ProcessId, (HANDLE)ThreadId};
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle = NULL;

    InitializeObjectAttributes(&Attributes, Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    KMT_EQUAL(ZwOpenProcess(&Handle, Access, &Attributes, &Cid), Expected, Text);
    return Handle;
}

static VOID TestOpen(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\System");
    ULONG_PTR Thread = (ULONG_PTR)PsGetCurrentThreadId();
    OBJECT_ATTRIBUTES Short = {.Length = sizeof(Short) - 1};
    CLIENT_ID Cid = {(HANDLE)4, NULL};
    HANDLE Handle;

    ZwClose(OpenProcess(4, 0, PROCESS_ALL_ACCESS, NULL, STATUS_SUCCESS, "process 4 is opened"));
    ZwClose(OpenProcess(4, Thread, 0x1000, NULL, STATUS_SUCCESS, "by a thread of it, too"));
    ZwClose(OpenProcess(0, Thread, 0x1000, NULL, STATUS_SUCCESS, "or by the thread alone"));
    OpenProcess(4, 4, 0x1000, NULL, STATUS_INVALID_CID, "a process is no thread");
    OpenProcess(Thread, 0, 0x1000, NULL, STATUS_INVALID_CID, "a thread is no process");
    OpenProcess(0, 0, 0x1000, NULL, STATUS_INVALID_CID, "process 0 is none");
    OpenProcess(Thread, Thread, 0x1000, NULL, STATUS_INVALID_CID, "another's thread is not found");
    OpenProcess(4, 0, 0x1000, &Name, STATUS_INVALID_PARAMETER_MIX, "a process has no name");
    KMT_EQUAL(ZwOpenProcess(&Handle, 0x1000, &Short, &Cid), STATUS_INVALID_PARAMETER,
              "attributes of a wrong length are refused");
}

static VOID TestProcess(VOID)
{
    HANDLE Handle = OpenProcess(4, 0, PROCESS_QUERY_LIMITED_INFORMATION, NULL, STATUS_SUCCESS,
                                "System is opened for queries");
    PROCESS_BASIC_INFORMATION Basic;
    KERNEL_USER_TIMES Times;
    UNICODE_STRING Name[8];
    ULONG Number, Length;
    ULONG_PTR Wow64;

    KMT_EQUAL(
        ZwQueryInformationProcess(Handle, ProcessBasicInformation, &Basic, sizeof(Basic), &Length),
        STATUS_SUCCESS, "it tells its basics");
    KMT_EQUAL(Basic.UniqueProcessId, 4, "its id");
    KMT_EQUAL(Basic.BasePriority, 8, "its priority");
    KMT_EQUAL(Basic.ExitStatus, STATUS_PENDING, "and that it runs");
    KMT_EQUAL(ZwQueryInformationProcess(Handle, ProcessBasicInformation, &Basic, sizeof(Basic) + 8,
                                        &Length),
              STATUS_INFO_LENGTH_MISMATCH, "not into more");
    KMT_EQUAL(Length, sizeof(Basic), "it tells how much it takes");
    KMT_EQUAL(
        ZwQueryInformationProcess(NtCurrentProcess(), ProcessTimes, &Times, sizeof(Times), NULL),
        STATUS_SUCCESS, "its times");
    KMT_EQUAL(Times.CreateTime.QuadPart, PsGetProcessCreateTimeQuadPart(PsInitialSystemProcess),
              "as the process itself knows them");
    KMT_EQUAL(ZwQueryInformationProcess(Handle, ProcessHandleCount, &Number, 4, NULL),
              STATUS_SUCCESS, "how many handles it has");
    KMT_CHECK(Number > 0, "at least this one");
    KMT_EQUAL(ZwQueryInformationProcess(Handle, ProcessSessionInformation, &Number, 4, NULL),
              STATUS_SUCCESS, "its session");
    KMT_EQUAL(Number, 0, "which is 0");
    KMT_EQUAL(ZwQueryInformationProcess(Handle, ProcessWow64Information, &Wow64, 8, NULL),
              STATUS_SUCCESS, "whether it is a 32-bit process");
    KMT_EQUAL(Wow64, 0, "which it is not");
    KMT_EQUAL(ZwQueryInformationProcess(Handle, ProcessImageFileName, Name, sizeof(Name), &Length),
              STATUS_SUCCESS, "its file's name");
    KMT_EQUAL(Name[0].Length, 0, "which is empty");
    KMT_EQUAL(ZwQueryInformationProcess(Handle, ProcessImageFileName, Name, 15, &Length),
              STATUS_INFO_LENGTH_MISMATCH, "not into 15 bytes");
    KMT_EQUAL(ZwQueryInformationProcess(Handle, (PROCESSINFOCLASS)999, Name, 8, &Length),
              STATUS_INVALID_INFO_CLASS, "there is no class 999");
    KMT_EQUAL(ZwQueryInformationProcess(NO_HANDLE, ProcessHandleCount, &Number, 4, NULL),
              STATUS_INVALID_HANDLE, "a wrong handle is refused");
    KMT_EQUAL(ZwQueryInformationProcess(NtCurrentThread(), ProcessHandleCount, &Number, 4, NULL),
              STATUS_OBJECT_TYPE_MISMATCH, "and a thread's");
    ZwClose(Handle);
}

static KEVENT Go;

static VOID NTAPI Sleeper(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
}

static VOID TestName(HANDLE Handle)
{
    THREAD_NAME_INFORMATION Set = {RTL_CONSTANT_STRING(L"sleeper")};
    UCHAR Buffer[64];
    PTHREAD_NAME_INFORMATION Got = (PTHREAD_NAME_INFORMATION)Buffer;
    ULONG Length;

    KMT_EQUAL(ZwSetInformationThread(Handle, ThreadNameInformation, &Set, sizeof(Set)),
              STATUS_SUCCESS, "a thread gets a name");
    KMT_EQUAL(
        ZwQueryInformationThread(Handle, ThreadNameInformation, Buffer, sizeof(Buffer), &Length),
        STATUS_SUCCESS, "and tells it");
    KMT_CHECK(RtlEqualUnicodeString(&Got->ThreadName, &Set.ThreadName, FALSE), "the same");
    KMT_EQUAL(ZwQueryInformationThread(Handle, ThreadNameInformation, Buffer, Length - 1, &Length),
              STATUS_BUFFER_TOO_SMALL, "not into less");
}

static VOID TestPriority(HANDLE Handle, PETHREAD Thread)
{
    LONG Priority = 13;

    KMT_EQUAL(ZwSetInformationThread(Handle, ThreadPriority, &Priority, 4), STATUS_SUCCESS,
              "a thread gets a priority");
    KMT_EQUAL(KeQueryPriorityThread(Thread), 13, "that one");
    Priority = 32;
    KMT_EQUAL(ZwSetInformationThread(Handle, ThreadPriority, &Priority, 4),
              STATUS_INVALID_PARAMETER, "not 32");
    Priority = -3;
    KMT_EQUAL(ZwSetInformationThread(Handle, ThreadBasePriority, &Priority, 4),
              STATUS_INVALID_PARAMETER, "nor a base 3 below its process's");
    KMT_EQUAL(ZwSetInformationThread(Handle, ThreadPriority, &Priority, 3),
              STATUS_INFO_LENGTH_MISMATCH, "nor 3 bytes");
    KMT_EQUAL(ZwSetInformationThread(Handle, ThreadBasicInformation, &Priority, 4),
              STATUS_INVALID_INFO_CLASS, "what is only told cannot be set");
}

static VOID TestThread(VOID)
{
    THREAD_BASIC_INFORMATION Basic;
    KERNEL_USER_TIMES Times;
    PVOID Start;
    ULONG Number;
    HANDLE Handle;
    PETHREAD Thread;

    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    Thread = KmtStartThread(Sleeper, NULL);
    KmtAwaitWaiters(&Go, 1); /* it uses up no quantum, and with it priority */
    ObOpenObjectByPointer(Thread, OBJ_KERNEL_HANDLE, NULL,
                          THREAD_QUERY_INFORMATION | THREAD_SET_INFORMATION, *PsThreadType,
                          KernelMode, &Handle);
    TestName(Handle);
    TestPriority(Handle, Thread);
    KMT_EQUAL(ZwQueryInformationThread(Handle, ThreadQuerySetWin32StartAddress, &Start, 8, NULL),
              STATUS_SUCCESS, "a thread tells where it began");
    KMT_CHECK(Start == (PVOID)Sleeper, "which is its routine");
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    KMT_EQUAL(ZwQueryInformationThread(Handle, ThreadIsTerminated, &Number, 4, NULL),
              STATUS_SUCCESS, "one that has ended can still be asked");
    KMT_EQUAL(Number, 1, "and says so");
    KMT_CHECK(PsIsThreadTerminating(Thread) && PsIsSystemThread(Thread), "to all who ask");
    KMT_EQUAL(ZwQueryInformationThread(Handle, ThreadTimes, &Times, sizeof(Times), NULL),
              STATUS_SUCCESS, "its times");
    KMT_CHECK(Times.ExitTime.QuadPart >= Times.CreateTime.QuadPart &&
                  Times.CreateTime.QuadPart == PsGetThreadCreateTime(Thread),
              "it began before it ended");
    KMT_EQUAL(ZwQueryInformationThread(Handle, ThreadBasicInformation, &Basic, sizeof(Basic), NULL),
              STATUS_SUCCESS, "its basics");
    KMT_EQUAL(Basic.ExitStatus, STATUS_SUCCESS, "it ended well");
    KMT_EQUAL(Basic.ClientId.UniqueThread, PsGetThreadId(Thread), "it had this id");
    ZwClose(Handle);
    ObDereferenceObject(Thread);
}

static VOID TestGetters(VOID)
{
    ULONG Major, Minor, Build;

    KMT_EQUAL(PsGetCurrentProcessSessionId(), 0, "this is session 0");
    KMT_EQUAL(strcmp((PCSTR)PsGetProcessImageFileName(PsInitialSystemProcess), "System"), 0,
              "the System process is called so");
    KMT_EQUAL(PsGetProcessExitStatus(PsInitialSystemProcess), STATUS_PENDING, "it runs");
    KMT_CHECK(PsGetCurrentThreadProcess() == PsInitialSystemProcess &&
                  PsGetCurrentThreadProcessId() == (HANDLE)4,
              "and this thread is in it");
    PsGetVersion(&Major, &Minor, &Build, NULL);
    KMT_EQUAL(Major, 10, "this is Windows 10");
    KMT_EQUAL(ExGetPreviousMode(), KernelMode, "and nobody called from user mode");
}

/* The last address that is not the kernel's, and one that is nobody's. */
static VOID TestBadPointers(VOID)
{
    static const ULONG64 Bad[] = {0x7FFFFFFFFFF8, 1};
    OBJECT_ATTRIBUTES Attributes;
    CLIENT_ID Cid = {PsGetCurrentProcessId(), NULL};
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    for (ULONG i = 0; i < ARRAYSIZE(Bad); i++) {
        PVOID Pointer = (PVOID)Bad[i];
        KMT_EQUAL(ZwOpenProcess(Pointer, 0x1000, &Attributes, &Cid), STATUS_ACCESS_VIOLATION,
                  "no place for a handle");
        KMT_EQUAL(ZwQueryInformationProcess(NtCurrentProcess(), ProcessBasicInformation, Pointer,
                                            sizeof(PROCESS_BASIC_INFORMATION), NULL),
                  STATUS_ACCESS_VIOLATION, "none for what a process says");
        KMT_EQUAL(
            ZwQueryInformationProcess(NtCurrentProcess(), ProcessImageFileName, Pointer, 64, NULL),
            STATUS_ACCESS_VIOLATION, "nor for its name");
        KMT_EQUAL(ZwQuerySystemInformation(SystemProcessInformation, Pointer, 64, NULL),
                  STATUS_ACCESS_VIOLATION, "nor for the system's");
        KMT_EQUAL(ZwSetInformationThread(NtCurrentThread(), ThreadPriority, Pointer, 4),
                  STATUS_ACCESS_VIOLATION, "nothing to set");
        KMT_EQUAL(
            ZwSetInformationProcess(NtCurrentProcess(), ProcessDeviceMap, Pointer, sizeof(HANDLE)),
            STATUS_ACCESS_VIOLATION, "nor here");
    }
}

static VOID KmtRun(VOID)
{
    TestProcesses();
    TestLengths(SystemProcessInformation, 61);
    TestLengths(SystemModuleInformation, 97);
    TestLengths(SystemProcessorPerformanceInformation, 7);
    TestSystem();
    TestOpen();
    TestProcess();
    TestThread();
    TestGetters();
    TestBadPointers();
}
