/*
 * rtlquery.c - RtlQueryRegistryValues: values as a table of entries says.
 *
 * Entries are worked off in order. Each wants one value, or all values, of the current key, which
 * is the one at Path or, after a SUBKEY entry, one below it. A value is read into a block of its
 * own, expanded, and handed to the entry's routine or, with DIRECT, copied to where EntryContext
 * points.
 */
#include "rtlkey.h"

#define CMP_FIRST_ROOM 256     /* bytes that most values fit into */
#define CMP_VARIABLE_CHARS 256 /* no variable's name is that long */

/* A query on its way. */
typedef struct _CMP_TABLE_QUERY {
    ULONG RelativeTo;
    HANDLE Top; /* the key at Path */
    HANDLE Key; /* the current one: Top, or of a SUBKEY entry */
    PVOID Context;
} CMP_TABLE_QUERY, *PCMP_TABLE_QUERY;

/* A value as it is handed over. */
typedef struct _CMP_TABLE_VALUE {
    PWSTR Name; /* terminated */
    ULONG Type;
    PVOID Data;
    ULONG Length;
} CMP_TABLE_VALUE;

typedef const RTL_QUERY_REGISTRY_TABLE *PCMP_ENTRY;

static BOOLEAN CmpIsString(ULONG Type)
{
    return Type == REG_SZ || Type == REG_EXPAND_SZ || Type == REG_MULTI_SZ || Type == REG_LINK;
}

/*** Where DIRECT stores values. ***/

/* As a counted string, in the caller's buffer or a new one, always terminated. */
static NTSTATUS CmpStoreString(PUNICODE_STRING To, PVOID Data, ULONG Length)
{
    ULONG Needed;

    if (Length >= sizeof(WCHAR) && ((PWCH)Data)[Length / sizeof(WCHAR) - 1] == 0) {
        Length -= sizeof(WCHAR);
    }
    Length &= ~1U;
    Needed = Length + sizeof(WCHAR);
    if (Needed > UNICODE_STRING_MAX_BYTES) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (To->Buffer == NULL) {
        To->Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Needed, CMP_TAG);
        if (To->Buffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        To->MaximumLength = (USHORT)Needed;
    } else if (To->MaximumLength < Needed) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(To->Buffer, Data, Length);
    To->Buffer[Length / sizeof(WCHAR)] = UNICODE_NULL;
    To->Length = (USHORT)Length;
    return STATUS_SUCCESS;
}

/* Other data: up to four bytes as they are. A negative first LONG is the room for the data itself;
 * a positive one the room with length and type before the data. */
static NTSTATUS CmpStoreBinary(PVOID To, const CMP_TABLE_VALUE *Value)
{
    LONG Room;

    if (Value->Length <= sizeof(ULONG)) {
        RtlCopyMemory(To, Value->Data, Value->Length);
        return STATUS_SUCCESS;
    }
    Room = *(LONG *)To;
    if (Room < 0) {
        if (0 - (ULONG)Room < Value->Length) {
            return STATUS_BUFFER_TOO_SMALL;
        }
        RtlCopyMemory(To, Value->Data, Value->Length);
        return STATUS_SUCCESS;
    }
    if ((ULONG)Room < 2 * sizeof(ULONG) + Value->Length) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    ((PULONG)To)[0] = Value->Length;
    ((PULONG)To)[1] = Value->Type;
    RtlCopyMemory((PULONG)To + 2, Value->Data, Value->Length);
    return STATUS_SUCCESS;
}

static NTSTATUS CmpStoreDirect(PCMP_ENTRY Entry, const CMP_TABLE_VALUE *Value)
{
    ULONG Wanted = Entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;

    if ((Entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK) && Value->Type != Wanted) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (!CmpIsString(Value->Type)) {
        return CmpStoreBinary(Entry->EntryContext, Value);
    }
    if (Entry->Flags & RTL_QUERY_REGISTRY_NOSTRING) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return CmpStoreString(Entry->EntryContext, Value->Data, Value->Length);
}

/*** Handing over ***/

static NTSTATUS CmpGiveValue(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry, const CMP_TABLE_VALUE *Value)
{
    NTSTATUS Status;

    if (Entry->Flags & RTL_QUERY_REGISTRY_DIRECT) {
        return CmpStoreDirect(Entry, Value);
    }
    Status = Entry->QueryRoutine(Value->Name, Value->Type, Value->Data, Value->Length,
                                 Query->Context, Entry->EntryContext);
    /* What the routine says of buffers of its own is nothing that stops the query. */
    return Status == STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : Status;
}

