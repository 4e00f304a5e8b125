/*
 * registry.c - the registry for the kernel itself: keys by path, values by name, without handles
 * and without callbacks. Changes made this way are watched and written to the disk as all others.
 */
#include "cmp.h"

/* Where a walk along an absolute path begins. */
static NTSTATUS CmpBeginPath(PCMP_PATH Walk, PCUNICODE_STRING Path)
{
    UNICODE_STRING First;

    RtlZeroMemory(Walk, sizeof(*Walk));
    Walk->Key = CmpRoot;
    Walk->Rest = *Path;
    First = CmpTakeComponent(&Walk->Rest);
    return Path->Length != 0 && Path->Buffer[0] == '\\' &&
                   RtlEqualUnicodeString(&First, &CmpRoot->Name, TRUE)
               ? STATUS_SUCCESS
               : STATUS_OBJECT_PATH_SYNTAX_BAD;
}

/* Keys made on the way stay when a later step fails: they are what was asked for, as far as it
 * went. */
NTSTATUS CmOpenKey(PCUNICODE_STRING Path, BOOLEAN Create, PCM_KEY *Key)
{
    ULONG Disposition;
    CMP_PATH Walk;
    NTSTATUS Status = CmpBeginPath(&Walk, Path);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Create) {
        CmpLockExclusive();
        Status = CmpCreatePath(&Walk, TRUE, NULL, 0, &Disposition);
    } else {
        CmpLockShared();
        Status = CmpWalk(&Walk);
    }
    if (NT_SUCCESS(Status)) {
        CmpReferenceKey(Walk.Key);
        *Key = Walk.Key;
    }
    CmpEndWalk(&Walk);
    CmpUnlock();
    return Status;
}

void CmCloseKey(PCM_KEY Key)
{
    CmpDereferenceKey(Key);
}

NTSTATUS CmDeleteKey(PCM_KEY Key)
{
    PCM_KEY Parent;
    NTSTATUS Status;

    CmpLockExclusive();
    Parent = Key->Parent;
    Status = CmpRemoveKey(Key);
    if (NT_SUCCESS(Status)) {
        CmpChanged(Parent, REG_NOTIFY_CHANGE_NAME);
    }
    CmpUnlock();
    return Status;
}

NTSTATUS CmSetValue(PCM_KEY Key, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    return CmpSetValue(Key, &String, Type, Data, Size);
}

NTSTATUS CmDeleteValue(PCM_KEY Key, PCWSTR Name)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    return CmpDeleteValue(Key, &String);
}

NTSTATUS CmQueryValue(PCM_KEY Key, PCWSTR Name, ULONG *Type, PVOID Data, ULONG *Size)
{
    UNICODE_STRING String;
    PCMP_VALUE Value;
    NTSTATUS Status;
    ULONG Index;

    RtlInitUnicodeString(&String, Name);
    CmpLockShared();
    Value = CmpFindValue(Key, &String, &Index);
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (Value == NULL) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else {
        Status = *Size < Value->Size ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
        if (NT_SUCCESS(Status)) {
            RtlCopyMemory(Data, CmpValueData(Value), Value->Size);
        }
        *Size = Value->Size;
        if (Type != NULL) {
            *Type = Value->Type;
        }
    }
    CmpUnlock();
    return Status;
}

/* Missing and malformed are one to callers: they have a default for both. */
ULONG CmQueryUlong(PCM_KEY Key, PCWSTR Name, ULONG Default)
{
    ULONG Value, Type, Size = sizeof(Value);
    NTSTATUS Status = CmQueryValue(Key, Name, &Type, &Value, &Size);

    return NT_SUCCESS(Status) && Type == REG_DWORD && Size == sizeof(Value) ? Value : Default;
}

NTSTATUS CmEnumerateKey(PCM_KEY Key, ULONG Index, WCHAR *Name, ULONG NameChars)
{
    NTSTATUS Status = STATUS_NO_MORE_ENTRIES;

    CmpLockShared();
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (Index < Key->Keys.Count) {
        PUNICODE_STRING Found = &((PCM_KEY)Key->Keys.Items[Index])->Name;
        ULONG Count = Found->Length / (ULONG)sizeof(WCHAR);
        Status = Count < NameChars ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
        Count = min(Count, NameChars - 1);
        RtlCopyMemory(Name, Found->Buffer, Count * sizeof(WCHAR));
        Name[Count] = UNICODE_NULL;
    }
    CmpUnlock();
    return Status;
}
