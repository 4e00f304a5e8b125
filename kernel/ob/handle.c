/*
 * handle.c - handles: a process's names for objects it has opened.
 *
 * Handles are entries of a handle table (ex), each one reference to its object; the table locks an
 * entry while it is looked at, so that the object cannot go before a reference has been taken. A
 * kernel handle is an entry of the System process's table with the value's high bits set, so
 * that it means the same in every process and user mode cannot use it.
 */
#include "obp.h"

#define OBP_KERNEL_HANDLE_BITS 0xFFFFFFFF80000000UL

/* What a wait on an object without a dispatcher header waits for: always signalled. */
static KEVENT ObpDefaultObject = {
    .Header = {.Type = EventNotificationObject,
               .Size = sizeof(KEVENT) / sizeof(LONG),
               .SignalState = 1,
               .WaitListHead = {&ObpDefaultObject.Header.WaitListHead,
                                &ObpDefaultObject.Header.WaitListHead}}};

static BOOLEAN ObpIsKernelHandle(HANDLE Handle)
{
    return (ULONG_PTR)Handle >= OBP_KERNEL_HANDLE_BITS;
}

/* A handle's value inside its table. The two low bits are the caller's to use and mean nothing. */
static HANDLE ObpTableHandle(HANDLE Handle)
{
    ULONG_PTR Value = (ULONG_PTR)Handle & ~(ULONG_PTR)3;
    return (HANDLE)(ObpIsKernelHandle(Handle) ? Value & ~OBP_KERNEL_HANDLE_BITS : Value);
}

/* The entry, locked, or NULL: no such handle, or not one for this mode. */
static PHANDLE_TABLE_ENTRY ObpLockHandle(HANDLE Handle, KPROCESSOR_MODE AccessMode)
{
    if (ObpIsKernelHandle(Handle) && AccessMode != KernelMode) {
        return NULL;
    }
    return ExLockHandleTableEntry(PsHandleTableOf(Handle), ObpTableHandle(Handle));
}

/* One handle less: the callbacks, the name and the reference that go with it. */
static void ObpHandleGone(POBJECT_HEADER Header)
{
    POBJECT_TYPE Type = Header->Type;
    InterlockedDecrement64(&Type->HandleCount);
    BOOLEAN Last = InterlockedDecrement64(&Header->HandleCount) == 0;
    if (Type->Info.Close != NULL) {
        Type->Info.Close(ObpBody(Header), Last);
    }
    if (Last && Header->Directory != NULL) {
        ObpRemoveNameIfUnused(Header);
    }
    ObfDereferenceObject(ObpBody(Header));
}

/* The count goes up before the handle exists: from its first moment it may be closed by others. */
NTSTATUS ObpCreateHandle(PVOID Object, ULONG Attributes, ACCESS_MASK Access, HANDLE *Handle)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    BOOLEAN KernelHandle = (Attributes & OBJ_KERNEL_HANDLE) != 0;
    HANDLE_TABLE_ENTRY Entry = {Object, ObpMapAccess(Header->Type, Access),
                                Attributes & OBJ_INHERIT};
    ObfReferenceObject(Object);
    InterlockedIncrement64(&Header->HandleCount);
    InterlockedIncrement64(&Header->Type->HandleCount);
    HANDLE New = ExCreateHandle(
        PsHandleTableOf(KernelHandle ? (HANDLE)OBP_KERNEL_HANDLE_BITS : NULL), &Entry);
    if (New == NULL) {
        ObpHandleGone(Header);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Handle = KernelHandle ? (HANDLE)((ULONG_PTR)New | OBP_KERNEL_HANDLE_BITS) : New;
    return STATUS_SUCCESS;
}

/* The caller's own reference keeps the object alive meanwhile; only the type is to be checked. */
NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                     PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess,
                                     POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                     PHANDLE Handle)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    KI_ASSERT(PassedAccessState == NULL); // nobody makes one
    NTSTATUS Status = ObReferenceObjectByPointer(Object, DesiredAccess, ObjectType, AccessMode);
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateHandle(Object, HandleAttributes, DesiredAccess, Handle);
        ObfDereferenceObject(Object);
    }
    return Status;
}

