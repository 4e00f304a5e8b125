/*
 * hiveimage.c - the registry as bytes: records of keys and values, in the order of a walk that
 * comes to a key, to its values, to each key below it, and to the key's end:
 *
 *     KEY MACHINE   KEY SYSTEM   VALUE a   KEY x   END   END   END   KEY USER   END
 *
 * Reading believes nothing: every length is compared with what is left, keys are balanced, names
 * are names. A body that passes is read a second time, for the sink, which then sees only good
 * records. Pure.
 */
#include "hive.h"

#define HIVE_NAME 510 /* bytes of a key's name */

/* Bytes behind the name. */
static SIZE_T CmpRestOf(const HIVE_RECORD *Record)
{
    return Record->Kind == HIVE_VALUE ? Record->Size : Record->ClassLength;
}

static SIZE_T CmpRecordSize(const HIVE_RECORD *Record)
{
    return (sizeof(*Record) + Record->NameLength + CmpRestOf(Record) + 7) & ~(SIZE_T)7;
}

void CmpWriteRecord(PHIVE_WRITER Writer, const HIVE_RECORD *Record, PCWCH Name, const VOID *Rest)
{
    SIZE_T Size = CmpRecordSize(Record);

    if (Writer->Buffer != NULL && Size <= Writer->Room - min(Writer->Room, Writer->Used)) {
        PUCHAR To = Writer->Buffer + Writer->Used;
        memset(To + Size - 8, 0, 8);
        memcpy(To, Record, sizeof(*Record));
        if (Record->NameLength != 0) {
            memcpy(To + sizeof(*Record), Name, Record->NameLength);
        }
        if (CmpRestOf(Record) != 0) {
            memcpy(To + sizeof(*Record) + Record->NameLength, Rest, CmpRestOf(Record));
        }
    }
    Writer->Used += Size;
}

static BOOLEAN CmpIsKeyName(const WCHAR *Name, ULONG Length)
{
    for (ULONG i = 0; i < Length / sizeof(WCHAR); i++) {
        if (Name[i] == '\\') {
            return FALSE;
        }
    }
    return Length != 0 && Length <= HIVE_NAME;
}

/* A record with Left bytes from its first on, at a depth of Depth keys. */
static BOOLEAN CmpIsRecordGood(const HIVE_RECORD *Record, SIZE_T Left, ULONG Depth)
{
    if (Left < sizeof(*Record) || ((Record->NameLength | Record->ClassLength) & 1) != 0 ||
        Record->Size > HIVE_DATA || CmpRecordSize(Record) > Left || Record->Reserved != 0) {
        return FALSE;
    }
    switch (Record->Kind) {
    case HIVE_KEY:
        return Record->Size == 0 && Depth < HIVE_DEPTH - 1 && !(Record->Flags & ~HIVE_LINK) &&
               CmpIsKeyName((const WCHAR *)(Record + 1), Record->NameLength);
    case HIVE_VALUE:
        return Record->ClassLength == 0 && Depth != 0;
    case HIVE_END:
        return Record->Size == 0 && Record->ClassLength == 0 && Record->NameLength == 0 &&
               Depth != 0;
    default:
        return FALSE;
    }
}

static BOOLEAN CmpIsImageGood(const UCHAR *Body, SIZE_T Size)
{
    ULONG Depth = 0;

    for (SIZE_T At = 0; At < Size;) {
        const HIVE_RECORD *Record = (const HIVE_RECORD *)(const VOID *)(Body + At);
        if (!CmpIsRecordGood(Record, Size - At, Depth)) {
            return FALSE;
        }
        Depth += Record->Kind == HIVE_KEY;
        Depth -= Record->Kind == HIVE_END;
        At += CmpRecordSize(Record);
    }
    return Depth == 0;
}

static NTSTATUS CmpHandOver(const HIVE_RECORD *Record, const HIVE_SINK *Sink)
{
    PWCH Text = (PWCH)(Record + 1);
    UNICODE_STRING Name = {Record->NameLength, Record->NameLength, Text};
    UNICODE_STRING Class = {Record->ClassLength, Record->ClassLength,
                            Text + Record->NameLength / sizeof(WCHAR)};

    switch (Record->Kind) {
    case HIVE_KEY:
        return Sink->Key(Sink->Context, Record, &Name, &Class);
    case HIVE_VALUE:
        return Sink->Value(Sink->Context, Record, &Name, Class.Buffer);
    default:
        Sink->End(Sink->Context);
        return STATUS_SUCCESS;
    }
}

NTSTATUS CmpReadImage(const UCHAR *Body, SIZE_T Size, const HIVE_SINK *Sink)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (!CmpIsImageGood(Body, Size)) {
        return STATUS_REGISTRY_CORRUPT;
    }
    for (SIZE_T At = 0; Sink != NULL && NT_SUCCESS(Status) && At < Size;) {
        const HIVE_RECORD *Record = (const HIVE_RECORD *)(const VOID *)(Body + At);
        Status = CmpHandOver(Record, Sink);
        At += CmpRecordSize(Record);
    }
    return Status;
}
