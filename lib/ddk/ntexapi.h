/*
 * ntexapi.h - system services that query, with their structures (book ch. 8). The WDK has no header
 * for them, so that drivers bring declarations of their own; these are for those that do not.
 *
 * All want PASSIVE_LEVEL. ReturnLength, if not NULL, receives the bytes written, or with
 * STATUS_INFO_LENGTH_MISMATCH the bytes that are needed.
 */
#ifndef _NTEXAPI_
#define _NTEXAPI_

#include <ntifs.h>

#ifdef __cplusplus
extern "C" {
#endif

#include <nt/ps_create.h>

/* Those that work here, with Windows' numbers. */
typedef enum _SYSTEM_INFORMATION_CLASS {
    SystemBasicInformation = 0,                /* SYSTEM_BASIC_INFORMATION */
    SystemTimeOfDayInformation = 3,            /* SYSTEM_TIMEOFDAY_INFORMATION */
    SystemProcessInformation = 5,              /* a chain of SYSTEM_PROCESS_INFORMATION */
    SystemProcessorPerformanceInformation = 8, /* one for each processor */
    SystemModuleInformation = 11,              /* RTL_PROCESS_MODULES */
    SystemKernelDebuggerInformation = 35       /* SYSTEM_KERNEL_DEBUGGER_INFORMATION */
} SYSTEM_INFORMATION_CLASS;

typedef struct _SYSTEM_BASIC_INFORMATION {
    ULONG Reserved;
    ULONG TimerResolution; /* the clock's tick, 100 ns */
    ULONG PageSize;
    ULONG NumberOfPhysicalPages;
    ULONG LowestPhysicalPageNumber;
    ULONG HighestPhysicalPageNumber;
    ULONG AllocationGranularity;
    ULONG_PTR MinimumUserModeAddress;
    ULONG_PTR MaximumUserModeAddress;
    ULONG_PTR ActiveProcessorsAffinityMask;
    CCHAR NumberOfProcessors;
} SYSTEM_BASIC_INFORMATION, *PSYSTEM_BASIC_INFORMATION;

/* System times; the time zone is UTC. */
typedef struct _SYSTEM_TIMEOFDAY_INFORMATION {
    LARGE_INTEGER BootTime;
    LARGE_INTEGER CurrentTime;
    LARGE_INTEGER TimeZoneBias;
    ULONG TimeZoneId;
    ULONG Reserved;
    ULONGLONG BootTimeBias;
    ULONGLONG SleepTimeBias;
} SYSTEM_TIMEOFDAY_INFORMATION, *PSYSTEM_TIMEOFDAY_INFORMATION;

typedef struct _SYSTEM_THREAD_INFORMATION {
    LARGE_INTEGER KernelTime; /* 100 ns, by ticks */
    LARGE_INTEGER UserTime;
    LARGE_INTEGER CreateTime;
    ULONG WaitTime; /* 0: not kept */
    PVOID StartAddress;
    CLIENT_ID ClientId;
    KPRIORITY Priority;
    LONG BasePriority;
    ULONG ContextSwitches;
    ULONG ThreadState; /* KTHREAD_STATE: 1 ready, 2 running, 3 standby, 4 terminated, 5 waiting */
    KWAIT_REASON WaitReason;
} SYSTEM_THREAD_INFORMATION, *PSYSTEM_THREAD_INFORMATION;

/*
 * One process, and its threads behind it. First comes process 0, "Idle" elsewhere and without a
 * name here: its threads are what processors do while nothing else is ready. What has to do with
 * user mode, paging or transfers is 0.
 */
typedef struct _SYSTEM_PROCESS_INFORMATION {
    ULONG NextEntryOffset; /* from this entry to the next, 8-byte aligned; 0: the last */
    ULONG NumberOfThreads;
    LARGE_INTEGER WorkingSetPrivateSize;
    ULONG HardFaultCount;
    ULONG NumberOfThreadsHighWatermark;
    ULONGLONG CycleTime;
    LARGE_INTEGER CreateTime; /* system time, 100 ns */
    LARGE_INTEGER UserTime;
    LARGE_INTEGER KernelTime; /* of all its threads, also those that have ended */
    UNICODE_STRING ImageName; /* the characters are in the buffer, behind the threads */
    KPRIORITY BasePriority;
    HANDLE UniqueProcessId;
    HANDLE InheritedFromUniqueProcessId;
    ULONG HandleCount;
    ULONG SessionId;
    ULONG_PTR UniqueProcessKey;
    SIZE_T PeakVirtualSize;
    SIZE_T VirtualSize;
    ULONG PageFaultCount;
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage;
    SIZE_T QuotaPagedPoolUsage;
    SIZE_T QuotaPeakNonPagedPoolUsage;
    SIZE_T QuotaNonPagedPoolUsage;
    SIZE_T PagefileUsage;
    SIZE_T PeakPagefileUsage;
    SIZE_T PrivatePageCount;
    LARGE_INTEGER ReadOperationCount;
    LARGE_INTEGER WriteOperationCount;
    LARGE_INTEGER OtherOperationCount;
    LARGE_INTEGER ReadTransferCount;
    LARGE_INTEGER WriteTransferCount;
    LARGE_INTEGER OtherTransferCount;
    SYSTEM_THREAD_INFORMATION Threads[1]; /* NumberOfThreads of them */
} SYSTEM_PROCESS_INFORMATION, *PSYSTEM_PROCESS_INFORMATION;

/* 100 ns, by ticks. KernelTime includes IdleTime and DpcTime. */
typedef struct _SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION {
    LARGE_INTEGER IdleTime;
    LARGE_INTEGER KernelTime;
    LARGE_INTEGER UserTime;
    LARGE_INTEGER DpcTime;
    LARGE_INTEGER InterruptTime; /* 0: not kept apart */
    ULONG InterruptCount;
} SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION, *PSYSTEM_PROCESSOR_PERFORMANCE_INFORMATION;

typedef struct _RTL_PROCESS_MODULE_INFORMATION {
    HANDLE Section;
    PVOID MappedBase;
    PVOID ImageBase;
    ULONG ImageSize;
    ULONG Flags;
    USHORT LoadOrderIndex;
    USHORT InitOrderIndex;
    USHORT LoadCount;
    USHORT OffsetToFileName; /* in FullPathName */
    UCHAR FullPathName[256];
} RTL_PROCESS_MODULE_INFORMATION, *PRTL_PROCESS_MODULE_INFORMATION;

/* The kernel comes first. */
typedef struct _RTL_PROCESS_MODULES {
    ULONG NumberOfModules;
    RTL_PROCESS_MODULE_INFORMATION Modules[1];
} RTL_PROCESS_MODULES, *PRTL_PROCESS_MODULES;

typedef struct _SYSTEM_KERNEL_DEBUGGER_INFORMATION {
    BOOLEAN KernelDebuggerEnabled;
    BOOLEAN KernelDebuggerNotPresent;
} SYSTEM_KERNEL_DEBUGGER_INFORMATION, *PSYSTEM_KERNEL_DEBUGGER_INFORMATION;

C_ASSERT(sizeof(SYSTEM_THREAD_INFORMATION) == 0x50);
C_ASSERT(offsetof(SYSTEM_PROCESS_INFORMATION, Threads) == 0x100);
C_ASSERT(offsetof(SYSTEM_PROCESS_INFORMATION, ImageName) == 0x38);
C_ASSERT(offsetof(SYSTEM_PROCESS_INFORMATION, UniqueProcessId) == 0x50);
C_ASSERT(sizeof(SYSTEM_BASIC_INFORMATION) == 0x40);
C_ASSERT(sizeof(SYSTEM_TIMEOFDAY_INFORMATION) == 0x30);
C_ASSERT(sizeof(SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION) == 0x30);
C_ASSERT(sizeof(RTL_PROCESS_MODULE_INFORMATION) == 0x128);

/*
 * What SystemInformationClass says of the system, as of now, in SystemInformation.
 * STATUS_INVALID_INFO_CLASS. STATUS_INFO_LENGTH_MISMATCH: the buffer is too short, or where the
 * size is fixed, not of that size. STATUS_INSUFFICIENT_RESOURCES. Not in the WDK:
 * ZwQuerySystemInformation; book ch. 8.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(
    _In_ SYSTEM_INFORMATION_CLASS SystemInformationClass, _Out_opt_ PVOID SystemInformation,
    _In_ ULONG SystemInformationLength, _Out_opt_ PULONG ReturnLength);

/*
 * What ProcessInformationClass says of a process; the handle needs PROCESS_QUERY_INFORMATION or,
 * for all that is here, PROCESS_QUERY_LIMITED_INFORMATION. The System process has no image file:
 * its name is empty. STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH, errors of
 * ObReferenceObjectByHandle. Not in the WDK: ZwQueryInformationProcess; book ch. 8.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationProcess(_In_ HANDLE ProcessHandle,
                                                  _In_ PROCESSINFOCLASS ProcessInformationClass,
                                                  _Out_opt_ PVOID ProcessInformation,
                                                  _In_ ULONG ProcessInformationLength,
                                                  _Out_opt_ PULONG ReturnLength);

typedef struct _THREAD_BASIC_INFORMATION {
    NTSTATUS ExitStatus;
    PVOID TebBaseAddress; /* NULL: no user mode */
    CLIENT_ID ClientId;
    ULONG_PTR AffinityMask;
    KPRIORITY Priority;
    LONG BasePriority;
} THREAD_BASIC_INFORMATION, *PTHREAD_BASIC_INFORMATION;
C_ASSERT(sizeof(THREAD_BASIC_INFORMATION) == 0x30);

