/*
 * registry.c - the tree of keys and values.
 *
 * One fast mutex, CmpLock, guards the whole tree. A key is held by its place in the tree (one
 * reference) and by everybody who has it open; it is freed with the last reference, so a deleted key
 * lives on, empty and unreachable, until the last one closes it. Children and values are kept in
 * alphabetical order, which is the order of enumeration.
 *
 * Everything is in paged pool and gone at power-off: the boot disk is read only.
 */
#include "ke.h"
#include "ex.h"
#include "cm.h"
#include "cmp.h"

#define CM_TAG 'geRC' /* "CReg" in memory */

/* Everything below is guarded by CmpLock, but for what never changes after creation: names. */
typedef struct _CM_VALUE {
    LIST_ENTRY Link;
    ULONG Type;
    ULONG Size;
    PUCHAR Data;  /* Size bytes behind the name */
    WCHAR Name[]; /* terminated */
} CM_VALUE, *PCM_VALUE;

typedef struct _CM_KEY {
    LIST_ENTRY Link;     /* in Parent->Children */
    PCM_KEY Parent;      /* NULL: the root, or deleted */
    LIST_ENTRY Children; /* of CM_KEY.Link, by name */
    LIST_ENTRY Values;   /* of CM_VALUE.Link, by name */
    LONG References;
    BOOLEAN Deleted;
    UNICODE_STRING Name; /* the characters stand behind the structure */
} CM_KEY;

static FAST_MUTEX CmpLock;
static PCM_KEY CmpRoot; /* \Registry */

/* Allocates a key with one reference, in no tree yet. Pool memory of this kind comes zeroed. */
static PCM_KEY CreateKey(PCUNICODE_STRING Name)
{
    PCM_KEY Key = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Key) + Name->Length, CM_TAG);

    if (Key == NULL) {
        return NULL;
    }
    InitializeListHead(&Key->Children);
    InitializeListHead(&Key->Values);
    Key->References = 1;
    Key->Name.Buffer = (PWCH)(Key + 1);
    Key->Name.MaximumLength = Name->Length;
    RtlCopyUnicodeString(&Key->Name, Name);
    return Key;
}

/* The lock is held here and in what follows, up to CmOpenKey. */
static void FreeValues(PCM_KEY Key)
{
    while (!IsListEmpty(&Key->Values)) {
        ExFreePoolWithTag(CONTAINING_RECORD(RemoveHeadList(&Key->Values), CM_VALUE, Link), CM_TAG);
    }
}

/* Frees the key with its last reference. One that still is in the tree always has one. */
static void DereferenceKey(PCM_KEY Key)
{
    if (--Key->References == 0) {
        FreeValues(Key);
        ExFreePoolWithTag(Key, CM_TAG);
    }
}

/* The child of that name; *Next is where it stands, or before what it would have to be inserted. */
static PCM_KEY FindChild(PCM_KEY Key, PCUNICODE_STRING Name, PLIST_ENTRY *Next)
{
    for (*Next = Key->Children.Flink; *Next != &Key->Children; *Next = (*Next)->Flink) {
        PCM_KEY Child = CONTAINING_RECORD(*Next, CM_KEY, Link);
        LONG Order = RtlCompareUnicodeString(Name, &Child->Name, TRUE);
        if (Order <= 0) {
            return Order == 0 ? Child : NULL;
        }
    }
    return NULL;
}

/* Takes the first component off Path, with any backslashes before it; empty at the end. */
static UNICODE_STRING TakeComponent(PUNICODE_STRING Path)
{
    PWCH Text = Path->Buffer, End = Text + Path->Length / sizeof(WCHAR), Start;
    UNICODE_STRING Component;

    while (Text != End && *Text == '\\') {
        Text++;
    }
    for (Start = Text; Text != End && *Text != '\\'; Text++) {
    }
    Component.Buffer = Start;
    Component.Length = Component.MaximumLength = (USHORT)((Text - Start) * sizeof(WCHAR));
    Path->Buffer = Text;
    Path->Length = (USHORT)((End - Text) * sizeof(WCHAR));
    return Component;
}

