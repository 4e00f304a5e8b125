/*
 * duplicate.c - handles of handles: duplicates, and what can be changed about one that exists.
 */
#include "obp.h"

#define OBP_DUPLICATE_OPTIONS                                                                      \
    (DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES)
#define OBP_DUPLICATE_ATTRIBUTES (OBP_HANDLE_ATTRIBUTES | OBJ_KERNEL_HANDLE)

NTSTATUS NTAPI ObSetHandleAttributes(HANDLE Handle, POBJECT_HANDLE_FLAG_INFORMATION HandleFlags,
                                     KPROCESSOR_MODE PreviousMode)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    PHANDLE_TABLE Table = ObpTableOf(Handle);
    PHANDLE_TABLE_ENTRY Entry = ObpLockHandle(Handle, PreviousMode);
    NTSTATUS Status = STATUS_SUCCESS;
    if (Entry == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    if (HandleFlags->Inherit &&
        (ObpHeader(Entry->Object)->Type->Info.InvalidAttributes & OBJ_INHERIT)) {
        Status = STATUS_INVALID_PARAMETER;
    } else {
        Entry->Attributes &= ~(ULONG)(OBJ_INHERIT | OBJ_PROTECT_CLOSE);
        Entry->Attributes |= (HandleFlags->Inherit ? OBJ_INHERIT : 0) |
                             (HandleFlags->ProtectFromClose ? OBJ_PROTECT_CLOSE : 0);
    }
    ExUnlockHandleTableEntry(Table, Entry);
    return Status;
}

NTSTATUS NTAPI ZwSetInformationObject(HANDLE Handle,
                                      OBJECT_INFORMATION_CLASS ObjectInformationClass,
                                      PVOID ObjectInformation, ULONG ObjectInformationLength)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObjectInformationClass != ObjectHandleFlagInformation) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (ObjectInformationLength != sizeof(Flags)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (ObIsBadPointer(ObjectInformation)) {
        return STATUS_ACCESS_VIOLATION;
    }
    RtlCopyMemory(&Flags, ObjectInformation, sizeof(Flags));
    return ObSetHandleAttributes(Handle, &Flags, KernelMode);
}

NTSTATUS NTAPI ZwMakeTemporaryObject(HANDLE Handle)
{
    PVOID Object;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, DELETE, NULL, KernelMode, &Object, NULL);
    if (NT_SUCCESS(Status)) {
        ObMakeTemporaryObject(Object);
        ObfDereferenceObject(Object);
    }
    return Status;
}

/* A duplicate in the making: the source is looked up, and perhaps closed, in its process, the new
 * handle made in the target's. */
typedef struct _OBP_DUPLICATE {
    PEPROCESS Source, Target; /* referenced; Target may be NULL */
    PVOID Object;             /* referenced */
    OBJECT_HANDLE_INFORMATION Information;
} OBP_DUPLICATE, *POBP_DUPLICATE;

/* Handle is one of Process's. */
static NTSTATUS ObpReferenceIn(PEPROCESS Process, HANDLE Handle, POBP_DUPLICATE Duplicate)
{
    // NtCurrentProcess() is the process that the handle is taken from, not the caller's.
    if (Handle == NtCurrentProcess()) {
        ObfReferenceObject(Process);
        Duplicate->Object = Process;
        Duplicate->Information =
            (OBJECT_HANDLE_INFORMATION){0, ObpHeader(Process)->Type->Info.ValidAccess};
        return STATUS_SUCCESS;
    }
    KAPC_STATE State;
    KeStackAttachProcess(Process, &State);
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Duplicate->Object,
                                                &Duplicate->Information);
    KeUnstackDetachProcess(&State);
    return Status;
}

static void ObpCloseIn(PEPROCESS Process, HANDLE Handle)
{
    KAPC_STATE State;
    KeStackAttachProcess(Process, &State);
    ObCloseHandle(Handle, KernelMode);
    KeUnstackDetachProcess(&State);
}

static NTSTATUS ObpMakeDuplicate(POBP_DUPLICATE Duplicate, ACCESS_MASK DesiredAccess,
                                 ULONG Attributes, ULONG Options, PHANDLE TargetHandle)
{
    POBJECT_TYPE Type = ObpHeader(Duplicate->Object)->Type;
    ACCESS_MASK Granted = Duplicate->Information.GrantedAccess;
    NTSTATUS Status = STATUS_SUCCESS;
    HANDLE Unwanted;
    if (Options & DUPLICATE_SAME_ATTRIBUTES) {
        Attributes = Duplicate->Information.HandleAttributes | (Attributes & OBJ_KERNEL_HANDLE);
    }
    if (Attributes & Type->Info.InvalidAttributes) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!(Options & DUPLICATE_SAME_ACCESS)) {
        Status = ObpGrantAccess(Type, KernelMode, 0, DesiredAccess, &Granted);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return ObpInsertHandle(Duplicate->Object, Duplicate->Target, Attributes, Granted,
                           TargetHandle != NULL ? TargetHandle : &Unwanted);
}

static NTSTATUS ObpReferenceProcess(HANDLE Handle, PEPROCESS *Process)
{
    return ObReferenceObjectByHandle(Handle, PROCESS_DUP_HANDLE, PsProcessType, KernelMode,
                                     (PVOID *)Process, NULL);
}

/* As on Windows the source is closed, if that is asked for, whether there is a duplicate or not. */
NTSTATUS NTAPI ZwDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle,
                                 HANDLE TargetProcessHandle, PHANDLE TargetHandle,
                                 ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
    OBP_DUPLICATE Duplicate = {0};
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if ((Options & ~(ULONG)OBP_DUPLICATE_OPTIONS) != 0 ||
        (HandleAttributes & ~(ULONG)OBP_DUPLICATE_ATTRIBUTES) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (TargetHandle != NULL && ObIsBadPointer(TargetHandle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = ObpReferenceProcess(SourceProcessHandle, &Duplicate.Source);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (TargetProcessHandle != NULL) {
        Status = ObpReferenceProcess(TargetProcessHandle, &Duplicate.Target);
    } else if (!(Options & DUPLICATE_CLOSE_SOURCE)) {
        Status = STATUS_INVALID_PARAMETER;
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpReferenceIn(Duplicate.Source, SourceHandle, &Duplicate);
    }
    if (NT_SUCCESS(Status)) {
        if (Duplicate.Target != NULL) {
            Status = ObpMakeDuplicate(&Duplicate, DesiredAccess, HandleAttributes, Options,
                                      TargetHandle);
        }
        ObfDereferenceObject(Duplicate.Object);
        if (Options & DUPLICATE_CLOSE_SOURCE) {
            ObpCloseIn(Duplicate.Source, SourceHandle);
        }
    }
    if (Duplicate.Target != NULL) {
        ObfDereferenceObject(Duplicate.Target);
    }
    ObfDereferenceObject(Duplicate.Source);
    return Status;
}
