/* ob.h - the object manager as the executive sees it: types, directories, names, handles. */
#ifndef _OB_PRIVATE_H_
#define _OB_PRIVATE_H_

#include <ntddk.h>

typedef struct _GENERIC_MAPPING_OB {
    ACCESS_MASK GenericRead, GenericWrite, GenericExecute, GenericAll;
} OB_GENERIC_MAPPING;

/* What a type's owner tells the object manager. Callbacks run at PASSIVE_LEVEL unless said. */
typedef struct _OB_TYPE_INITIALIZER {
    PCWSTR Name;
    POOL_TYPE PoolType;
    ACCESS_MASK ValidAccess;
    OB_GENERIC_MAPPING GenericMapping;
    /* Last reference gone; the body is still valid. */
    void (*Delete)(PVOID Object);
    /* A handle is going away; LastHandle: no other handle in the system refers to it. */
    void (*Close)(PVOID Object, BOOLEAN LastHandle);
    /* Name parsing goes on inside the object (devices): RemainingName may be empty; Context is the caller's. */
    NTSTATUS (*Parse)(PVOID ParseObject, PUNICODE_STRING RemainingName, ULONG Attributes,
                      ACCESS_MASK DesiredAccess, PVOID Context, PVOID *Object);
    /* Offset of the DISPATCHER_HEADER in the body to wait on; -1: not waitable; -2: the body's Event field is found by WaitObject(). */
    LONG DispatcherOffset;
} OB_TYPE_INITIALIZER;

void ObInitSystem(void);
NTSTATUS ObCreateObjectType(const OB_TYPE_INITIALIZER *Initializer, POBJECT_TYPE *Type);
/* A zeroed body of BodySize bytes, one reference, no name yet. */
NTSTATUS ObCreateObject(POBJECT_TYPE Type, SIZE_T BodySize, PVOID *Object);
/* Enters the object under the name in ObjectAttributes (when it has one) and, when Handle is not NULL, makes a
 * handle; consumes the creator's reference on failure, keeps one for the caller on success if ObjectOut is given. */
NTSTATUS ObInsertObject(PVOID Object, POBJECT_ATTRIBUTES ObjectAttributes, ACCESS_MASK DesiredAccess,
                        PVOID *ObjectOut, HANDLE *Handle);
/* Removes the name (temporary object: it dies with its last reference). */
void ObMakeTemporaryObject(PVOID Object);
NTSTATUS ObOpenObjectByName(POBJECT_ATTRIBUTES ObjectAttributes, POBJECT_TYPE Type,
                            KPROCESSOR_MODE AccessMode, ACCESS_MASK DesiredAccess, PVOID ParseContext,
                            HANDLE *Handle);
/* As above, but answers a referenced pointer. */
NTSTATUS ObReferenceObjectByName(PUNICODE_STRING Name, ULONG Attributes, ACCESS_MASK DesiredAccess,
                                 POBJECT_TYPE Type, KPROCESSOR_MODE AccessMode, PVOID ParseContext,
                                 PVOID *Object);
NTSTATUS ObOpenObjectByPointer(PVOID Object, ULONG Attributes, ACCESS_MASK DesiredAccess,
                               POBJECT_TYPE Type, KPROCESSOR_MODE AccessMode, HANDLE *Handle);
NTSTATUS ObCreateDirectory(PCWSTR Name);
NTSTATUS ObCreateSymbolicLink(PUNICODE_STRING Name, PUNICODE_STRING Target);
NTSTATUS ObDeleteSymbolicLink(PUNICODE_STRING Name);
LONG_PTR ObQueryPointerCount(PVOID Object);
LONG_PTR ObQueryHandleCount(PVOID Object);
/* Objects alive in all types together, for leak tests. */
ULONG64 ObQueryObjectCount(void);
NTSTATUS ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE AccessMode);

#endif
