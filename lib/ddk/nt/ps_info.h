/*
 * nt/ps_info.h - what can be asked of processes and threads. The query services themselves are in
 * ntexapi.h: the WDK does not declare them, and drivers bring declarations of their own. A buffer
 * that is NULL is one of no length; pointers are otherwise as in nt/zw_object.h.
 */
#include <wdm.h>

#ifndef _NT_PS_INFO_
#define _NT_PS_INFO_

/* Of ZwQueryInformationProcess: those that work here, with Windows' numbers. */
typedef enum _PROCESSINFOCLASS {
    ProcessBasicInformation = 0,    /* PROCESS_BASIC_INFORMATION */
    ProcessTimes = 4,               /* KERNEL_USER_TIMES */
    ProcessPriorityClass = 18,      /* PROCESS_PRIORITY_CLASS */
    ProcessHandleCount = 20,        /* ULONG */
    ProcessDeviceMap = 23,          /* HANDLE, to be set only */
    ProcessSessionInformation = 24, /* PROCESS_SESSION_INFORMATION */
    ProcessWow64Information = 26,   /* ULONG_PTR: 0, it is a 64-bit process */
    ProcessImageFileName = 27       /* UNICODE_STRING, its characters behind it */
} PROCESSINFOCLASS;

/* Of ZwQueryInformationThread, and of ZwSetInformationThread those with an S. */
typedef enum _THREADINFOCLASS {
    ThreadBasicInformation = 0,          /* THREAD_BASIC_INFORMATION */
    ThreadTimes = 1,                     /* KERNEL_USER_TIMES */
    ThreadPriority = 2,                  /* S  KPRIORITY, 1 to 31 */
    ThreadBasePriority = 3,              /* S  LONG, relative to the process */
    ThreadQuerySetWin32StartAddress = 9, /* PVOID */
    ThreadIsTerminated = 20,             /* ULONG: 1 when it has ended */
    ThreadSuspendCount = 35,             /* ULONG */
    ThreadNameInformation = 38           /* S  THREAD_NAME_INFORMATION */
} THREADINFOCLASS;

typedef struct _PROCESS_BASIC_INFORMATION {
    NTSTATUS ExitStatus;
    struct _PEB *PebBaseAddress; /* NULL: no user mode */
    ULONG_PTR AffinityMask;
    KPRIORITY BasePriority;
    ULONG_PTR UniqueProcessId;
    ULONG_PTR InheritedFromUniqueProcessId;
} PROCESS_BASIC_INFORMATION, *PPROCESS_BASIC_INFORMATION;

typedef struct _PROCESS_SESSION_INFORMATION {
    ULONG SessionId;
} PROCESS_SESSION_INFORMATION, *PPROCESS_SESSION_INFORMATION;

typedef struct _PROCESS_PRIORITY_CLASS {
    BOOLEAN Foreground;
    UCHAR PriorityClass;
} PROCESS_PRIORITY_CLASS, *PPROCESS_PRIORITY_CLASS;
#define PROCESS_PRIORITY_CLASS_NORMAL 2

/* In 100 ns; the first two are system times. ExitTime: 0 until the end. */
typedef struct _KERNEL_USER_TIMES {
    LARGE_INTEGER CreateTime;
    LARGE_INTEGER ExitTime;
    LARGE_INTEGER KernelTime;
    LARGE_INTEGER UserTime;
} KERNEL_USER_TIMES, *PKERNEL_USER_TIMES;

C_ASSERT(sizeof(PROCESS_BASIC_INFORMATION) == 0x30 && sizeof(KERNEL_USER_TIMES) == 0x20);

/*
 * Changes a process. ProcessDeviceMap: a HANDLE of the directory that \?? means for the process,
 * with \GLOBAL?? looked at after it; that of \GLOBAL?? itself takes it back.
 * STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH, STATUS_ACCESS_VIOLATION: the pointer;
 * STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH: of the process or directory. WDK:
 * ZwSetInformationProcess.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetInformationProcess(_In_ HANDLE ProcessHandle,
                                                _In_ PROCESSINFOCLASS ProcessInformationClass,
                                                _In_ PVOID ProcessInformation,
                                                _In_ ULONG ProcessInformationLength);

#endif
