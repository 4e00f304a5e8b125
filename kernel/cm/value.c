/*
 * value.c - the values of keys.
 *
 * A value is one block of paged pool that never changes: setting a value puts a new block in the
 * place of the old one. A key's values stand in the order in which they were first set, as on
 * Windows, and are found by comparing the hashes of their names.
 */
#include "cmp.h"

/* In upper case, so that it does not matter how a name is written; 65599 spreads short names. */
static ULONG CmpHashName(PCUNICODE_STRING Name)
{
    ULONG Hash = 0;

    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR); i++) {
        Hash = Hash * 65599 + RtlUpcaseUnicodeChar(Name->Buffer[i]);
    }
    return Hash;
}

static BOOLEAN CmpHasName(PCMP_VALUE Value, PCUNICODE_STRING Name, ULONG Hash)
{
    UNICODE_STRING Own = {Value->NameLength, Value->NameLength, Value->Name};

    return Value->Hash == Hash && RtlEqualUnicodeString(&Own, Name, TRUE);
}

PCMP_VALUE CmpFindValue(PCM_KEY Key, PCUNICODE_STRING Name, PULONG Index)
{
    ULONG Hash = CmpHashName(Name);

    for (*Index = 0; *Index < Key->Values.Count; ++*Index) {
        PCMP_VALUE Value = Key->Values.Items[*Index];
        if (CmpHasName(Value, Name, Hash)) {
            return Value;
        }
    }
    return NULL;
}

PCMP_VALUE CmpAllocateValue(PCUNICODE_STRING Name, ULONG Type, const VOID *Data, ULONG Size)
{
    PCMP_VALUE Value = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED,
                                       sizeof(*Value) + Name->Length + (SIZE_T)Size, CMP_TAG);

    if (Value != NULL) {
        Value->Type = Type;
        Value->Size = Size;
        Value->Hash = CmpHashName(Name);
        Value->NameLength = Value->DataOffset = Name->Length;
        RtlCopyMemory(Value->Name, Name->Buffer, Name->Length);
        RtlCopyMemory(CmpValueData(Value), Data, Size);
    }
    return Value;
}

/* A link's only value is the one that says where it leads. */
static BOOLEAN CmpLinkMayHave(PCMP_VALUE Value)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"SymbolicLinkValue");

    return Value->Type == REG_LINK && CmpHasName(Value, &Name, CmpHashName(&Name));
}

NTSTATUS CmpPutValue(PCM_KEY Key, PCMP_VALUE Value)
{
    UNICODE_STRING Name = {Value->NameLength, Value->NameLength, Value->Name};
    PCMP_VALUE Old;
    ULONG Index;

    if (Key->Deleted) {
        return STATUS_KEY_DELETED;
    }
    if (Key->Link && !CmpLinkMayHave(Value)) {
        return STATUS_ACCESS_DENIED;
    }
    Old = CmpFindValue(Key, &Name, &Index);
    if (Old == NULL) {
        return CmpInsertItem(&Key->Values, Index, Value);
    }
    Key->Values.Items[Index] = Value;
    ExFreePoolWithTag(Old, CMP_TAG);
    return STATUS_SUCCESS;
}

NTSTATUS CmpRemoveValue(PCM_KEY Key, PCUNICODE_STRING Name)
{
    PCMP_VALUE Value;
    ULONG Index;

    if (Key->Deleted) {
        return STATUS_KEY_DELETED;
    }
    Value = CmpFindValue(Key, Name, &Index);
    if (Value == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    CmpRemoveItem(&Key->Values, Index);
    ExFreePoolWithTag(Value, CMP_TAG);
    return STATUS_SUCCESS;
}

void CmpFreeValues(PCM_KEY Key)
{
    while (Key->Values.Count != 0) {
        ExFreePoolWithTag(Key->Values.Items[Key->Values.Count - 1], CMP_TAG);
        CmpRemoveItem(&Key->Values, Key->Values.Count - 1);
    }
}

NTSTATUS CmpSetValue(PCM_KEY Key, PCUNICODE_STRING Name, ULONG Type, const VOID *Data, ULONG Size)
{
    PCMP_VALUE Value;
    NTSTATUS Status;

    if (Size > CM_MAXIMUM_VALUE || Name->Length > CMP_MAXIMUM_VALUE_NAME * sizeof(WCHAR)) {
        return STATUS_INVALID_PARAMETER;
    }
    Value = CmpAllocateValue(Name, Type, Data, Size);
    if (Value == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    CmpLockExclusive();
    Status = CmpPutValue(Key, Value);
    if (NT_SUCCESS(Status)) {
        CmpChanged(Key, REG_NOTIFY_CHANGE_LAST_SET);
    }
    CmpUnlock();
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Value, CMP_TAG);
    }
    return Status;
}

NTSTATUS CmpDeleteValue(PCM_KEY Key, PCUNICODE_STRING Name)
{
    NTSTATUS Status;

    CmpLockExclusive();
    Status = CmpRemoveValue(Key, Name);
    if (NT_SUCCESS(Status)) {
        CmpChanged(Key, REG_NOTIFY_CHANGE_LAST_SET);
    }
    CmpUnlock();
    return Status;
}
