/*
 * nt/zw_sync.h - dispatcher objects with handles and names: events, semaphores, mutants, timers
 * (book ch. 6). The objects are KEVENT, KSEMAPHORE, KMUTANT and, at its beginning, KTIMER: who has
 * a reference may wait for one as for its own. IRQL and bad pointers as in nt/zw_object.h, names as
 * in nt/ob_name.h; without a name an object is its handles' alone. Create answers STATUS_SUCCESS,
 * STATUS_OBJECT_NAME_EXISTS (OBJ_OPENIF) or STATUS_OBJECT_NAME_COLLISION. A query's Length is the
 * structure's size: STATUS_INFO_LENGTH_MISMATCH; other classes are STATUS_INVALID_INFO_CLASS.
 */
#include <ntddk.h>

#ifndef _NT_ZW_SYNC_
#define _NT_ZW_SYNC_

#define SEMAPHORE_QUERY_STATE 0x0001
#define SEMAPHORE_MODIFY_STATE 0x0002
#define SEMAPHORE_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x3)
#define MUTANT_QUERY_STATE 0x0001
#define MUTANT_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x1)
#define TIMER_QUERY_STATE 0x0001
#define TIMER_MODIFY_STATE 0x0002
#define TIMER_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x3)

/* Types, for ObReferenceObjectByHandle; drivers write *ExSemaphoreObjectType (see PsThreadType). */
#ifdef _NTOSKRNL_
extern POBJECT_TYPE ExSemaphoreObjectType, ExMutantObjectType, ExTimerObjectType;
#else
extern POBJECT_TYPE *ExSemaphoreObjectType, *ExMutantObjectType, *ExTimerObjectType;
#endif

typedef enum _EVENT_INFORMATION_CLASS {
    EventBasicInformation
} EVENT_INFORMATION_CLASS;
typedef struct _EVENT_BASIC_INFORMATION {
    EVENT_TYPE EventType;
    LONG EventState;
} EVENT_BASIC_INFORMATION, *PEVENT_BASIC_INFORMATION;

typedef enum _SEMAPHORE_INFORMATION_CLASS {
    SemaphoreBasicInformation
} SEMAPHORE_INFORMATION_CLASS;
typedef struct _SEMAPHORE_BASIC_INFORMATION {
    LONG CurrentCount;
    LONG MaximumCount;
} SEMAPHORE_BASIC_INFORMATION, *PSEMAPHORE_BASIC_INFORMATION;

typedef enum _MUTANT_INFORMATION_CLASS {
    MutantBasicInformation
} MUTANT_INFORMATION_CLASS;
typedef struct _MUTANT_BASIC_INFORMATION {
    LONG CurrentCount; /* 1: free; 0: owned; one less for each further acquisition */
    BOOLEAN OwnedByCaller;
    BOOLEAN AbandonedState;
} MUTANT_BASIC_INFORMATION, *PMUTANT_BASIC_INFORMATION;

typedef enum _TIMER_INFORMATION_CLASS {
    TimerBasicInformation
} TIMER_INFORMATION_CLASS;
typedef struct _TIMER_BASIC_INFORMATION {
    LARGE_INTEGER RemainingTime; /* 100 ns; negative when it has expired */
    BOOLEAN TimerState;          /* signalled */
} TIMER_BASIC_INFORMATION, *PTIMER_BASIC_INFORMATION;

typedef VOID NTAPI TIMER_APC_ROUTINE(_In_ PVOID TimerContext, _In_ ULONG TimerLowValue,
                                     _In_ LONG TimerHighValue);
typedef TIMER_APC_ROUTINE *PTIMER_APC_ROUTINE;

typedef enum _TIMER_SET_INFORMATION_CLASS {
    TimerSetCoalescableTimer,
    MaxTimerInfoClass
} TIMER_SET_INFORMATION_CLASS;
typedef struct _TIMER_SET_COALESCABLE_TIMER_INFO {
    LARGE_INTEGER DueTime;
    PTIMER_APC_ROUTINE TimerApcRoutine;
    PVOID TimerContext;
    struct _COUNTED_REASON_CONTEXT *WakeContext;
    ULONG Period;
    ULONG TolerableDelay;
    PBOOLEAN PreviousState;
} TIMER_SET_COALESCABLE_TIMER_INFO, *PTIMER_SET_COALESCABLE_TIMER_INFO;

C_ASSERT(sizeof(TIMER_BASIC_INFORMATION) == 16 && sizeof(TIMER_SET_COALESCABLE_TIMER_INFO) == 48);

