/*
 * handle.c - handles: a process's names for objects it has opened.
 *
 * Handles are entries of a handle table (ex), each one reference to its object; the table locks an
 * entry while it is looked at, so that the object cannot go before a reference has been taken. A
 * kernel handle is an entry of the System process's table with the value's high bits set, so
 * that it means the same in every process and user mode cannot use it.
 */
#include "obp.h"
#include "mm.h"

/* The pseudo-handles look like kernel handles and are none. */
static BOOLEAN ObpIsPseudoHandle(HANDLE Handle)
{
    return Handle == NtCurrentProcess() || Handle == NtCurrentThread();
}

BOOLEAN NTAPI ObIsKernelHandle(HANDLE Handle)
{
    return ObpHasKernelBits(Handle) && !ObpIsPseudoHandle(Handle);
}

PHANDLE_TABLE_ENTRY ObpLockHandle(HANDLE Handle, KPROCESSOR_MODE AccessMode)
{
    if (ObpHasKernelBits(Handle) && AccessMode != KernelMode) {
        return NULL;
    }
    return ExLockHandleTableEntry(ObpTableOf(Handle), ObpTableHandle(Handle));
}

/* Whether one more handle with Attributes agrees with those there are; the namespace lock is
 * held. */
static NTSTATUS ObpCheckExclusive(POBJECT_HEADER Header, ULONG Attributes, PEPROCESS Process)
{
    if (!(Attributes & OBJ_EXCLUSIVE)) {
        return Header->ExclusiveProcess == NULL ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    }
    // A child process would have it too.
    if (!Header->Exclusive || (Attributes & OBJ_INHERIT)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Header->ExclusiveProcess == NULL && Header->HandleCount != 0) {
        return STATUS_ACCESS_DENIED;
    }
    return Header->ExclusiveProcess == NULL || Header->ExclusiveProcess == Process
               ? STATUS_SUCCESS
               : STATUS_ACCESS_DENIED;
}

/* Only of objects that may be exclusive does the count decide anything, so only theirs is kept
 * under the lock. */
NTSTATUS ObpCountHandle(POBJECT_HEADER Header, ULONG Attributes, PEPROCESS Process)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (!Header->Exclusive && !(Attributes & OBJ_EXCLUSIVE)) {
        InterlockedIncrement64(&Header->HandleCount);
    } else {
        ExAcquireFastMutex(&ObpNamespaceLock);
        Status = ObpCheckExclusive(Header, Attributes, Process);
        if (NT_SUCCESS(Status)) {
            Header->ExclusiveProcess = Attributes & OBJ_EXCLUSIVE ? Process : NULL;
            InterlockedIncrement64(&Header->HandleCount);
        }
        ExReleaseFastMutex(&ObpNamespaceLock);
    }
    if (NT_SUCCESS(Status)) {
        LONG64 Handles = InterlockedIncrement64(&Header->Type->HandleCount);
        ObpNoteHighWater(&Header->Type->HighWaterHandles, Handles);
        if (Header->Type->Info.Open != NULL) {
            Header->Type->Info.Open(ObpBody(Header));
        }
    }
    return Status;
}

/* TRUE: it was the last. */
static BOOLEAN ObpUncountHandle(POBJECT_HEADER Header)
{
    InterlockedDecrement64(&Header->Type->HandleCount);
    if (!Header->Exclusive) {
        return InterlockedDecrement64(&Header->HandleCount) == 0;
    }
    ExAcquireFastMutex(&ObpNamespaceLock);
    BOOLEAN Last = InterlockedDecrement64(&Header->HandleCount) == 0;
    if (Last) {
        Header->ExclusiveProcess = NULL;
    }
    ExReleaseFastMutex(&ObpNamespaceLock);
    return Last;
}

/* One handle less: the callbacks, the name and the reference that go with it. */
void ObpHandleGone(POBJECT_HEADER Header)
{
    POBJECT_TYPE Type = Header->Type;
    BOOLEAN Last = ObpUncountHandle(Header);
    if (Type->Info.Close != NULL) {
        Type->Info.Close(ObpBody(Header), Last);
    }
    if (Last && Header->Directory != NULL) {
        ObpRemoveNameIfUnused(Header);
    }
    ObfDereferenceObject(ObpBody(Header));
}