typedef struct _THREAD_NAME_INFORMATION {
    UNICODE_STRING ThreadName; /* of a query: the characters stand behind it */
} THREAD_NAME_INFORMATION, *PTHREAD_NAME_INFORMATION;

/* The same of a thread, by THREAD_QUERY_INFORMATION or THREAD_QUERY_LIMITED_INFORMATION.
 * ThreadNameInformation answers STATUS_BUFFER_TOO_SMALL instead. WDK: ZwQueryInformationThread. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationThread(_In_ HANDLE ThreadHandle,
                                                 _In_ THREADINFOCLASS ThreadInformationClass,
                                                 _Out_opt_ PVOID ThreadInformation,
                                                 _In_ ULONG ThreadInformationLength,
                                                 _Out_opt_ PULONG ReturnLength);

/*
 * Sets a thread's priority, base priority or name; the handle needs THREAD_SET_INFORMATION, or for
 * the name the limited right. A name is for people, and ASCII; 23 characters of it are kept.
 * STATUS_INVALID_PARAMETER: out of range. STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH,
 * errors of ObReferenceObjectByHandle. WDK: ZwSetInformationThread.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetInformationThread(_In_ HANDLE ThreadHandle,
                                               _In_ THREADINFOCLASS ThreadInformationClass,
                                               _In_ PVOID ThreadInformation,
                                               _In_ ULONG ThreadInformationLength);

#ifdef __cplusplus
}
#endif

#endif
