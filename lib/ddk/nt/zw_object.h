/*
 * nt/zw_object.h - services for object directories, symbolic links and names (book ch. 2 and 8).
 *
 * IRQL: PASSIVE_LEVEL. What can be wrong with a name or with ObjectAttributes stands in
 * nt/ob_name.h. A handle of another type is STATUS_OBJECT_TYPE_MISMATCH, and none at all
 * STATUS_INVALID_HANDLE. Handles are the caller's to close.
 *
 * Pointers. The caller is the kernel, and its pointers are as good as it is: nothing is probed. But
 * one that a service must use and that is NULL or no kernel address is STATUS_ACCESS_VIOLATION, and
 * nothing is done. NULL for an optional one means that the answer is not wanted. A kernel address
 * that is not mapped, or may not be written, is the page fault's bugcheck,
 * PAGE_FAULT_IN_NONPAGED_AREA or ATTEMPTED_WRITE_TO_READONLY_MEMORY. Alignment does not matter.
 * Registry and file services ask more of their buffers: nt/key.h, nt/zw_file.h.
 */
#include <wdm.h>

#ifndef _NT_ZW_OBJECT_
#define _NT_ZW_OBJECT_

#define DIRECTORY_QUERY 0x0001
#define DIRECTORY_TRAVERSE 0x0002
#define DIRECTORY_CREATE_OBJECT 0x0004
#define DIRECTORY_CREATE_SUBDIRECTORY 0x0008
#define DIRECTORY_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | 0xF)
#define SYMBOLIC_LINK_QUERY 0x0001
#define SYMBOLIC_LINK_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | 0x1)
#define DUPLICATE_CLOSE_SOURCE 0x00000001
#define DUPLICATE_SAME_ACCESS 0x00000002
#define DUPLICATE_SAME_ATTRIBUTES 0x00000004

/* A new directory, or with OBJ_OPENIF the one that is there (STATUS_OBJECT_NAME_EXISTS); it goes
 * with its last handle unless OBJ_PERMANENT is given. STATUS_OBJECT_NAME_COLLISION.
 * WDK: ZwCreateDirectoryObject. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateDirectoryObject(_Out_ PHANDLE DirectoryHandle,
                                                _In_ ACCESS_MASK DesiredAccess,
                                                _In_ POBJECT_ATTRIBUTES ObjectAttributes);

/* A handle for a symbolic link itself, not for what it leads to. WDK: ZwOpenSymbolicLinkObject. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenSymbolicLinkObject(_Out_ PHANDLE LinkHandle,
                                                 _In_ ACCESS_MASK DesiredAccess,
                                                 _In_ POBJECT_ATTRIBUTES ObjectAttributes);

/*
 * Where a link leads to.
 *   LinkTarget      a buffer of MaximumLength bytes; receives the target and its Length
 *   ReturnedLength  receives the bytes that target and NUL take; who asks for it needs room for
 *                   the NUL too
 * STATUS_BUFFER_TOO_SMALL. WDK: ZwQuerySymbolicLinkObject.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQuerySymbolicLinkObject(_In_ HANDLE LinkHandle,
                                                  _Inout_ PUNICODE_STRING LinkTarget,
                                                  _Out_opt_ PULONG ReturnedLength);

/* Makes an object's permanent name go with its last handle. WDK: ZwMakeTemporaryObject. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwMakeTemporaryObject(_In_ HANDLE Handle);

#endif
