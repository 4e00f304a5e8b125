/*
 * nt/ob_name.h - objects by name, and handles as such (book ch. 2, 4 and 8).
 *
 * Names. A path begins with a backslash, or is relative to RootDirectory, a handle for a directory
 * or for an object that knows names of its own. Components are compared without regard to case if
 * Attributes have OBJ_CASE_INSENSITIVE, if no type is asked for, or if it is one that drivers name
 * (devices, drivers, directories, links; as Windows 10 does): names of events, semaphores, mutants
 * and timers need the flag. Symbolic links on the way are followed, 32 at most. Errors:
 *   STATUS_INVALID_PARAMETER        ObjectAttributes missing, of the wrong length, or with
 * attributes that do not exist or that the type does not allow STATUS_OBJECT_PATH_SYNTAX_BAD   no
 * backslash in front, or one with a root directory STATUS_OBJECT_NAME_INVALID      an empty
 * component, or half a character STATUS_OBJECT_PATH_NOT_FOUND    an inner component is missing
 *   STATUS_OBJECT_NAME_NOT_FOUND    the last one is, or too many links were followed
 *   STATUS_NAME_TOO_LONG            a link and the rest make a path that is
 *   STATUS_OBJECT_TYPE_MISMATCH     there is one, of another type
 *   STATUS_INVALID_HANDLE           RootDirectory is no handle, or its object knows no names
 *   STATUS_REPARSE_POINT_ENCOUNTERED  a link was met and OBJ_DONT_REPARSE is given
 *   STATUS_ACCESS_DENIED            somebody has it open with OBJ_EXCLUSIVE; or, in user mode or
 * with OBJ_FORCE_ACCESS_CHECK, a right was asked for that the type does not have, or a device's
 * security descriptor does not give, or none at all STATUS_PRIVILEGE_NOT_HELD       so checked:
 * ACCESS_SYSTEM_SECURITY was asked for STATUS_INSUFFICIENT_RESOURCES
 * ObjectAttributes.SecurityDescriptor and SecurityQualityOfService are not looked at: only devices
 * have security (IoCreateDeviceSecure), and whoever finds another name may open it.
 *
 * Attributes of a new name: OBJ_PERMANENT keeps it when the last handle goes, until it is made
 * temporary; OBJ_OPENIF opens what has the name; OBJ_EXCLUSIVE lets one process at a time have it
 * open: that process gives OBJ_EXCLUSIVE whenever it opens it.
 */
#include <ntifs.h>

#ifndef _NT_OB_NAME_
#define _NT_OB_NAME_

/*
 * A referenced pointer to the object that has a name. In no WDK header: drivers declare it.
 *   PassedAccessState  NULL: there are none
 *   ObjectType         that it must have; NULL: any
 *   ParseContext       handed to the type whose object takes over the name; a device then means the
 *                      device object when it is NULL
 * Errors above. Book ch. 4.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByName(
    _In_ PUNICODE_STRING ObjectName, _In_ ULONG Attributes,
    _In_opt_ PACCESS_STATE PassedAccessState, _In_ ACCESS_MASK DesiredAccess,
    _In_opt_ POBJECT_TYPE ObjectType, _In_ KPROCESSOR_MODE AccessMode,
    _Inout_opt_ PVOID ParseContext, _Out_ PVOID *Object);

/* The same, answered with a handle that the caller closes. In no WDK header. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObOpenObjectByName(_In_ POBJECT_ATTRIBUTES ObjectAttributes,
                                              _In_opt_ POBJECT_TYPE ObjectType,
                                              _In_ KPROCESSOR_MODE AccessMode,
                                              _In_opt_ PACCESS_STATE PassedAccessState,
                                              _In_ ACCESS_MASK DesiredAccess,
                                              _Inout_opt_ PVOID ParseContext, _Out_ PHANDLE Handle);

/* Makes a permanent name go with the last handle; removes it now if there is none. Nothing happens
 * to an object without a name. WDK: ObMakeTemporaryObject. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ObMakeTemporaryObject(_In_ PVOID Object);

/* Adds a reference unless the last one has gone already, for those who find an object in a list
 * that does not hold one. FALSE: it is being deleted. Any IRQL. In no WDK header. */
NTKERNELAPI BOOLEAN NTAPI ObReferenceObjectSafe(_In_ PVOID Object);
/* The same; Tag as ObReferenceObjectWithTag's. In no WDK header. */
NTKERNELAPI BOOLEAN NTAPI ObReferenceObjectSafeWithTag(_In_ PVOID Object, _In_ ULONG Tag);

/* Closes a handle as somebody of AccessMode: user mode cannot close kernel handles.
 * STATUS_INVALID_HANDLE, STATUS_HANDLE_NOT_CLOSABLE: it is protected. The debug kernel bugchecks
 * INVALID_KERNEL_HANDLE when kernel mode closes a kernel handle and either is so. WDK:
 * ObCloseHandle. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObCloseHandle(_In_ HANDLE Handle, _In_ KPROCESSOR_MODE PreviousMode);

/* TRUE when the value is that of a kernel handle, open or not. Any IRQL. WDK: ObIsKernelHandle. */
NTKERNELAPI BOOLEAN NTAPI ObIsKernelHandle(_In_ HANDLE Handle);

#endif