/* What an event is and whether it is set. WDK: NtQueryEvent. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryEvent(_In_ HANDLE EventHandle,
                                     _In_ EVENT_INFORMATION_CLASS EventInformationClass,
                                     _Out_ PVOID EventInformation, _In_ ULONG Length,
                                     _Out_opt_ PULONG ReturnLength);

/* A new semaphore. STATUS_INVALID_PARAMETER: counts below 0, a limit of 0, or more than it at once.
 * WDK: NtCreateSemaphore. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateSemaphore(_Out_ PHANDLE SemaphoreHandle,
                                          _In_ ACCESS_MASK DesiredAccess,
                                          _In_opt_ POBJECT_ATTRIBUTES ObjectAttributes,
                                          _In_ LONG InitialCount, _In_ LONG MaximumCount);
/* A handle for a named semaphore. WDK: NtOpenSemaphore. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenSemaphore(_Out_ PHANDLE SemaphoreHandle,
                                        _In_ ACCESS_MASK DesiredAccess,
                                        _In_ POBJECT_ATTRIBUTES ObjectAttributes);
/* Adds to a semaphore's count and tells the one before. STATUS_INVALID_PARAMETER: less than 1;
 * STATUS_SEMAPHORE_LIMIT_EXCEEDED: nothing is added. WDK: NtReleaseSemaphore. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwReleaseSemaphore(_In_ HANDLE SemaphoreHandle, _In_ LONG ReleaseCount,
                                           _Out_opt_ PLONG PreviousCount);
/* A semaphore's count and limit. WDK: NtQuerySemaphore. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQuerySemaphore(_In_ HANDLE SemaphoreHandle,
                                         _In_ SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
                                         _Out_ PVOID SemaphoreInformation, _In_ ULONG Length,
                                         _Out_opt_ PULONG ReturnLength);

/* A new mutant, the caller's if InitialOwner. WDK: NtCreateMutant. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateMutant(_Out_ PHANDLE MutantHandle, _In_ ACCESS_MASK DesiredAccess,
                                       _In_opt_ POBJECT_ATTRIBUTES ObjectAttributes,
                                       _In_ BOOLEAN InitialOwner);
/* A handle for a named mutant. WDK: NtOpenMutant. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenMutant(_Out_ PHANDLE MutantHandle, _In_ ACCESS_MASK DesiredAccess,
                                     _In_ POBJECT_ATTRIBUTES ObjectAttributes);
/* Gives back one acquisition, and tells the count before. STATUS_MUTANT_NOT_OWNED: by the caller.
 * WDK: NtReleaseMutant. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwReleaseMutant(_In_ HANDLE MutantHandle, _Out_opt_ PLONG PreviousCount);
/* Whose a mutant is. WDK: NtQueryMutant. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryMutant(_In_ HANDLE MutantHandle,
                                      _In_ MUTANT_INFORMATION_CLASS MutantInformationClass,
                                      _Out_ PVOID MutantInformation, _In_ ULONG Length,
                                      _Out_opt_ PULONG ReturnLength);

/* A new timer, not armed. STATUS_INVALID_PARAMETER: TimerType. WDK: ZwCreateTimer. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateTimer(_Out_ PHANDLE TimerHandle, _In_ ACCESS_MASK DesiredAccess,
                                      _In_opt_ POBJECT_ATTRIBUTES ObjectAttributes,
                                      _In_ TIMER_TYPE TimerType);
/* A handle for a named timer. WDK: ZwOpenTimer. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenTimer(_Out_ PHANDLE TimerHandle, _In_ ACCESS_MASK DesiredAccess,
                                    _In_ POBJECT_ATTRIBUTES ObjectAttributes);
/*
 * Arms a timer, which is then not signalled until it expires; cancels what it was armed for.
 *   DueTime          100 ns: negative relative, else absolute system time
 *   TimerApcRoutine  called each time in the calling thread, as a normal kernel APC, with the time
 * of expiry; not any more when the timer's last handle and reference have gone. The timer is
 * cancelled when the thread ends ResumeTimer      TRUE, as nothing can wake the machine:
 * STATUS_TIMER_RESUME_IGNORED, a success Period           milliseconds until it expires again, and
 * again; 0: once PreviousState    receives whether it was signalled STATUS_INVALID_PARAMETER_6: a
 * negative Period. WDK: ZwSetTimer.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetTimer(_In_ HANDLE TimerHandle, _In_ PLARGE_INTEGER DueTime,
                                   _In_opt_ PTIMER_APC_ROUTINE TimerApcRoutine,
                                   _In_opt_ PVOID TimerContext, _In_ BOOLEAN ResumeTimer,
                                   _In_opt_ LONG Period, _Out_opt_ PBOOLEAN PreviousState);
/* The same for a timer that may be late by TolerableDelay milliseconds. TimerSetInformation:
 * TIMER_SET_COALESCABLE_TIMER_INFO; with a WakeContext STATUS_TIMER_RESUME_IGNORED, and a success.
 * STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH; STATUS_INVALID_PARAMETER: a period or
 * delay of over 7FFFFFFFh. WDK: ZwSetTimerEx. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetTimerEx(_In_ HANDLE TimerHandle,
                                     _In_ TIMER_SET_INFORMATION_CLASS TimerSetInformationClass,
                                     _Inout_opt_ PVOID TimerSetInformation,
                                     _In_ ULONG TimerSetInformationLength);
/* Disarms a timer, and its routine does not run any more; tells whether it is signalled. WDK:
 * ZwCancelTimer. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCancelTimer(_In_ HANDLE TimerHandle, _Out_opt_ PBOOLEAN CurrentState);
/* When a timer expires, and whether it has. WDK: NtQueryTimer. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryTimer(_In_ HANDLE TimerHandle,
                                     _In_ TIMER_INFORMATION_CLASS TimerInformationClass,
                                     _Out_ PVOID TimerInformation, _In_ ULONG Length,
                                     _Out_opt_ PULONG ReturnLength);

/* Waits for any of Count handles' objects, or for all of them at one moment, as
 * KeWaitForMultipleObjects. STATUS_INVALID_PARAMETER_1: Count is 0 or over 64;
 * STATUS_INVALID_PARAMETER_3: WaitType; STATUS_INVALID_PARAMETER_MIX: to wait for all of them, and
 * one object twice; STATUS_INSUFFICIENT_RESOURCES. WDK: ZwWaitForMultipleObjects. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwWaitForMultipleObjects(_In_ ULONG Count,
                                                 _In_reads_(Count) HANDLE Handles[],
                                                 _In_ WAIT_TYPE WaitType, _In_ BOOLEAN Alertable,
                                                 _In_opt_ PLARGE_INTEGER Timeout);

#endif