/* One step down the tree, making the child when there is none and Create. */
static NTSTATUS StepDown(PCM_KEY *Key, PCUNICODE_STRING Name, BOOLEAN Create)
{
    PLIST_ENTRY Next;
    PCM_KEY Child = FindChild(*Key, Name, &Next);

    if (Child == NULL) {
        /* As on Windows, what stands directly under \Registry is not for everybody to make. */
        if (!Create || *Key == CmpRoot) {
            return STATUS_OBJECT_NAME_NOT_FOUND;
        }
        if (Name->Length > CM_MAXIMUM_NAME * sizeof(WCHAR)) {
            return STATUS_NAME_TOO_LONG;
        }
        Child = CreateKey(Name);
        if (Child == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Child->Parent = *Key;
        InsertTailList(Next, &Child->Link);
    }
    *Key = Child;
    return STATUS_SUCCESS;
}

/* Keys made on the way stay when a later step fails: they are what was asked for, as far as it went. */
NTSTATUS CmOpenKey(PCUNICODE_STRING Path, BOOLEAN Create, PCM_KEY *Key)
{
    UNICODE_STRING Rest = *Path, Name = TakeComponent(&Rest);
    NTSTATUS Status = STATUS_SUCCESS;

    if (Path->Length == 0 || Path->Buffer[0] != '\\' ||
        !RtlEqualUnicodeString(&Name, &CmpRoot->Name, TRUE)) {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    ExAcquireFastMutex(&CmpLock);
    *Key = CmpRoot;
    /* No key on the way can go while the lock is held, so only the last needs a reference. */
    for (Name = TakeComponent(&Rest); Name.Length != 0; Name = TakeComponent(&Rest)) {
        Status = StepDown(Key, &Name, Create);
        if (!NT_SUCCESS(Status)) {
            break;
        }
    }
    if (NT_SUCCESS(Status)) {
        (*Key)->References++;
    }
    ExReleaseFastMutex(&CmpLock);
    return Status;
}

void CmCloseKey(PCM_KEY Key)
{
    ExAcquireFastMutex(&CmpLock);
    DereferenceKey(Key);
    ExReleaseFastMutex(&CmpLock);
}

/* Children have to go first, or they would be out of reach but for those who have them open. */
NTSTATUS CmDeleteKey(PCM_KEY Key)
{
    NTSTATUS Status = STATUS_SUCCESS;

    ExAcquireFastMutex(&CmpLock);
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (!IsListEmpty(&Key->Children) || Key->Parent == NULL || Key->Parent == CmpRoot) {
        Status = STATUS_CANNOT_DELETE;
    } else {
        RemoveEntryList(&Key->Link);
        FreeValues(Key);
        Key->Parent = NULL;
        Key->Deleted = TRUE;
        DereferenceKey(Key); /* the tree's; the caller has one more */
    }
    ExReleaseFastMutex(&CmpLock);
    return Status;
}

/* The value of that name; *Next as for FindChild. Linear, like FindChild: a key has a handful of
 * each, and order comes with the search. */
static PCM_VALUE FindValue(PCM_KEY Key, PCWSTR Name, PLIST_ENTRY *Next)
{
    SIZE_T Length = wcslen(Name);

    for (*Next = Key->Values.Flink; *Next != &Key->Values; *Next = (*Next)->Flink) {
        PCM_VALUE Value = CONTAINING_RECORD(*Next, CM_VALUE, Link);
        LONG Order = RtlCompareUnicodeStrings(Name, Length, Value->Name, wcslen(Value->Name), TRUE);
        if (Order <= 0) {
            return Order == 0 ? Value : NULL;
        }
    }
    return NULL;
}

static void RemoveValue(PCM_VALUE Value)
{
    RemoveEntryList(&Value->Link);
    ExFreePoolWithTag(Value, CM_TAG);
}

/* One block holds the structure, the name and the data. */
static PCM_VALUE CreateValue(PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size)
{
    SIZE_T NameBytes = (wcslen(Name) + 1) * sizeof(WCHAR);
    PCM_VALUE Value = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Value) + NameBytes + Size, CM_TAG);

    if (Value != NULL) {
        Value->Type = Type;
        Value->Size = Size;
        Value->Data = (PUCHAR)Value->Name + NameBytes;
        memcpy(Value->Name, Name, NameBytes);
        memcpy(Value->Data, Data, Size);
    }
    return Value;
}

