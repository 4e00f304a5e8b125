/* nt/ps.h - processes and threads (book ch. 4 and 8). */
#include <wdm.h>

#ifndef _NT_PS_
#define _NT_PS_

typedef VOID NTAPI KSTART_ROUTINE(_In_ PVOID StartContext);
typedef KSTART_ROUTINE *PKSTART_ROUTINE;

/*
 * Starts a thread in kernel mode at PASSIVE_LEVEL; it ends when StartRoutine returns or calls
 * PsTerminateSystemThread. IRQL: PASSIVE_LEVEL.
 *   ThreadHandle   receives a handle, which the caller closes; kernel handle if the attributes say
 *                  so
 *   ProcessHandle  the process it belongs to; NULL: System
 *   ClientId       receives the ids, before the thread runs
 * STATUS_INSUFFICIENT_RESOURCES; errors of ObReferenceObjectByHandle for ProcessHandle, of which
 * PROCESS_CREATE_THREAD is wanted; STATUS_PROCESS_IS_TERMINATING: it has exited.
 * WDK: PsCreateSystemThread; book ch. 8.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI PsCreateSystemThread(
    _Out_ PHANDLE ThreadHandle, _In_ ULONG DesiredAccess,
    _In_opt_ POBJECT_ATTRIBUTES ObjectAttributes, _In_opt_ HANDLE ProcessHandle,
    _Out_opt_ PCLIENT_ID ClientId, _In_ PKSTART_ROUTINE StartRoutine, _In_opt_ PVOID StartContext);

/* Ends the calling thread: cancels its IRPs and waits for them, then signals the thread. Does not
 * return, except with STATUS_INVALID_PARAMETER when the caller is not a system thread. Bugchecks
 * KERNEL_APC_PENDING_DURING_EXIT inside a critical or guarded region, THREAD_TERMINATE_HELD_MUTEX
 * with a mutex owned. IRQL: PASSIVE_LEVEL. WDK; book ch. 8. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI PsTerminateSystemThread(_In_ NTSTATUS ExitStatus);

/* The status Thread ended with, STATUS_PENDING while it has not. IRQL <= DISPATCH_LEVEL.
 * WDK: PsGetThreadExitStatus; book ch. 8. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI PsGetThreadExitStatus(_In_ PETHREAD Thread);

/* Ids: multiples of 4, never the same for a process and a thread. Any IRQL; Process and Thread must
 * be referenced or current. PsGetCurrentThreadId answers 0 on an idle thread.
 * WDK: PsGetCurrentProcessId and so on; book ch. 4. */
NTKERNELAPI HANDLE NTAPI PsGetCurrentProcessId(VOID);
NTKERNELAPI HANDLE NTAPI PsGetCurrentThreadId(VOID);
NTKERNELAPI HANDLE NTAPI PsGetProcessId(_In_ PEPROCESS Process);
NTKERNELAPI HANDLE NTAPI PsGetThreadId(_In_ PETHREAD Thread);
NTKERNELAPI HANDLE NTAPI PsGetThreadProcessId(_In_ PETHREAD Thread);

/* The process whose address space is in use, unreferenced. Any IRQL. WDK: PsGetCurrentProcess. */
NTKERNELAPI PEPROCESS NTAPI IoGetCurrentProcess(VOID);

/* Finds a thread or process by its id and answers it referenced; a thread that has ended is
 * found as long as somebody refers to it. IRQL <= APC_LEVEL. STATUS_INVALID_PARAMETER: no such
 * id. PsLookupThreadByThreadId, PsLookupProcessByProcessId: book ch. 4. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI PsLookupThreadByThreadId(_In_ HANDLE ThreadId, _Out_ PETHREAD *Thread);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI PsLookupProcessByProcessId(_In_ HANDLE ProcessId,
                                                      _Out_ PEPROCESS *Process);
#define PsGetCurrentProcess IoGetCurrentProcess
#define PsGetCurrentThread() ((PETHREAD)KeGetCurrentThread())
#define NtCurrentProcess() ((HANDLE)(LONG_PTR)-1)
#define NtCurrentThread() ((HANDLE)(LONG_PTR)-2)
#define ZwCurrentProcess() NtCurrentProcess()
#define ZwCurrentThread() NtCurrentThread()

/* Object types, for ObReferenceObjectByHandle. The kernel exports a POBJECT_TYPE, and what a driver
 * reads under the name is the import slot, which points to it: drivers write *PsThreadType. */
#ifdef _NTOSKRNL_
extern POBJECT_TYPE PsThreadType;
extern POBJECT_TYPE PsProcessType;
#else
extern POBJECT_TYPE *PsThreadType;
extern POBJECT_TYPE *PsProcessType;
#endif

/* The System process, PID 4; never deleted. WDK: PsInitialSystemProcess. */
NTKERNELAPI extern PEPROCESS PsInitialSystemProcess;

#endif
