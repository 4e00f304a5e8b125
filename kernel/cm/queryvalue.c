/*
 * queryvalue.c - the services that read values. What fits of an answer is query.c's matter.
 */
#include "cmp.h"
#include "mm.h"

/* How a class lays out its answer: the fixed part is cut from one structure with every field. */
typedef struct _CMP_LAYOUT {
    ULONG Fixed; /* bytes */
    BOOLEAN HasName, HasData;
    ULONG Alignment; /* of data behind a name, or of all, less one */
} CMP_LAYOUT;

static const CMP_LAYOUT CmpLayouts[] = {
    [KeyValueBasicInformation] = {offsetof(KEY_VALUE_BASIC_INFORMATION, Name), TRUE, FALSE, 0},
    [KeyValueFullInformation] = {offsetof(KEY_VALUE_FULL_INFORMATION, Name), TRUE, TRUE, 3},
    [KeyValuePartialInformation] = {offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data), FALSE, TRUE, 0},
    [KeyValueFullInformationAlign64] = {offsetof(KEY_VALUE_FULL_INFORMATION, Name), TRUE, TRUE, 7},
    [KeyValuePartialInformationAlign64] = {offsetof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Data),
                                           FALSE, TRUE, 0},
};

/* The fixed part of each class. DataAt: where its data stands. */
static void CmpWriteFixed(PCMP_ANSWER Answer, KEY_VALUE_INFORMATION_CLASS Class, PCMP_VALUE Value,
                          ULONG DataAt)
{
    union {
        KEY_VALUE_BASIC_INFORMATION Basic;
        KEY_VALUE_FULL_INFORMATION Full;
        KEY_VALUE_PARTIAL_INFORMATION Partial;
        KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 Partial64;
    } Information = {0};

    switch (Class) {
    case KeyValueBasicInformation:
        Information.Basic.Type = Value->Type;
        Information.Basic.NameLength = Value->NameLength;
        break;
    case KeyValuePartialInformation:
        Information.Partial.Type = Value->Type;
        Information.Partial.DataLength = Value->Size;
        break;
    case KeyValuePartialInformationAlign64:
        Information.Partial64.Type = Value->Type;
        Information.Partial64.DataLength = Value->Size;
        break;
    default:
        Information.Full.Type = Value->Type;
        Information.Full.DataOffset = Value->Size != 0 ? DataAt : MAXULONG;
        Information.Full.DataLength = Value->Size;
        Information.Full.NameLength = Value->NameLength;
        break;
    }
    CmpWriteAnswer(Answer, 0, &Information, CmpLayouts[Class].Fixed);
}

static NTSTATUS CmpDescribeValue(PCMP_VALUE Value, KEY_VALUE_INFORMATION_CLASS Class, PVOID Buffer,
                                 ULONG Length, PULONG ResultLength)
{
    const CMP_LAYOUT *Layout = &CmpLayouts[Class];
    ULONG Needed = Layout->Fixed + (Layout->HasName ? Value->NameLength : 0), DataAt = Needed;
    CMP_ANSWER Answer;
    NTSTATUS Status;

    if (Layout->HasData && Value->Size != 0) {
        DataAt = (Needed + Layout->Alignment) & ~Layout->Alignment;
        Needed = DataAt + Value->Size;
    }
    Status = CmpBeginAnswer(&Answer, Buffer, Length, Layout->Fixed, Needed, ResultLength);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpWriteFixed(&Answer, Class, Value, DataAt);
    if (Layout->HasName) {
        CmpWriteAnswer(&Answer, Layout->Fixed, Value->Name, Value->NameLength);
    }
    if (Layout->HasData) {
        CmpWriteAnswer(&Answer, DataAt, CmpValueData(Value), Value->Size);
    }
    return CmpFinishAnswer(&Answer);
}

/* What can be said without looking at the key. */
static NTSTATUS CmpCheckValueQuery(KEY_VALUE_INFORMATION_CLASS Class, PVOID Buffer,
                                   PULONG ResultLength)
{
    BOOLEAN Aligned =
        Class == KeyValueFullInformationAlign64 || Class == KeyValuePartialInformationAlign64;

    if ((ULONG)Class >= ARRAYSIZE(CmpLayouts)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Aligned && ((ULONG_PTR)Buffer & 7) != 0) {
        return STATUS_DATATYPE_MISALIGNMENT;
    }
    return MmIsRangeValid(ResultLength, sizeof(*ResultLength)) ? STATUS_SUCCESS
                                                               : STATUS_ACCESS_VIOLATION;
}

static NTSTATUS CmpQueryValue(PCM_KEY Key, PUNICODE_STRING Name, KEY_VALUE_INFORMATION_CLASS Class,
                              PVOID Buffer, ULONG Length, PULONG ResultLength)
{
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;
    PCMP_VALUE Value;
    ULONG Index;

    CmpLockShared();
    Value = CmpFindValue(Key, Name, &Index);
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (Value != NULL) {
        Status = CmpDescribeValue(Value, Class, Buffer, Length, ResultLength);
    }
    CmpUnlock();
    return Status;
}

static NTSTATUS CmpEnumerateValue(PCM_KEY Key, ULONG Index, KEY_VALUE_INFORMATION_CLASS Class,
                                  PVOID Buffer, ULONG Length, PULONG ResultLength)
{
    NTSTATUS Status = STATUS_NO_MORE_ENTRIES;

    CmpLockShared();
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (Index < Key->Values.Count) {
        Status = CmpDescribeValue(Key->Values.Items[Index], Class, Buffer, Length, ResultLength);
    }
    CmpUnlock();
    return Status;
}

NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS InformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpCheckValueQuery(InformationClass, KeyValueInformation, ResultLength);
    if (NT_SUCCESS(Status)) {
        Status = CmpCheckName(ValueName, UNICODE_STRING_MAX_CHARS);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpReferenceHandle(KeyHandle, KEY_QUERY_VALUE, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_QUERY_VALUE_KEY_INFORMATION Information = {.Object = Object,
                                                   .ValueName = ValueName,
                                                   .KeyValueInformationClass = InformationClass,
                                                   .KeyValueInformation = KeyValueInformation,
                                                   .Length = Length,
                                                   .ResultLength = ResultLength};
    Status = CmpBeginCall(&Call, RegNtPreQueryValueKey, RegNtPostQueryValueKey, Object,
                          &Information, &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpQueryValue(Object->Key, ValueName, InformationClass, KeyValueInformation,
                               Length, ResultLength);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}

NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS InformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpCheckValueQuery(InformationClass, KeyValueInformation, ResultLength);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpReferenceHandle(KeyHandle, KEY_QUERY_VALUE, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_ENUMERATE_VALUE_KEY_INFORMATION Information = {.Object = Object,
                                                       .Index = Index,
                                                       .KeyValueInformationClass = InformationClass,
                                                       .KeyValueInformation = KeyValueInformation,
                                                       .Length = Length,
                                                       .ResultLength = ResultLength};
    Status = CmpBeginCall(&Call, RegNtPreEnumerateValueKey, RegNtPostEnumerateValueKey, Object,
                          &Information, &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpEnumerateValue(Object->Key, Index, InformationClass, KeyValueInformation,
                                   Length, ResultLength);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}
