/*
 * nt/ps_query.h - processes and threads, asked about themselves (book ch. 8 and 9). Process and
 * Thread must be referenced or current; where nothing else is said the IRQL does not matter.
 */
#include <wdm.h>

#ifndef _NT_PS_QUERY_
#define _NT_PS_QUERY_

/*
 * A handle to a process by its id, or by the id of one of its threads. PASSIVE_LEVEL.
 *   DesiredAccess     PROCESS_*
 *   ObjectAttributes  no name; OBJ_KERNEL_HANDLE and so on
 *   ClientId          UniqueThread 0, or a thread of the process
 * STATUS_INVALID_PARAMETER_MIX: a name and an id, or neither. STATUS_INVALID_CID: no such process
 * or thread, or the thread is not that process's. STATUS_INVALID_PARAMETER: the attributes.
 * STATUS_ACCESS_VIOLATION: ProcessHandle is NULL or no kernel address; other pointers as in
 * nt/zw_object.h. STATUS_ACCESS_DENIED, STATUS_INSUFFICIENT_RESOURCES. WDK: ZwOpenProcess; book
 * ch. 2.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenProcess(_Out_ PHANDLE ProcessHandle, _In_ ACCESS_MASK DesiredAccess,
                                      _In_ POBJECT_ATTRIBUTES ObjectAttributes,
                                      _In_opt_ PCLIENT_ID ClientId);

/* The session: 0, there is no other. WDK: PsGetCurrentProcessSessionId; book ch. 8. */
NTKERNELAPI ULONG NTAPI PsGetCurrentProcessSessionId(VOID);
NTKERNELAPI ULONG NTAPI PsGetProcessSessionId(_In_ PEPROCESS Process);

/* The image's name in at most 14 characters and a 0, "System". Not documented by Microsoft:
 * PsGetProcessImageFileName; book ch. 9. */
NTKERNELAPI PUCHAR NTAPI PsGetProcessImageFileName(_In_ PEPROCESS Process);

/* System time of the start, in 100 ns. WDK: PsGetProcessCreateTimeQuadPart; book ch. 9. */
NTKERNELAPI LONGLONG NTAPI PsGetProcessCreateTimeQuadPart(_In_ PEPROCESS Process);

/* STATUS_PENDING as long as it runs. WDK: PsGetProcessExitStatus; book ch. 9. */
NTKERNELAPI NTSTATUS NTAPI PsGetProcessExitStatus(_In_ PEPROCESS Process);

/* The id of the process that made this one; 0: none. Not documented by Microsoft:
 * PsGetProcessInheritedFromUniqueProcessId. */
NTKERNELAPI HANDLE NTAPI PsGetProcessInheritedFromUniqueProcessId(_In_ PEPROCESS Process);

/* The process that the thread belongs to, not referenced; attaching does not change it. Not
 * documented by Microsoft: PsGetThreadProcess, PsGetCurrentThreadProcess and its id. */
NTKERNELAPI PEPROCESS NTAPI PsGetThreadProcess(_In_ PETHREAD Thread);
NTKERNELAPI PEPROCESS NTAPI PsGetCurrentThreadProcess(VOID);
NTKERNELAPI HANDLE NTAPI PsGetCurrentThreadProcessId(VOID);

/* System time of the start, in 100 ns. WDK: PsGetThreadCreateTime. */
NTKERNELAPI LONGLONG NTAPI PsGetThreadCreateTime(_In_ PETHREAD Thread);

/* TRUE: made by PsCreateSystemThread or the kernel, in whatever process. WDK: PsIsSystemThread. */
NTKERNELAPI BOOLEAN NTAPI PsIsSystemThread(_In_ PETHREAD Thread);
/* TRUE: it is on its way out, or has ended. WDK: PsIsThreadTerminating. */
NTKERNELAPI BOOLEAN NTAPI PsIsThreadTerminating(_In_ PETHREAD Thread);

/* Windows' version as RtlGetVersion tells it; each pointer may be NULL. TRUE: a checked build.
 * WDK: PsGetVersion. */
NTKERNELAPI BOOLEAN NTAPI PsGetVersion(_Out_opt_ PULONG MajorVersion, _Out_opt_ PULONG MinorVersion,
                                       _Out_opt_ PULONG BuildNumber,
                                       _Inout_opt_ PUNICODE_STRING CSDVersion);

/* KernelMode, unless the current thread is in a system service that user mode has called. WDK:
 * ExGetPreviousMode. */
NTKERNELAPI KPROCESSOR_MODE NTAPI ExGetPreviousMode(VOID);

#endif