/* A driver's address in 32 bits; 0: no driver's, or beyond. */
static ULONG ObpOpenerOf(PVOID Caller)
{
    ULONG_PTR Offset = (ULONG_PTR)Caller - MM_DRIVER_IMAGE_BASE;
    return Offset <= MAXULONG ? (ULONG)Offset : 0;
}

PVOID ObpHandleOpener(PHANDLE_TABLE_ENTRY Entry)
{
    return Entry->Opener != 0 ? (PVOID)(MM_DRIVER_IMAGE_BASE + Entry->Opener) : NULL;
}

void ObpFindHandleLeaks(PLDR_LEAKS Leaks)
{
    PHANDLE_TABLE Table = PsInitialSystemProcess->ObjectTable;
    for (HANDLE Handle = NULL; ExNextHandle(Table, &Handle);) {
        PHANDLE_TABLE_ENTRY Entry = ExLockHandleTableEntry(Table, Handle);
        if (Entry == NULL) {
            continue;
        }
        PVOID Opener = ObpHandleOpener(Entry);
        if (LdrIsInImage(Leaks, Opener)) {
            PLDR_LEAK Leak = LdrNoteLeak(Leaks, LdrLeakHandle, Handle, Opener);
            if (Leak != NULL) {
                Leak->Type = &ObpHeader(Entry->Object)->Type->Name;
            }
            Entry->Opener = 0;
        }
        ExUnlockHandleTableEntry(Table, Entry);
    }
}

/* The count goes up before the handle exists: from its first moment it may be closed by others. */
NTSTATUS ObpInsertHandle(PVOID Object, PEPROCESS Process, ULONG Attributes, ACCESS_MASK Granted,
                         HANDLE *Handle)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    HANDLE_TABLE_ENTRY Entry = {.Object = Object,
                                .GrantedAccess = Granted,
                                .Attributes = Attributes & OBP_HANDLE_ATTRIBUTES,
                                .Opener = ObpOpenerOf(KeFindServiceCaller())};
    ULONG_PTR KernelBits = 0;
    if (Attributes & OBJ_KERNEL_HANDLE) {
        Process = PsInitialSystemProcess;
        KernelBits = OBP_KERNEL_HANDLE_BITS;
    }
    // The last thread of a process waits until nobody makes a handle in it, then closes them all.
    if (!ExAcquireRundownProtection(&Process->HandleRundown)) {
        return STATUS_PROCESS_IS_TERMINATING;
    }
    NTSTATUS Status = ObpCountHandle(Header, Attributes, Process);
    if (NT_SUCCESS(Status)) {
        ObfReferenceObject(Object);
        HANDLE New = ExCreateHandle(Process->ObjectTable, &Entry);
        if (New == NULL) {
            ObpHandleGone(Header);
            Status = STATUS_INSUFFICIENT_RESOURCES;
        } else {
            *Handle = (HANDLE)((ULONG_PTR)New | KernelBits);
        }
    }
    ExReleaseRundownProtection(&Process->HandleRundown);
    return Status;
}

NTSTATUS ObpCreateHandle(PVOID Object, KPROCESSOR_MODE AccessMode, ULONG Attributes,
                         ACCESS_MASK Access, HANDLE *Handle)
{
    POBJECT_TYPE Type = ObpHeader(Object)->Type;
    ACCESS_MASK Granted;
    if (Attributes & Type->Info.InvalidAttributes) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ObpGrantAccess(Type, AccessMode, Attributes, Access, &Granted);
    if (NT_SUCCESS(Status)) {
        // Protection is given to a handle that is there.
        Status = ObpInsertHandle(Object, PsGetCurrentProcess(),
                                 Attributes & ~(ULONG)OBJ_PROTECT_CLOSE, Granted, Handle);
    }
    return Status;
}

