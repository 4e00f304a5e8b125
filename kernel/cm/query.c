/*
 * query.c - the services that describe keys.
 *
 * Every answer is a structure with a fixed part and texts behind it. Without room for the fixed
 * part nothing is written; then as much of the texts as fits, and the caller learns how much all of
 * it takes.
 */
#include "cmp.h"
#include "mm.h"

NTSTATUS CmpBeginAnswer(PCMP_ANSWER Answer, PVOID Buffer, ULONG Length, ULONG Fixed, ULONG Needed,
                        PULONG ResultLength)
{
    *Answer = (CMP_ANSWER){Buffer, min(Length, Needed), Needed};
    *ResultLength = Needed;
    if (Length < Fixed) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    return MmIsRangeValid(Buffer, Answer->Room) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}

void CmpWriteAnswer(PCMP_ANSWER Answer, ULONG Offset, const VOID *Data, ULONG Size)
{
    if (Offset < Answer->Room) {
        RtlCopyMemory(Answer->Buffer + Offset, Data, min(Size, Answer->Room - Offset));
    }
}

NTSTATUS CmpFinishAnswer(PCMP_ANSWER Answer)
{
    return Answer->Room < Answer->Needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

/* Where text behind other text begins. */
static ULONG CmpAlign4(ULONG Offset)
{
    return (Offset + 3) & ~3U;
}

/* The longest of a key's names below it and of its values, in bytes. */
typedef struct _CMP_MAXIMA {
    ULONG Name, Class, ValueName, ValueData;
} CMP_MAXIMA;

static CMP_MAXIMA CmpFindMaxima(PCM_KEY Key)
{
    CMP_MAXIMA Maxima = {0};

    for (ULONG i = 0; i < Key->Keys.Count; i++) {
        PCM_KEY Child = Key->Keys.Items[i];
        Maxima.Name = max(Maxima.Name, Child->Name.Length);
        Maxima.Class = max(Maxima.Class, Child->Class.Length);
    }
    for (ULONG i = 0; i < Key->Values.Count; i++) {
        PCMP_VALUE Value = Key->Values.Items[i];
        Maxima.ValueName = max(Maxima.ValueName, Value->NameLength);
        Maxima.ValueData = max(Maxima.ValueData, Value->Size);
    }
    return Maxima;
}

/* What a query wants, and where it goes. */
typedef struct _CMP_QUERY {
    PVOID Buffer;
    ULONG Length;
    PULONG ResultLength;
} CMP_QUERY;

static NTSTATUS CmpQueryBasic(PCM_KEY Key, const CMP_QUERY *Query)
{
    const ULONG Fixed = offsetof(KEY_BASIC_INFORMATION, Name);
    KEY_BASIC_INFORMATION Information = {.LastWriteTime = Key->LastWriteTime,
                                         .NameLength = Key->Name.Length};
    CMP_ANSWER Answer;
    NTSTATUS Status = CmpBeginAnswer(&Answer, Query->Buffer, Query->Length, Fixed,
                                     Fixed + Key->Name.Length, Query->ResultLength);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpWriteAnswer(&Answer, 0, &Information, Fixed);
    CmpWriteAnswer(&Answer, Fixed, Key->Name.Buffer, Key->Name.Length);
    return CmpFinishAnswer(&Answer);
}

static NTSTATUS CmpQueryNode(PCM_KEY Key, const CMP_QUERY *Query)
{
    const ULONG Fixed = offsetof(KEY_NODE_INFORMATION, Name);
    ULONG ClassAt = CmpAlign4(Fixed + Key->Name.Length);
    BOOLEAN HasClass = Key->Class.Length != 0;
    KEY_NODE_INFORMATION Information = {.LastWriteTime = Key->LastWriteTime,
                                        .ClassOffset = HasClass ? ClassAt : MAXULONG,
                                        .ClassLength = Key->Class.Length,
                                        .NameLength = Key->Name.Length};
    ULONG Needed = HasClass ? ClassAt + Key->Class.Length : Fixed + Key->Name.Length;
    CMP_ANSWER Answer;
    NTSTATUS Status =
        CmpBeginAnswer(&Answer, Query->Buffer, Query->Length, Fixed, Needed, Query->ResultLength);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpWriteAnswer(&Answer, 0, &Information, Fixed);
    CmpWriteAnswer(&Answer, Fixed, Key->Name.Buffer, Key->Name.Length);
    CmpWriteAnswer(&Answer, ClassAt, Key->Class.Buffer, Key->Class.Length);
    return CmpFinishAnswer(&Answer);
}

static NTSTATUS CmpQueryFull(PCM_KEY Key, const CMP_QUERY *Query)
{
    const ULONG Fixed = offsetof(KEY_FULL_INFORMATION, Class);
    CMP_MAXIMA Maxima = CmpFindMaxima(Key);
    KEY_FULL_INFORMATION Information = {.LastWriteTime = Key->LastWriteTime,
                                        .ClassOffset = Key->Class.Length != 0 ? Fixed : MAXULONG,
                                        .ClassLength = Key->Class.Length,
                                        .SubKeys = Key->Keys.Count,
                                        .MaxNameLen = Maxima.Name,
                                        .MaxClassLen = Maxima.Class,
                                        .Values = Key->Values.Count,
                                        .MaxValueNameLen = Maxima.ValueName,
                                        .MaxValueDataLen = Maxima.ValueData};
    CMP_ANSWER Answer;
    NTSTATUS Status = CmpBeginAnswer(&Answer, Query->Buffer, Query->Length, Fixed,
                                     Fixed + Key->Class.Length, Query->ResultLength);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpWriteAnswer(&Answer, 0, &Information, Fixed);
    CmpWriteAnswer(&Answer, Fixed, Key->Class.Buffer, Key->Class.Length);
    return CmpFinishAnswer(&Answer);
}

static NTSTATUS CmpQueryCached(PCM_KEY Key, const CMP_QUERY *Query)
{
    CMP_MAXIMA Maxima = CmpFindMaxima(Key);
    KEY_CACHED_INFORMATION Information = {.LastWriteTime = Key->LastWriteTime,
                                          .SubKeys = Key->Keys.Count,
                                          .MaxNameLen = Maxima.Name,
                                          .Values = Key->Values.Count,
                                          .MaxValueNameLen = Maxima.ValueName,
                                          .MaxValueDataLen = Maxima.ValueData,
                                          .NameLength = Key->Name.Length};
    CMP_ANSWER Answer;
    NTSTATUS Status = CmpBeginAnswer(&Answer, Query->Buffer, Query->Length, sizeof(Information),
                                     sizeof(Information), Query->ResultLength);

    if (NT_SUCCESS(Status)) {
        CmpWriteAnswer(&Answer, 0, &Information, sizeof(Information));
    }
    return Status;
}

/* The path is put together elsewhere, as it may not fit. */
static NTSTATUS CmpQueryName(PCM_KEY Key, const CMP_QUERY *Query)
{
    const ULONG Fixed = offsetof(KEY_NAME_INFORMATION, Name);
    PUNICODE_STRING Path = CmpAllocatePath(Key);
    CMP_ANSWER Answer;
    NTSTATUS Status;

    if (Path == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ULONG NameLength = Path->Length;
    Status = CmpBeginAnswer(&Answer, Query->Buffer, Query->Length, Fixed, Fixed + NameLength,
                            Query->ResultLength);
    if (NT_SUCCESS(Status)) {
        CmpWriteAnswer(&Answer, 0, &NameLength, sizeof(NameLength));
        CmpWriteAnswer(&Answer, Fixed, Path->Buffer, NameLength);
        Status = CmpFinishAnswer(&Answer);
    }
    ExFreePoolWithTag(Path, CMP_TAG);
    return Status;
}

static NTSTATUS CmpDescribe(PCM_KEY Key, KEY_INFORMATION_CLASS Class, const CMP_QUERY *Query)
{
    switch (Class) {
    case KeyBasicInformation:
        return CmpQueryBasic(Key, Query);
    case KeyNodeInformation:
        return CmpQueryNode(Key, Query);
    case KeyFullInformation:
        return CmpQueryFull(Key, Query);
    case KeyCachedInformation:
        return CmpQueryCached(Key, Query);
    case KeyNameInformation:
        return CmpQueryName(Key, Query);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static NTSTATUS CmpQueryKey(PCM_KEY Key, KEY_INFORMATION_CLASS Class, const CMP_QUERY *Query)
{
    NTSTATUS Status;

    CmpLockShared();
    Status = Key->Deleted ? STATUS_KEY_DELETED : CmpDescribe(Key, Class, Query);
    CmpUnlock();
    return Status;
}

static NTSTATUS CmpEnumerateKey(PCM_KEY Key, ULONG Index, KEY_INFORMATION_CLASS Class,
                                const CMP_QUERY *Query)
{
    NTSTATUS Status = STATUS_NO_MORE_ENTRIES;

    CmpLockShared();
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (Index < Key->Keys.Count) {
        Status = CmpDescribe(Key->Keys.Items[Index], Class, Query);
    }
    CmpUnlock();
    return Status;
}

/* Looked at before anything else: a wrong class is said of any handle. */
static NTSTATUS CmpCheckQuery(KEY_INFORMATION_CLASS Class, KEY_INFORMATION_CLASS Last,
                              PULONG ResultLength)
{
    if ((ULONG)Class > (ULONG)Last) {
        return STATUS_INVALID_PARAMETER;
    }
    return MmIsRangeValid(ResultLength, sizeof(*ResultLength)) ? STATUS_SUCCESS
                                                               : STATUS_ACCESS_VIOLATION;
}

NTSTATUS NTAPI ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
                          PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    CMP_QUERY Query = {KeyInformation, Length, ResultLength};
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpCheckQuery(KeyInformationClass, KeyCachedInformation, ResultLength);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpReferenceHandle(
        KeyHandle, KeyInformationClass == KeyNameInformation ? 0 : KEY_QUERY_VALUE, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_QUERY_KEY_INFORMATION Information = {.Object = Object,
                                             .KeyInformationClass = KeyInformationClass,
                                             .KeyInformation = KeyInformation,
                                             .Length = Length,
                                             .ResultLength = ResultLength};
    Status = CmpBeginCall(&Call, RegNtPreQueryKey, RegNtPostQueryKey, Object, &Information,
                          &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpQueryKey(Object->Key, KeyInformationClass, &Query);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}

NTSTATUS NTAPI ZwEnumerateKey(HANDLE KeyHandle, ULONG Index,
                              KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                              ULONG Length, PULONG ResultLength)
{
    CMP_QUERY Query = {KeyInformation, Length, ResultLength};
    PCMP_KEY_OBJECT Object;
    CMP_CALL Call;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpCheckQuery(KeyInformationClass, KeyFullInformation, ResultLength);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpReferenceHandle(KeyHandle, KEY_ENUMERATE_SUB_KEYS, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    REG_ENUMERATE_KEY_INFORMATION Information = {.Object = Object,
                                                 .Index = Index,
                                                 .KeyInformationClass = KeyInformationClass,
                                                 .KeyInformation = KeyInformation,
                                                 .Length = Length,
                                                 .ResultLength = ResultLength};
    Status = CmpBeginCall(&Call, RegNtPreEnumerateKey, RegNtPostEnumerateKey, Object, &Information,
                          &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpEnumerateKey(Object->Key, Index, KeyInformationClass, &Query);
    }
    Status = CmpEndCall(&Call, Status);
    ObDereferenceObject(Object);
    return Status;
}
