/* nt/ob.h - objects: references and handles (book ch. 2 and 4). */
#include <wdm.h>

#ifndef _NT_OB_
#define _NT_OB_

typedef struct _OBJECT_TYPE *POBJECT_TYPE;
typedef struct _OBJECT_HANDLE_INFORMATION {
    ULONG HandleAttributes;
    ACCESS_MASK GrantedAccess;
} OBJECT_HANDLE_INFORMATION, *POBJECT_HANDLE_INFORMATION;

#define DELETE 0x00010000U
#define READ_CONTROL 0x00020000U
#define WRITE_DAC 0x00040000U
#define WRITE_OWNER 0x00080000U
#define SYNCHRONIZE 0x00100000U
#define STANDARD_RIGHTS_REQUIRED 0x000F0000U
#define STANDARD_RIGHTS_READ READ_CONTROL
#define STANDARD_RIGHTS_WRITE READ_CONTROL
#define STANDARD_RIGHTS_EXECUTE READ_CONTROL
#define STANDARD_RIGHTS_ALL 0x001F0000U
#define SPECIFIC_RIGHTS_ALL 0x0000FFFFU
#define ACCESS_SYSTEM_SECURITY 0x01000000U
#define MAXIMUM_ALLOWED 0x02000000U
#define GENERIC_READ 0x80000000U
#define GENERIC_WRITE 0x40000000U
#define GENERIC_EXECUTE 0x20000000U
#define GENERIC_ALL 0x10000000U
/* The rights of a type's own that each generic right stands for. */
typedef struct _GENERIC_MAPPING {
    ACCESS_MASK GenericRead;
    ACCESS_MASK GenericWrite;
    ACCESS_MASK GenericExecute;
    ACCESS_MASK GenericAll;
} GENERIC_MAPPING, *PGENERIC_MAPPING;

/* What ObQueryNameString and ObjectNameInformation answer: the string's characters follow. */
typedef struct _OBJECT_NAME_INFORMATION {
    UNICODE_STRING Name;
} OBJECT_NAME_INFORMATION, *POBJECT_NAME_INFORMATION;

#define EVENT_QUERY_STATE 0x0001
#define EVENT_MODIFY_STATE 0x0002
#define EVENT_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x3)
#define THREAD_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xFFFF)
#define PROCESS_DUP_HANDLE 0x0040
#define PROCESS_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xFFFF)

/*
 * The object a handle refers to, with a reference that the caller drops. IRQL <= APC_LEVEL
 * (WDK: PASSIVE_LEVEL).
 *   Handle         of the current process, a kernel handle (kernel mode only), NtCurrentProcess(),
 *                  NtCurrentThread()
 *   DesiredAccess  rights that the handle must have; looked at for UserMode only
 *   ObjectType     that the object must have; NULL: any
 * STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED; *Object is NULL then.
 * WDK: ObReferenceObjectByHandle; book ch. 4.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByHandle(
    _In_ HANDLE Handle, _In_ ACCESS_MASK DesiredAccess, _In_opt_ POBJECT_TYPE ObjectType,
    _In_ KPROCESSOR_MODE AccessMode, _Out_ PVOID *Object,
    _Out_opt_ POBJECT_HANDLE_INFORMATION HandleInformation);

/* One more reference, after a look at the type: STATUS_OBJECT_TYPE_MISMATCH. A kernel mode
 * caller may leave ObjectType NULL. IRQL <= DISPATCH_LEVEL. WDK: ObReferenceObjectByPointer;
 * book ch. 4. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByPointer(_In_ PVOID Object,
                                                      _In_ ACCESS_MASK DesiredAccess,
                                                      _In_opt_ POBJECT_TYPE ObjectType,
                                                      _In_ KPROCESSOR_MODE AccessMode);

typedef struct _ACCESS_STATE *PACCESS_STATE;

/*
 * A handle for an object that the caller refers to; it has a reference of its own.
 *   HandleAttributes   OBJ_KERNEL_HANDLE: good in every process, and for kernel mode only
 *   PassedAccessState  NULL: there are no security descriptors, and so no access states
 *   DesiredAccess      rights of the handle; generic ones are mapped
 *   ObjectType         that the object must have; kernel mode may leave it NULL
 * STATUS_OBJECT_TYPE_MISMATCH, STATUS_INSUFFICIENT_RESOURCES. STATUS_INVALID_PARAMETER: attributes
 * that do not exist or that the type does not allow. STATUS_ACCESS_DENIED,
 * STATUS_PRIVILEGE_NOT_HELD: see nt/ob_name.h. WDK: ObOpenObjectByPointer; book ch. 4.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObOpenObjectByPointer(_In_ PVOID Object, _In_ ULONG HandleAttributes,
                                                 _In_opt_ PACCESS_STATE PassedAccessState,
                                                 _In_ ACCESS_MASK DesiredAccess,
                                                 _In_opt_ POBJECT_TYPE ObjectType,
                                                 _In_ KPROCESSOR_MODE AccessMode,
                                                 _Out_ PHANDLE Handle);

/* ObfReferenceObject and ObfDereferenceObject add and drop a reference; both answer the new count.
 * Whoever drops the last one must not touch the object again: it is deleted now when that was at
 * PASSIVE_LEVEL, else in a worker thread soon. Too many of either bugchecks REFERENCE_BY_POINTER.
 * IRQL <= DISPATCH_LEVEL. WDK: ObReferenceObject, ObDereferenceObject; book ch. 4. */
