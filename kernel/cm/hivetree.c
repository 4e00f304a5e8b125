/*
 * hivetree.c - between the tree in memory and a body on the disk.
 *
 * Saving walks the tree twice under CmpLock, to count and to write, into memory that is written to
 * the disk later, without the lock. Loading puts a body over the tree: keys that are there stay, so
 * handles stay good, and get the body's values; keys that the body does not have go. Volatile keys
 * are not touched and not saved.
 *
 * Walks keep their place in Cursor, as 512 levels of recursion are too deep for a kernel stack;
 * hence only one at a time: CmpFlushLock.
 */
#include "cmp.h"
#include "hive.h"

C_ASSERT(HIVE_DATA == CM_MAXIMUM_VALUE && HIVE_DEPTH == CMP_MAXIMUM_DEPTH);

volatile LONG64 CmpChangeCount;

/* The key and its values. */
static void CmpWriteKey(PHIVE_WRITER Writer, PCM_KEY Key)
{
    HIVE_RECORD Record = {.Kind = HIVE_KEY,
                          .Flags = Key->Link ? HIVE_LINK : 0,
                          .NameLength = Key->Name.Length,
                          .ClassLength = Key->Class.Length,
                          .Time = (ULONG64)Key->LastWriteTime.QuadPart};

    CmpWriteRecord(Writer, &Record, Key->Name.Buffer, Key->Class.Buffer);
    for (ULONG i = 0; i < Key->Values.Count; i++) {
        PCMP_VALUE Value = Key->Values.Items[i];
        HIVE_RECORD ValueRecord = {.Kind = HIVE_VALUE,
                                   .NameLength = Value->NameLength,
                                   .Type = Value->Type,
                                   .Size = Value->Size};
        CmpWriteRecord(Writer, &ValueRecord, Value->Name, CmpValueData(Value));
    }
}

static void CmpWriteTree(PHIVE_WRITER Writer)
{
    static const HIVE_RECORD End = {.Kind = HIVE_END};
    PCM_KEY Key = CmpRoot;

    Key->Cursor = 0;
    for (;;) {
        if (Key->Cursor < Key->Keys.Count) {
            PCM_KEY Child = Key->Keys.Items[Key->Cursor++];
            if (!Child->Volatile) {
                CmpWriteKey(Writer, Child);
                Child->Cursor = 0;
                Key = Child;
            }
        } else if (Key == CmpRoot) {
            return;
        } else {
            CmpWriteRecord(Writer, &End, NULL, NULL);
            Key = Key->Parent;
        }
    }
}

PVOID CmpSaveTree(PULONG Size, PLONG64 Changes)
{
    HIVE_WRITER Counter = {0}, Writer = {0};

    CmpLockShared();
    *Changes = CmpChangeCount;
    CmpWriteTree(&Counter);
    if (Counter.Used <= MAXLONG) {
        /* Comes zeroed, and so is what follows the body in its last sector. */
        Writer.Room = (Counter.Used + HIVE_SECTOR - 1) & ~(SIZE_T)(HIVE_SECTOR - 1);
        Writer.Buffer = ExAllocatePool2(POOL_FLAG_PAGED, max(Writer.Room, HIVE_SECTOR), CMP_TAG);
    }
    if (Writer.Buffer != NULL) {
        CmpWriteTree(&Writer);
    }
    CmpUnlock();
    *Size = (ULONG)Writer.Used;
    return Writer.Buffer;
}

/* Where a body being loaded has got to. */
typedef struct _CMP_LOADING {
    PCM_KEY Key;
    ULONG Skipped; /* levels below a key that a volatile one stands in the way of */
} CMP_LOADING, *PCMP_LOADING;

/* The key of a record, found or made below the current one. */
static NTSTATUS CmpTakeKey(PCMP_LOADING Loading, const HIVE_RECORD *Record, PCUNICODE_STRING Name,
                           PCUNICODE_STRING Class, PCM_KEY *Key)
{
    ULONG Options = Record->Flags & HIVE_LINK ? REG_OPTION_CREATE_LINK : 0, Index;
    NTSTATUS Status = STATUS_SUCCESS;

    *Key = CmpFindKey(Loading->Key, Name, &Index);
    if (*Key == NULL) {
        return CmpAddKey(Loading->Key, Name, Class, Options, Key);
    }
    if (!(*Key)->Volatile) {
        /* registry.reg knows neither classes nor links: the disk's key is the one that counts. */
        CmpFreeString(&(*Key)->Class);
        (*Key)->Link = Options != 0;
        Status = CmpCopyString(&(*Key)->Class, Class);
    }
    return Status;
}

static NTSTATUS CmpLoadKey(PVOID Context, const HIVE_RECORD *Record, PCUNICODE_STRING Name,
                           PCUNICODE_STRING Class)
{
    PCMP_LOADING Loading = Context;
    NTSTATUS Status = STATUS_SUCCESS;
    PCM_KEY Key = NULL;

    if (Loading->Skipped == 0) {
        Status = CmpTakeKey(Loading, Record, Name, Class, &Key);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Key == NULL || Key->Volatile) {
        Loading->Skipped++;
        return STATUS_SUCCESS;
    }
    CmpFreeValues(Key);
    Key->LastWriteTime.QuadPart = (LONGLONG)Record->Time;
    Key->Marked = TRUE;
    Loading->Key = Key;
    return STATUS_SUCCESS;
}

static NTSTATUS CmpLoadValue(PVOID Context, const HIVE_RECORD *Record, PCUNICODE_STRING Name,
                             const VOID *Data)
{
    PCMP_LOADING Loading = Context;
    NTSTATUS Status;
    PCMP_VALUE Value;

    if (Loading->Skipped != 0) {
        return STATUS_SUCCESS;
    }
    Value = CmpAllocateValue(Name, Record->Type, Data, Record->Size);
    if (Value == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = CmpPutValue(Loading->Key, Value);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Value, CMP_TAG);
    }
    return Status;
}

static void CmpLoadEnd(PVOID Context)
{
    PCMP_LOADING Loading = Context;

    if (Loading->Skipped != 0) {
        Loading->Skipped--;
    } else {
        Loading->Key = Loading->Key->Parent;
    }
}

/* Deletes lasting keys that are not marked, those below before those above; unmarks the others. */
static void CmpSweep(BOOLEAN Keep)
{
    PCM_KEY Key = CmpRoot;

    Key->Cursor = 0;
    for (;;) {
        if (Key->Cursor < Key->Keys.Count) {
            Key = Key->Keys.Items[Key->Cursor];
            Key->Cursor = 0;
            continue;
        }
        if (Key == CmpRoot) {
            return;
        }
        PCM_KEY Parent = Key->Parent;
        BOOLEAN Gone = !Keep && !Key->Marked && !Key->Volatile && NT_SUCCESS(CmpRemoveKey(Key));
        if (!Gone) {
            Key->Marked = FALSE;
            Parent->Cursor++;
        }
        Key = Parent;
    }
}

NTSTATUS CmpLoadTree(const UCHAR *Body, ULONG Size, BOOLEAN KeepNew)
{
    CMP_LOADING Loading = {.Key = CmpRoot};
    HIVE_SINK Sink = {CmpLoadKey, CmpLoadValue, CmpLoadEnd, &Loading};
    NTSTATUS Status;

    CmpLockExclusive();
    Status = CmpReadImage(Body, Size, &Sink);
    CmpSweep(KeepNew || !NT_SUCCESS(Status));
    CmpUnlock();
    return Status;
}