/* Each string of a list by itself, as REG_SZ. Data has a zero behind its end. */
static NTSTATUS CmpGiveStrings(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry,
                               const CMP_TABLE_VALUE *Value)
{
    PWCH At = Value->Data, End = At + Value->Length / sizeof(WCHAR);
    NTSTATUS Status = STATUS_SUCCESS;

    while (NT_SUCCESS(Status) && At < End && *At != 0) {
        SIZE_T Length = wcslen(At);
        CMP_TABLE_VALUE One = {Value->Name, REG_SZ, At, (ULONG)((Length + 1) * sizeof(WCHAR))};
        Status = CmpGiveValue(Query, Entry, &One);
        At += Length + 1;
    }
    return Status;
}

/* The system's variables. Name is between the percent signs. */
static BOOLEAN CmpFindVariable(PCUNICODE_STRING Name, PUNICODE_STRING Value)
{
    UNICODE_STRING SystemRoot = RTL_CONSTANT_STRING(L"SystemRoot"),
                   Path = RTL_CONSTANT_STRING(L"\\SystemRoot");

    *Value = Path;
    return RtlEqualUnicodeString(Name, &SystemRoot, TRUE);
}

/* Copies the text with variables replaced to To, unless it is NULL; answers the characters. Text
 * that names no variable stays as it is. */
static SIZE_T CmpExpandText(const WCHAR *From, SIZE_T Count, WCHAR *To)
{
    SIZE_T Written = 0;

    for (SIZE_T i = 0; i < Count; i++) {
        UNICODE_STRING Value;
        SIZE_T End = i + 1;
        while (From[i] == '%' && End < Count && From[End] != '%') {
            End++;
        }
        UNICODE_STRING Name = {(USHORT)((End - i - 1) * sizeof(WCHAR)), 0, (PWCH)&From[i + 1]};
        if (From[i] == '%' && End < Count && End - i < CMP_VARIABLE_CHARS &&
            CmpFindVariable(&Name, &Value)) {
            if (To != NULL) {
                RtlCopyMemory(To + Written, Value.Buffer, Value.Length);
            }
            Written += Value.Length / sizeof(WCHAR);
            i = End;
            continue;
        }
        if (To != NULL) {
            To[Written] = From[i];
        }
        Written++;
    }
    return Written;
}

