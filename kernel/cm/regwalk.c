/*
 * regwalk.c - walks over keys for the console: each is opened by its path, as others may change the
 * tree between two steps.
 */
#include "reg.h"

NTSTATUS CmpOpenWalk(PREG_WALK Walk, ACCESS_MASK Access)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &Walk->Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    return ZwOpenKey(&Walk->Key, Access, &Attributes);
}

/* Below the first key a link is shown and deleted itself, not what it leads to. */
static NTSTATUS CmpOpenStep(PREG_WALK Walk, ACCESS_MASK Access)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &Walk->Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    return ZwOpenKeyEx(&Walk->Key, Access, &Attributes,
                       Walk->Depth == 0 ? 0 : REG_OPTION_OPEN_LINK);
}

NTSTATUS CmpNextKeyName(HANDLE Key, ULONG Index, PUNICODE_STRING Name)
{
    struct {
        KEY_BASIC_INFORMATION Header;
        WCHAR Rest[CM_MAXIMUM_NAME];
    } Buffer;
    ULONG Length;
    NTSTATUS Status =
        ZwEnumerateKey(Key, Index, KeyBasicInformation, &Buffer, sizeof(Buffer), &Length);

    if (NT_SUCCESS(Status)) {
        Name->Length = (USHORT)Buffer.Header.NameLength;
        RtlCopyMemory(Name->Buffer, Buffer.Header.Name, Name->Length);
    }
    return Status;
}

NTSTATUS CmpNextValue(HANDLE Key, ULONG Index, PKEY_VALUE_FULL_INFORMATION *Value)
{
    ULONG Room = 0;

    for (;;) {
        NTSTATUS Status = ZwEnumerateValueKey(Key, Index, KeyValueFullInformation, NULL, 0, &Room);
        if (Status != STATUS_BUFFER_TOO_SMALL) {
            return Status;
        }
        *Value = ExAllocatePool2(POOL_FLAG_PAGED, Room, CMP_TAG);
        if (*Value == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Status = ZwEnumerateValueKey(Key, Index, KeyValueFullInformation, *Value, Room, &Room);
        if (NT_SUCCESS(Status)) {
            return Status;
        }
        ExFreePoolWithTag(*Value, CMP_TAG);
    }
}

/* Appends the next key's name to the path. */
static NTSTATUS CmpStepInto(PREG_WALK Walk, PUNICODE_STRING Name)
{
    USHORT Length = Walk->Path.Length;
    NTSTATUS Status = RtlAppendUnicodeToString(&Walk->Path, L"\\");

    if (NT_SUCCESS(Status)) {
        Status = RtlAppendUnicodeStringToString(&Walk->Path, Name);
    }
    if (NT_SUCCESS(Status)) {
        Walk->Length[Walk->Depth++] = Length;
        Walk->Index[Walk->Depth] = 0;
    }
    return Status;
}

/* One key further: down, or back up from a key that has no more. *Done: back at the top. */
static NTSTATUS CmpWalkStep(PREG_WALK Walk, REG_VISIT *Enter, REG_VISIT *Leave, BOOLEAN *Done)
{
    WCHAR Buffer[CM_MAXIMUM_NAME];
    UNICODE_STRING Name = {0, sizeof(Buffer), Buffer};
    NTSTATUS Status = STATUS_SUCCESS;

    if (Walk->Index[Walk->Depth] == 0 && Enter != NULL) {
        Status = Enter(Walk);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpNextKeyName(Walk->Key, Walk->Index[Walk->Depth]++, &Name);
    if (NT_SUCCESS(Status)) {
        return CmpStepInto(Walk, &Name);
    }
    if (Status != STATUS_NO_MORE_ENTRIES) {
        return Status;
    }
    Status = Leave != NULL ? Leave(Walk) : STATUS_SUCCESS;
    *Done = Walk->Depth == 0;
    if (!*Done) {
        Walk->Path.Length = Walk->Length[--Walk->Depth];
        /* A key that was deleted leaves its place to the next one. */
        Walk->Index[Walk->Depth] -= Leave != NULL;
    }
    return Status;
}

NTSTATUS CmpWalkTree(PREG_WALK Walk, ACCESS_MASK Access, REG_VISIT *Enter, REG_VISIT *Leave)
{
    BOOLEAN Done = FALSE;
    NTSTATUS Status = STATUS_SUCCESS;

    Walk->Depth = 0;
    Walk->Index[0] = 0;
    while (NT_SUCCESS(Status) && !Done) {
        Status = CmpOpenStep(Walk, Access);
        if (NT_SUCCESS(Status)) {
            Status = CmpWalkStep(Walk, Enter, Leave, &Done);
            ZwClose(Walk->Key);
        }
    }
    return Status;
}