NTSTATUS CmSetValue(PCM_KEY Key, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size)
{
    PCM_VALUE Value, Old;
    PLIST_ENTRY Next;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Size > CM_MAXIMUM_VALUE) {
        return STATUS_INVALID_PARAMETER;
    }
    /* Made before the lock is taken, so that Data may be paged out and memory may be waited for; and
     * put in before the old one goes, so that a failure changes nothing. */
    Value = CreateValue(Name, Type, Data, Size);
    if (Value == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExAcquireFastMutex(&CmpLock);
    if (Key->Deleted) {
        ExFreePoolWithTag(Value, CM_TAG);
        Status = STATUS_KEY_DELETED;
    } else {
        Old = FindValue(Key, Name, &Next);
        /* Before Next, which is the old one if there is one: the new value takes its place in
         * order. */
        InsertTailList(Next, &Value->Link);
        if (Old != NULL) {
            RemoveValue(Old);
        }
    }
    ExReleaseFastMutex(&CmpLock);
    return Status;
}

NTSTATUS CmDeleteValue(PCM_KEY Key, PCWSTR Name)
{
    PCM_VALUE Value;
    PLIST_ENTRY Next;

    ExAcquireFastMutex(&CmpLock);
    Value = FindValue(Key, Name, &Next);
    if (Value != NULL) {
        RemoveValue(Value);
    }
    ExReleaseFastMutex(&CmpLock);
    return Value != NULL ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS CmQueryValue(PCM_KEY Key, PCWSTR Name, ULONG *Type, PVOID Data, ULONG *Size)
{
    PCM_VALUE Value;
    PLIST_ENTRY Next;
    NTSTATUS Status;

    ExAcquireFastMutex(&CmpLock);
    Value = FindValue(Key, Name, &Next);
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (Value == NULL) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else {
        Status = *Size < Value->Size ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
        if (NT_SUCCESS(Status)) {
            memcpy(Data, Value->Data, Value->Size);
        }
        *Size = Value->Size;
        if (Type != NULL) {
            *Type = Value->Type;
        }
    }
    ExReleaseFastMutex(&CmpLock);
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
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&CmpLock);
    /* Counted from the start each time: keys may come and go between two calls. */
    for (Entry = Key->Children.Flink; Entry != &Key->Children && Index != 0; Index--) {
        Entry = Entry->Flink;
    }
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (Entry != &Key->Children) {
        PUNICODE_STRING Found = &CONTAINING_RECORD(Entry, CM_KEY, Link)->Name;
        ULONG Count = min(Found->Length / (ULONG)sizeof(WCHAR), NameChars - 1);
        memcpy(Name, Found->Buffer, Count * sizeof(WCHAR));
        Name[Count] = UNICODE_NULL;
        Status = STATUS_SUCCESS;
    }
    ExReleaseFastMutex(&CmpLock);
    return Status;
}

/* A key directly under \Registry, which CmOpenKey makes none of. */
static NTSTATUS AddRoot(PCWSTR Name)
{
    UNICODE_STRING String;
    PCM_KEY Key;

    RtlInitUnicodeString(&String, Name);
    Key = CreateKey(&String);
    if (Key == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Key->Parent = CmpRoot;
    InsertTailList(&CmpRoot->Children, &Key->Link);
    return STATUS_SUCCESS;
}

NTSTATUS CmpInitializeTree(void)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Registry");
    NTSTATUS Status;

    ExInitializeFastMutex(&CmpLock);
    CmpRoot = CreateKey(&Name);
    if (CmpRoot == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = AddRoot(L"Machine");
    return NT_SUCCESS(Status) ? AddRoot(L"User") : Status;
}