static NTSTATUS CmpGiveExpanded(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry,
                                const CMP_TABLE_VALUE *Value)
{
    SIZE_T Count = Value->Length / sizeof(WCHAR);
    SIZE_T Needed = CmpExpandText(Value->Data, Count, NULL);
    PWCH Text = ExAllocatePool2(POOL_FLAG_PAGED, (Needed + 1) * sizeof(WCHAR), CMP_TAG);
    NTSTATUS Status;

    if (Text == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    CmpExpandText(Value->Data, Count, Text);
    CMP_TABLE_VALUE Expanded = {Value->Name, REG_SZ, Text, (ULONG)(Needed * sizeof(WCHAR))};
    Status = CmpGiveValue(Query, Entry, &Expanded);
    ExFreePoolWithTag(Text, CMP_TAG);
    return Status;
}

/* As DIRECT's buffer is one, lists go there whole. The type that TYPECHECK wants is that of the
 * registry. */
static NTSTATUS CmpGive(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry, const CMP_TABLE_VALUE *Value)
{
    BOOLEAN Direct = (Entry->Flags & RTL_QUERY_REGISTRY_DIRECT) != 0;
    ULONG Wanted = Entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;

    if (Direct && (Entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK) && Value->Type != Wanted) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (Entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND) {
        return CmpGiveValue(Query, Entry, Value);
    }
    if (Value->Type == REG_MULTI_SZ && !Direct) {
        return CmpGiveStrings(Query, Entry, Value);
    }
    if (Value->Type == REG_EXPAND_SZ) {
        RTL_QUERY_REGISTRY_TABLE Unchecked = *Entry;
        Unchecked.Flags &= ~(ULONG)RTL_QUERY_REGISTRY_TYPECHECK;
        return CmpGiveExpanded(Query, &Unchecked, Value);
    }
    return CmpGiveValue(Query, Entry, Value);
}

/*** Reading ***/

/* Reads a value whole, by name or, with Name NULL, the Index-th; the block is the caller's to free,
 * and has a few zeros behind the data. */
static NTSTATUS CmpReadValue(HANDLE Key, PUNICODE_STRING Name, ULONG Index,
                             PKEY_VALUE_FULL_INFORMATION *Value)
{
    ULONG Room = CMP_FIRST_ROOM, Needed;

    for (;;) {
        PVOID Buffer = ExAllocatePool2(POOL_FLAG_PAGED, (SIZE_T)Room + 8, CMP_TAG);
        NTSTATUS Status;
        if (Buffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Status =
            Name != NULL
                ? ZwQueryValueKey(Key, Name, KeyValueFullInformation, Buffer, Room, &Needed)
                : ZwEnumerateValueKey(Key, Index, KeyValueFullInformation, Buffer, Room, &Needed);
        if (NT_SUCCESS(Status)) {
            *Value = Buffer;
            return STATUS_SUCCESS;
        }
        ExFreePoolWithTag(Buffer, CMP_TAG);
        if (Status != STATUS_BUFFER_OVERFLOW && Status != STATUS_BUFFER_TOO_SMALL) {
            return Status;
        }
        Room = Needed;
    }
}

static NTSTATUS CmpGiveRead(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry, PWSTR Name,
                            PKEY_VALUE_FULL_INFORMATION Read)
{
    ULONG At = Read->DataLength != 0 ? Read->DataOffset : 0;
    CMP_TABLE_VALUE Value = {Name, Read->Type, (PUCHAR)Read + At, Read->DataLength};

    return CmpGive(Query, Entry, &Value);
}

/* A value that is missing has its default, if there is one. */
static NTSTATUS CmpGiveDefault(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry)
{
    ULONG Type = Entry->DefaultType & ~(ULONG)RTL_QUERY_REGISTRY_TYPECHECK_MASK;
    CMP_TABLE_VALUE Value = {Entry->Name, Type, Entry->DefaultData, Entry->DefaultLength};
    RTL_QUERY_REGISTRY_TABLE Unchecked = *Entry;

    if (Entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (Type == REG_NONE) {
        return STATUS_SUCCESS;
    }
    if (Value.Length == 0 && Value.Data != NULL && CmpIsString(Type)) {
        PWCH End = Value.Data;
        do {
            End += wcslen(End) + 1;
        } while (Type == REG_MULTI_SZ && *End != 0);
        Value.Length = (ULONG)((PUCHAR)End - (PUCHAR)Value.Data);
    }
    Unchecked.Flags &= ~(ULONG)RTL_QUERY_REGISTRY_TYPECHECK;
    return CmpGive(Query, &Unchecked, &Value);
}

static NTSTATUS CmpQueryOne(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry)
{
    PKEY_VALUE_FULL_INFORMATION Read;
    UNICODE_STRING Name;
    NTSTATUS Status = RtlInitUnicodeStringEx(&Name, Entry->Name);

    if (NT_SUCCESS(Status)) {
        Status = CmpReadValue(Query->Key, &Name, 0, &Read);
    }
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        return CmpGiveDefault(Query, Entry);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpGiveRead(Query, Entry, Entry->Name, Read);
    ExFreePoolWithTag(Read, CMP_TAG);
    if (NT_SUCCESS(Status) && (Entry->Flags & RTL_QUERY_REGISTRY_DELETE)) {
        ZwDeleteValueKey(Query->Key, &Name);
    }
    return Status;
}

/* The name needs a terminator, and stands where the data begins: so it is copied. *Deleted: the
 * value is. */
static NTSTATUS CmpGiveNamed(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry,
                             PKEY_VALUE_FULL_INFORMATION Read, BOOLEAN *Deleted)
{
    UNICODE_STRING Name = {(USHORT)Read->NameLength, (USHORT)Read->NameLength, Read->Name};
    PWSTR Copy = ExAllocatePool2(POOL_FLAG_PAGED, Read->NameLength + sizeof(WCHAR), CMP_TAG);
    NTSTATUS Status;

    if (Copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Copy, Read->Name, Read->NameLength);
    Status = CmpGiveRead(Query, Entry, Copy, Read);
    *Deleted = NT_SUCCESS(Status) && (Entry->Flags & RTL_QUERY_REGISTRY_DELETE) &&
               NT_SUCCESS(ZwDeleteValueKey(Query->Key, &Name));
    ExFreePoolWithTag(Copy, CMP_TAG);
    return Status;
}

/* Deleted values make those behind them move up. One that cannot be deleted stays in its place. */
static NTSTATUS CmpQueryAll(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry)
{
    ULONG Index = 0, Count = 0;
    BOOLEAN Deleted = FALSE;
    PKEY_VALUE_FULL_INFORMATION Read;
    NTSTATUS Status;

    while (NT_SUCCESS(Status = CmpReadValue(Query->Key, NULL, Index, &Read))) {
        Status = CmpGiveNamed(Query, Entry, Read, &Deleted);
        ExFreePoolWithTag(Read, CMP_TAG);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Count++;
        Index += !Deleted;
    }
    if (Status != STATUS_NO_MORE_ENTRIES) {
        return Status;
    }
    return Count == 0 && (Entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) ? STATUS_OBJECT_NAME_NOT_FOUND
                                                                      : STATUS_SUCCESS;
}

/*** Entries ***/

static void CmpGoToTop(PCMP_TABLE_QUERY Query)
{
    if (Query->Key != Query->Top) {
        ZwClose(Query->Key);
        Query->Key = Query->Top;
    }
}

/* Without access to delete with, all is read all the same. */
static NTSTATUS CmpGoToSubkey(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    NTSTATUS Status;
    HANDLE Key;

    CmpGoToTop(Query);
    Status = RtlInitUnicodeStringEx(&Name, Entry->Name);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               Query->Top, NULL);
    Status = ZwOpenKey(&Key, MAXIMUM_ALLOWED, &Attributes);
    if (NT_SUCCESS(Status)) {
        Query->Key = Key;
    }
    return Status;
}

/* What contradicts itself. */
static BOOLEAN CmpIsEntryValid(PCMP_ENTRY Entry)
{
    if (Entry->Flags & RTL_QUERY_REGISTRY_DIRECT) {
        return Entry->Name != NULL && Entry->EntryContext != NULL && Entry->QueryRoutine == NULL &&
               !(Entry->Flags & RTL_QUERY_REGISTRY_SUBKEY);
    }
    if (Entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) {
        return Entry->Name != NULL && !(Entry->Flags & RTL_QUERY_REGISTRY_DELETE);
    }
    return !(Entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK);
}

/* A SUBKEY entry with a routine goes on with all values of that key. */
static NTSTATUS CmpQueryEntry(PCMP_TABLE_QUERY Query, PCMP_ENTRY Entry)
{
    if (!CmpIsEntryValid(Entry)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) {
        NTSTATUS Status = CmpGoToSubkey(Query, Entry);
        if (!NT_SUCCESS(Status)) {
            return Status == STATUS_OBJECT_NAME_NOT_FOUND &&
                           !(Entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
                       ? STATUS_MORE_ENTRIES
                       : Status;
        }
    } else if (Entry->Flags & RTL_QUERY_REGISTRY_TOPKEY) {
        CmpGoToTop(Query);
    }
    if (Entry->QueryRoutine == NULL && !(Entry->Flags & RTL_QUERY_REGISTRY_DIRECT)) {
        return STATUS_SUCCESS; /* only a change of key */
    }
    if (Entry->Flags & RTL_QUERY_REGISTRY_NOVALUE) {
        CMP_TABLE_VALUE Nothing = {Entry->Name, REG_NONE, NULL, 0};
        return CmpGiveValue(Query, Entry, &Nothing);
    }
    return Entry->Name == NULL || (Entry->Flags & RTL_QUERY_REGISTRY_SUBKEY)
               ? CmpQueryAll(Query, Entry)
               : CmpQueryOne(Query, Entry);
}

static BOOLEAN CmpIsEnd(PCMP_ENTRY Entry)
{
    return Entry->QueryRoutine == NULL && Entry->Name == NULL &&
           !(Entry->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT));
}

NTSTATUS NTAPI RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path,
                                      PRTL_QUERY_REGISTRY_TABLE QueryTable, PVOID Context,
                                      PVOID Environment)
{
    CMP_TABLE_QUERY Query = {.RelativeTo = RelativeTo, .Context = Context};
    NTSTATUS Status;

    PAGED_CODE();
    UNREFERENCED_PARAMETER(Environment);
    Status = CmpOpenRelative(RelativeTo, Path, FALSE, MAXIMUM_ALLOWED, &Query.Top);
    if (!NT_SUCCESS(Status)) {
        return Status == STATUS_OBJECT_NAME_NOT_FOUND && (RelativeTo & RTL_REGISTRY_OPTIONAL)
                   ? STATUS_SUCCESS
                   : Status;
    }
    Query.Key = Query.Top;
    for (PCMP_ENTRY Entry = QueryTable; NT_SUCCESS(Status) && !CmpIsEnd(Entry); Entry++) {
        Status = CmpQueryEntry(&Query, Entry);
        if (Status == STATUS_MORE_ENTRIES) {
            /* A key that may be missing is: entries up to the next change of key are about it. */
            while (!CmpIsEnd(Entry + 1) &&
                   !(Entry[1].Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_TOPKEY))) {
                Entry++;
            }
            Status = STATUS_SUCCESS;
        }
    }
    CmpGoToTop(&Query);
    CmpCloseRelative(RelativeTo, Query.Top);
    return Status;
}
