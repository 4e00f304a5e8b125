/*
 * change.c - the services that change a key: delete, rename, set. Each asks the callbacks first and
 * tells them afterwards; what happens in between is in tree.c and value.c.
 */
#include "cmp.h"
#include "mm.h"

/* Deletes or, with NewName, renames, and tells who watches. */
static NTSTATUS CmpMoveKey(PCM_KEY Key, PCUNICODE_STRING NewName)
{
    PCM_KEY Parent;
    NTSTATUS Status;

    CmpLockExclusive();
    Parent = Key->Parent;
    Status = NewName == NULL ? CmpRemoveKey(Key) : CmpRenameKey(Key, NewName);
    if (NT_SUCCESS(Status)) {
        CmpChanged(Parent, REG_NOTIFY_CHANGE_NAME);
    }
    CmpUnlock();
    return Status;
}

NTSTATUS NTAPI ZwDeleteKey(HANDLE KeyHandle)
{
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpReferenceHandle(KeyHandle, DELETE, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_DELETE_KEY_INFORMATION Information = {.Object = Object};
    Status = CmpBeginCall(&Call, RegNtPreDeleteKey, RegNtPostDeleteKey, Object, &Information,
                          &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpMoveKey(Object->Key, NULL);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}

/* A new name is one component of a path. */
static NTSTATUS CmpCheckNewName(PUNICODE_STRING NewName)
{
    NTSTATUS Status = CmpCheckName(NewName, CM_MAXIMUM_NAME);

    if (NT_SUCCESS(Status) && NewName->Length == 0) {
        Status = STATUS_INVALID_PARAMETER;
    }
    for (ULONG i = 0; NT_SUCCESS(Status) && i < NewName->Length / sizeof(WCHAR); i++) {
        if (NewName->Buffer[i] == '\\') {
            Status = STATUS_INVALID_PARAMETER;
        }
    }
    return Status;
}

NTSTATUS NTAPI ZwRenameKey(HANDLE KeyHandle, PUNICODE_STRING NewName)
{
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpCheckNewName(NewName);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpReferenceHandle(KeyHandle, KEY_WRITE, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_RENAME_KEY_INFORMATION Information = {.Object = Object, .NewName = NewName};
    Status = CmpBeginCall(&Call, RegNtPreRenameKey, RegNtPostRenameKey, Object, &Information,
                          &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpMoveKey(Object->Key, NewName);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}

static NTSTATUS CmpCheckValue(PUNICODE_STRING ValueName, PVOID Data, ULONG DataSize)
{
    NTSTATUS Status = CmpCheckName(ValueName, CMP_MAXIMUM_VALUE_NAME);

    if (NT_SUCCESS(Status) && DataSize > CM_MAXIMUM_VALUE) {
        Status = STATUS_INVALID_PARAMETER;
    }
    return NT_SUCCESS(Status) && !MmIsRangeValid(Data, DataSize) ? STATUS_ACCESS_VIOLATION : Status;
}

NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex,
                             ULONG Type, PVOID Data, ULONG DataSize)
{
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpCheckValue(ValueName, Data, DataSize);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpReferenceHandle(KeyHandle, KEY_SET_VALUE, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_SET_VALUE_KEY_INFORMATION Information = {.Object = Object,
                                                 .ValueName = ValueName,
                                                 .TitleIndex = TitleIndex,
                                                 .Type = Type,
                                                 .Data = Data,
                                                 .DataSize = DataSize};
    Status = CmpBeginCall(&Call, RegNtPreSetValueKey, RegNtPostSetValueKey, Object, &Information,
                          &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpSetValue(Object->Key, ValueName, Type, Data, DataSize);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpCheckName(ValueName, CMP_MAXIMUM_VALUE_NAME);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpReferenceHandle(KeyHandle, KEY_SET_VALUE, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_DELETE_VALUE_KEY_INFORMATION Information = {.Object = Object, .ValueName = ValueName};
    Status = CmpBeginCall(&Call, RegNtPreDeleteValueKey, RegNtPostDeleteValueKey, Object,
                          &Information, &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpDeleteValue(Object->Key, ValueName);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}

static NTSTATUS CmpSetWriteTime(PCM_KEY Key, PLARGE_INTEGER Time)
{
    NTSTATUS Status = STATUS_KEY_DELETED;

    CmpLockExclusive();
    if (!Key->Deleted) {
        Key->LastWriteTime = *Time;
        CmpChanged(Key, REG_NOTIFY_CHANGE_ATTRIBUTES);
        Status = STATUS_SUCCESS;
    }
    CmpUnlock();
    return Status;
}

NTSTATUS NTAPI ZwSetInformationKey(HANDLE KeyHandle, KEY_SET_INFORMATION_CLASS InformationClass,
                                   PVOID KeySetInformation, ULONG KeySetInformationLength)
{
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    if (InformationClass != KeyWriteTimeInformation) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (KeySetInformationLength != sizeof(KEY_WRITE_TIME_INFORMATION)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!MmIsRangeValid(KeySetInformation, KeySetInformationLength)) {
        return STATUS_ACCESS_VIOLATION;
    }
    Status = CmpReferenceHandle(KeyHandle, KEY_SET_VALUE, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_SET_INFORMATION_KEY_INFORMATION Information = {.Object = Object,
                                                       .KeySetInformationClass = InformationClass,
                                                       .KeySetInformation = KeySetInformation,
                                                       .KeySetInformationLength =
                                                           KeySetInformationLength};
    Status = CmpBeginCall(&Call, RegNtPreSetInformationKey, RegNtPostSetInformationKey, Object,
                          &Information, &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpSetWriteTime(Object->Key,
                                 &((PKEY_WRITE_TIME_INFORMATION)KeySetInformation)->LastWriteTime);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}

NTSTATUS NTAPI ZwFlushKey(HANDLE KeyHandle)
{
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpReferenceHandle(KeyHandle, 0, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_FLUSH_KEY_INFORMATION Information = {.Object = Object};
    Status = CmpBeginCall(&Call, RegNtPreFlushKey, RegNtPostFlushKey, Object, &Information,
                          &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = Object->Key->Deleted ? STATUS_KEY_DELETED : CmpFlush();
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}
