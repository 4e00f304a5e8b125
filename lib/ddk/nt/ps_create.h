/* nt/ps_create.h - processes of one's own, which only have threads in kernel mode. */
#include <wdm.h>

#ifndef _NT_PS_CREATE_
#define _NT_PS_CREATE_

#define PROCESS_CREATE_FLAGS_INHERIT_HANDLES 0x00000004

/*
 * Makes a process with an address space of its own, whose user part is empty as its parent's is,
 * and without threads: PsCreateSystemThread gives it some. It exits, with their last one's status,
 * when that ends: its handles are closed, and it is signalled. One that never had a thread goes
 * with its last handle. PASSIVE_LEVEL. ProcessHandle     receives a handle with DesiredAccess,
 * PROCESS_*, which the caller closes ObjectAttributes  OBJ_KERNEL_HANDLE and so on; NULL: none
 *   ParentProcess     a handle with PROCESS_CREATE_PROCESS, as NtCurrentProcess(): gives name,
 * priority, affinity and device map Flags             PROCESS_CREATE_FLAGS_INHERIT_HANDLES: the
 * parent's handles with OBJ_INHERIT, too, with the same values; 0 SectionHandle, DebugPort,
 * TokenHandle   NULL: no object is fit for them; Reserved: 0 STATUS_ACCESS_VIOLATION: ProcessHandle
 * is NULL or no kernel address. STATUS_INVALID_PARAMETER: Flags, Reserved.
 * STATUS_OBJECT_TYPE_MISMATCH, STATUS_INVALID_HANDLE, STATUS_ACCESS_DENIED: one of the handles.
 * STATUS_PROCESS_IS_TERMINATING: the parent has exited, and has nothing to inherit.
 * STATUS_INSUFFICIENT_RESOURCES. Not documented by Microsoft: NtCreateProcessEx.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateProcessEx(_Out_ PHANDLE ProcessHandle,
                                          _In_ ACCESS_MASK DesiredAccess,
                                          _In_opt_ POBJECT_ATTRIBUTES ObjectAttributes,
                                          _In_ HANDLE ParentProcess, _In_ ULONG Flags,
                                          _In_opt_ HANDLE SectionHandle, _In_opt_ HANDLE DebugPort,
                                          _In_opt_ HANDLE TokenHandle, _In_ ULONG Reserved);

#endif