NTKERNELAPI LONG_PTR NTAPI ObfReferenceObject(_In_ PVOID Object);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG_PTR NTAPI ObfDereferenceObject(_In_ PVOID Object);
/* The type of event objects, for ObReferenceObjectByHandle; drivers write *ExEventObjectType (see
 * PsThreadType). The object is a KEVENT. */
#ifdef _NTOSKRNL_
extern POBJECT_TYPE ExEventObjectType;
#else
extern POBJECT_TYPE *ExEventObjectType;
#endif
#define ObReferenceObject(Object) ObfReferenceObject(Object)
#define ObDereferenceObject(Object) ObfDereferenceObject(Object)

/* Drops a reference, and leaves the deletion, if it was the last, to a worker thread whatever the
 * IRQL: for callers with locks that the type's Delete routine takes. IRQL <= DISPATCH_LEVEL.
 * WDK: ObDereferenceObjectDeferDelete. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ObDereferenceObjectDeferDelete(_In_ PVOID Object);

/*
 * The same as the routines without WithTag. Tag is what Windows' object tracing would note down;
 * nothing here is traced, and it may have any value, also another one when the reference is
 * dropped. WDK: ObReferenceObjectWithTag, ObDereferenceObjectWithTag, ...
 */
NTKERNELAPI LONG_PTR NTAPI ObfReferenceObjectWithTag(_In_ PVOID Object, _In_ ULONG Tag);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG_PTR NTAPI ObfDereferenceObjectWithTag(_In_ PVOID Object, _In_ ULONG Tag);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ObDereferenceObjectDeferDeleteWithTag(_In_ PVOID Object, _In_ ULONG Tag);
/* ObReferenceObjectByHandle. WDK: ObReferenceObjectByHandleWithTag. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByHandleWithTag(
    _In_ HANDLE Handle, _In_ ACCESS_MASK DesiredAccess, _In_opt_ POBJECT_TYPE ObjectType,
    _In_ KPROCESSOR_MODE AccessMode, _In_ ULONG Tag, _Out_ PVOID *Object,
    _Out_opt_ POBJECT_HANDLE_INFORMATION HandleInformation);
/* ObReferenceObjectByPointer. WDK: ObReferenceObjectByPointerWithTag. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByPointerWithTag(_In_ PVOID Object,
                                                             _In_ ACCESS_MASK DesiredAccess,
                                                             _In_opt_ POBJECT_TYPE ObjectType,
                                                             _In_ KPROCESSOR_MODE AccessMode,
                                                             _In_ ULONG Tag);
#define ObReferenceObjectWithTag ObfReferenceObjectWithTag
#define ObDereferenceObjectWithTag ObfDereferenceObjectWithTag

#endif