/* May a handle with Granted access be used for an object of type Wanted with Desired access? */
static NTSTATUS ObpCheckUse(POBJECT_TYPE Type, ACCESS_MASK Granted, POBJECT_TYPE Wanted,
                            ACCESS_MASK Desired, KPROCESSOR_MODE AccessMode)
{
    if (Wanted != NULL && Wanted != Type) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (AccessMode != KernelMode && (Desired & ~Granted) != 0) {
        return STATUS_ACCESS_DENIED;
    }
    return STATUS_SUCCESS;
}

/* NtCurrentProcess() and NtCurrentThread(): all access to oneself. */
static NTSTATUS ObpReferencePseudoHandle(PVOID Self, ACCESS_MASK DesiredAccess, POBJECT_TYPE Type,
                                         KPROCESSOR_MODE AccessMode, PVOID *Object,
                                         POBJECT_HANDLE_INFORMATION Information)
{
    POBJECT_TYPE SelfType = ObpHeader(Self)->Type;
    ACCESS_MASK Granted = SelfType->Info.ValidAccess;
    NTSTATUS Status = ObpCheckUse(SelfType, Granted, Type, DesiredAccess, AccessMode);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObfReferenceObject(Self);
    *Object = Self;
    if (Information != NULL) {
        *Information = (OBJECT_HANDLE_INFORMATION){0, Granted};
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                         POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                         PVOID *Object, POBJECT_HANDLE_INFORMATION Information)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    *Object = NULL;
    if (Handle == NtCurrentProcess()) {
        return ObpReferencePseudoHandle(PsGetCurrentProcess(), DesiredAccess, ObjectType,
                                        AccessMode, Object, Information);
    }
    if (Handle == NtCurrentThread()) {
        return ObpReferencePseudoHandle(KeGetCurrentThread(), DesiredAccess, ObjectType, AccessMode,
                                        Object, Information);
    }
    PHANDLE_TABLE_ENTRY Entry = ObpLockHandle(Handle, AccessMode);
    if (Entry == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    NTSTATUS Status = ObpCheckUse(ObpHeader(Entry->Object)->Type, Entry->GrantedAccess, ObjectType,
                                  DesiredAccess, AccessMode);
    if (NT_SUCCESS(Status)) {
        ObfReferenceObject(Entry->Object);
        *Object = Entry->Object;
        if (Information != NULL) {
            *Information = (OBJECT_HANDLE_INFORMATION){Entry->Attributes, Entry->GrantedAccess};
        }
    }
    ExUnlockHandleTableEntry(PsHandleTableOf(Handle), Entry);
    return Status;
}

NTSTATUS ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE AccessMode)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    // A bad handle is no bugcheck here: Windows has INVALID_KERNEL_HANDLE for processes with a user
    // mode, under a debugger.
    PHANDLE_TABLE_ENTRY Entry = ObpLockHandle(Handle, AccessMode);
    if (Entry == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    POBJECT_HEADER Header = ObpHeader(Entry->Object);
    ExDestroyHandle(PsHandleTableOf(Handle), ObpTableHandle(Handle), Entry);
    ObpHandleGone(Header);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
    return ObCloseHandle(Handle, KernelMode);
}

NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    PVOID Object;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, KernelMode, &Object, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    LONG Offset = ObpHeader(Object)->Type->Info.DispatcherOffset;
    // The reference, not the handle, keeps the object through the wait.
    PVOID Waitable =
        Offset == OB_NOT_WAITABLE ? (PVOID)&ObpDefaultObject : (PVOID)((PUCHAR)Object + Offset);
    Status = KeWaitForSingleObject(Waitable, UserRequest, KernelMode, Alertable, Timeout);
    ObfDereferenceObject(Object);
    return Status;
}