/* The caller's own reference keeps the object alive meanwhile; only the type is to be checked. */
NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                     PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess,
                                     POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                     PHANDLE Handle)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KI_ASSERT(PassedAccessState == NULL); // nobody makes one
    if (HandleAttributes & ~OBJ_VALID_ATTRIBUTES) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ObReferenceObjectByPointer(Object, DesiredAccess, ObjectType, AccessMode);
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateHandle(Object, AccessMode, HandleAttributes, DesiredAccess, Handle);
        ObfDereferenceObject(Object);
    }
    return Status;
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

/* Values of -1 and -2 are no entries of a table. */
static __attribute__((noinline)) NTSTATUS ObpReferencePseudoOrFail(
    HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
    PVOID *Object, POBJECT_HANDLE_INFORMATION Information)
{
    if (!ObpIsPseudoHandle(Handle)) {
        return STATUS_INVALID_HANDLE;
    }
    PVOID Self =
        Handle == NtCurrentProcess() ? (PVOID)PsGetCurrentProcess() : (PVOID)KeGetCurrentThread();
    return ObpReferencePseudoHandle(Self, DesiredAccess, ObjectType, AccessMode, Object,
                                    Information);
}

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                         POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                         PVOID *Object, POBJECT_HANDLE_INFORMATION Information)
{
    *Object = NULL;
    PHANDLE_TABLE Table = ObpTableOf(Handle);
    PHANDLE_TABLE_ENTRY Entry = NULL;
    if (AccessMode == KernelMode || !ObpHasKernelBits(Handle)) {
        Entry = ExLockHandleTableEntry(Table, ObpTableHandle(Handle));
    }
    if (Entry == NULL) {
        return ObpReferencePseudoOrFail(Handle, DesiredAccess, ObjectType, AccessMode, Object,
                                        Information);
    }
    POBJECT_HEADER Header = ObpHeader(Entry->Object);
    NTSTATUS Status =
        ObpCheckUse(Header->Type, Entry->GrantedAccess, ObjectType, DesiredAccess, AccessMode);
    if (NT_SUCCESS(Status)) {
        // The handle's own reference is there as long as the entry is locked.
        InterlockedIncrement64(&Header->PointerCount);
        *Object = Entry->Object;
        if (Information != NULL) {
            *Information = (OBJECT_HANDLE_INFORMATION){Entry->Attributes, Entry->GrantedAccess};
        }
    }
    ExUnlockHandleTableEntry(Table, Entry);
    return Status;
}

/* Windows has the bugcheck when a debugger is there to see it; Etude's debug kernel is one. Reason
 * 0: the handle is protected, 1: it is none. A handle of a process's own may have been closed by
 * anybody in the process, but a kernel handle is its driver's mistake. */
static void ObpReportBadClose(HANDLE Handle, KPROCESSOR_MODE AccessMode, ULONG Reason)
{
#if DBG
    if (AccessMode == KernelMode && ObIsKernelHandle(Handle)) {
        KeBugCheckEx(INVALID_KERNEL_HANDLE, (ULONG_PTR)Handle, Reason, 0, 0);
    }
#else
    UNREFERENCED_PARAMETER(Handle);
    UNREFERENCED_PARAMETER(AccessMode);
    UNREFERENCED_PARAMETER(Reason);
#endif
}

NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE AccessMode)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    PHANDLE_TABLE Table = ObpTableOf(Handle);
    PHANDLE_TABLE_ENTRY Entry = ObpLockHandle(Handle, AccessMode);
    if (Entry == NULL) {
        ObpReportBadClose(Handle, AccessMode, 1);
        return STATUS_INVALID_HANDLE;
    }
    if (Entry->Attributes & OBJ_PROTECT_CLOSE) {
        ExUnlockHandleTableEntry(Table, Entry);
        ObpReportBadClose(Handle, AccessMode, 0);
        return STATUS_HANDLE_NOT_CLOSABLE;
    }
    POBJECT_HEADER Header = ObpHeader(Entry->Object);
    ExDestroyHandle(Table, ObpTableHandle(Handle), Entry);
    ObpHandleGone(Header);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
    return ObCloseHandle(Handle, KernelMode);
}
