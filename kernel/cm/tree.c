/*
 * tree.c - the tree of keys.
 *
 * A key's children stand in an array in alphabetical order, ignoring case, which is the order of
 * enumeration: finding one takes a binary search, the n-th is at hand. All is in paged pool and
 * guarded by CmpLock, but for reference counts.
 *
 * Two things keep a key in memory: its place in the tree and those who refer to it. Deletion takes
 * it out of the tree, with its values; the structure goes with the last reference. A key with
 * children cannot be deleted, so whoever holds the lock may follow Parent up to the root.
 */
#include "cmp.h"

EX_PUSH_LOCK CmpLock;
PCM_KEY CmpRoot;

NTSTATUS CmpCopyString(PUNICODE_STRING To, PCUNICODE_STRING From)
{
    RtlZeroMemory(To, sizeof(*To));
    if (From == NULL || From->Length == 0) {
        return STATUS_SUCCESS;
    }
    To->Buffer = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED, From->Length, CMP_TAG);
    if (To->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(To->Buffer, From->Buffer, From->Length);
    To->Length = To->MaximumLength = From->Length;
    return STATUS_SUCCESS;
}

void CmpFreeString(PUNICODE_STRING String)
{
    if (String->Buffer != NULL) {
        ExFreePoolWithTag(String->Buffer, CMP_TAG);
        RtlZeroMemory(String, sizeof(*String));
    }
}

/* Doubles the room when it is used up, so that n insertions copy O(n) in all. */
NTSTATUS CmpInsertItem(PCMP_LIST List, ULONG Index, PVOID Item)
{
    if (List->Count == List->Room) {
        ULONG Room = List->Room == 0 ? 4 : 2 * List->Room;
        PVOID *Items = ExAllocatePool2(POOL_FLAG_PAGED, Room * sizeof(PVOID), CMP_TAG);
        if (Items == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        if (List->Items != NULL) {
            RtlCopyMemory(Items, List->Items, List->Count * sizeof(PVOID));
            ExFreePoolWithTag(List->Items, CMP_TAG);
        }
        List->Items = Items;
        List->Room = Room;
    }
    RtlMoveMemory(&List->Items[Index + 1], &List->Items[Index],
                  (List->Count - Index) * sizeof(PVOID));
    List->Items[Index] = Item;
    List->Count++;
    return STATUS_SUCCESS;
}

/* An empty list has no memory, so that nothing is left when a key loses what it had. */
void CmpRemoveItem(PCMP_LIST List, ULONG Index)
{
    List->Count--;
    RtlMoveMemory(&List->Items[Index], &List->Items[Index + 1],
                  (List->Count - Index) * sizeof(PVOID));
    if (List->Count == 0) {
        ExFreePoolWithTag(List->Items, CMP_TAG);
        List->Items = NULL;
        List->Room = 0;
    }
}

PCM_KEY CmpFindKey(PCM_KEY Key, PCUNICODE_STRING Name, PULONG Index)
{
    ULONG Low = 0, High = Key->Keys.Count;

    while (Low < High) {
        ULONG Middle = (Low + High) / 2;
        PCM_KEY Child = Key->Keys.Items[Middle];
        LONG Order = RtlCompareUnicodeString(Name, &Child->Name, TRUE);
        if (Order == 0) {
            *Index = Middle;
            return Child;
        }
        if (Order < 0) {
            High = Middle;
        } else {
            Low = Middle + 1;
        }
    }
    *Index = Low;
    return NULL;
}

/* A key with one reference, in no tree yet. Pool memory of this kind comes zeroed. */
static PCM_KEY CmpAllocateKey(PCUNICODE_STRING Name, PCUNICODE_STRING Class)
{
    PCM_KEY Key = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Key), CMP_TAG);

    if (Key == NULL) {
        return NULL;
    }
    InitializeListHead(&Key->Watches);
    Key->References = 1;
    if (!NT_SUCCESS(CmpCopyString(&Key->Name, Name)) ||
        !NT_SUCCESS(CmpCopyString(&Key->Class, Class))) {
        CmpDereferenceKey(Key);
        return NULL;
    }
    KeQuerySystemTime(&Key->LastWriteTime);
    return Key;
}

void CmpDereferenceKey(PCM_KEY Key)
{
    if (InterlockedDecrement(&Key->References) == 0) {
        KI_ASSERT(Key->Keys.Count == 0 && Key->Values.Count == 0 && IsListEmpty(&Key->Watches));
        CmpFreeString(&Key->Name);
        CmpFreeString(&Key->Class);
        ExFreePoolWithTag(Key, CMP_TAG);
    }
}

/* What a key's name must be, wherever it goes. */
static NTSTATUS CmpCheckKeyName(PCUNICODE_STRING Name)
{
    return Name->Length == 0 || Name->Length > CM_MAXIMUM_NAME * sizeof(WCHAR)
               ? STATUS_INVALID_PARAMETER
               : STATUS_SUCCESS;
}

NTSTATUS CmpAddKey(PCM_KEY Parent, PCUNICODE_STRING Name, PCUNICODE_STRING Class, ULONG Options,
                   PCM_KEY *NewKey)
{
    NTSTATUS Status = CmpCheckKeyName(Name);
    ULONG Index;
    PCM_KEY Key;

    if (!NT_SUCCESS(Status) || Parent->Depth + 1 >= CMP_MAXIMUM_DEPTH) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Parent->Deleted) {
        return STATUS_KEY_DELETED;
    }
    /* A link has nothing below it but its value. */
    if (Parent->Link) {
        return STATUS_ACCESS_DENIED;
    }
    if (Parent->Volatile && !Parent->VolatileHive && !(Options & REG_OPTION_VOLATILE)) {
        return STATUS_CHILD_MUST_BE_VOLATILE;
    }
    Key = CmpAllocateKey(Name, Class);
    if (Key == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Key->Depth = Parent->Depth + 1;
    Key->VolatileHive = Parent->VolatileHive;
    Key->Volatile = Parent->VolatileHive || (Options & REG_OPTION_VOLATILE) != 0;
    Key->Link = (Options & REG_OPTION_CREATE_LINK) != 0;
    CmpFindKey(Parent, Name, &Index);
    Status = CmpInsertItem(&Parent->Keys, Index, Key);
    if (!NT_SUCCESS(Status)) {
        CmpDereferenceKey(Key);
        return Status;
    }
    Key->Parent = Parent;
    *NewKey = Key;
    return STATUS_SUCCESS;
}

NTSTATUS CmpRemoveKey(PCM_KEY Key)
{
    PCM_KEY Parent = Key->Parent;
    ULONG Index;

    if (Key->Deleted) {
        return STATUS_KEY_DELETED;
    }
    if (Key->Keys.Count != 0 || CmpIsFixed(Key)) {
        return STATUS_CANNOT_DELETE;
    }
    CmpFindKey(Parent, &Key->Name, &Index);
    CmpRemoveItem(&Parent->Keys, Index);
    CmpFreeValues(Key);
    Key->Deleted = TRUE;
    CmpEndWatches(Key);
    Key->Parent = NULL;
    CmpDereferenceKey(Key); /* its place's; the caller has one more */
    return STATUS_SUCCESS;
}

/* The new place is made before the old one is given up: whatever fails changes nothing. */
NTSTATUS CmpRenameKey(PCM_KEY Key, PCUNICODE_STRING Name)
{
    NTSTATUS Status = CmpCheckKeyName(Name);
    UNICODE_STRING Copy;
    PCM_KEY Other;
    ULONG Old, New;

    if (Key->Deleted) {
        return STATUS_KEY_DELETED;
    }
    if (CmpIsFixed(Key)) {
        return STATUS_CANNOT_DELETE;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Other = CmpFindKey(Key->Parent, Name, &New);
    if (Other != NULL && Other != Key) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    Status = CmpCopyString(&Copy, Name);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpFindKey(Key->Parent, &Key->Name, &Old);
    if (Other == NULL) {
        /* Within one array, so there is room for sure: out, then in. */
        PCMP_LIST List = &Key->Parent->Keys;
        New -= New > Old;
        RtlMoveMemory(&List->Items[Old], &List->Items[Old + 1],
                      (List->Count - 1 - Old) * sizeof(PVOID));
        RtlMoveMemory(&List->Items[New + 1], &List->Items[New],
                      (List->Count - 1 - New) * sizeof(PVOID));
        List->Items[New] = Key;
    }
    CmpFreeString(&Key->Name);
    Key->Name = Copy;
    return STATUS_SUCCESS;
}

ULONG CmpPathLength(PCM_KEY Key)
{
    ULONG Length = 0;

    for (; Key != NULL; Key = Key->Parent) {
        Length += sizeof(WCHAR) + Key->Name.Length;
    }
    return Length;
}

PWCH CmpWritePath(PCM_KEY Key, PWCH End)
{
    for (; Key != NULL; Key = Key->Parent) {
        End -= Key->Name.Length / sizeof(WCHAR);
        RtlCopyMemory(End, Key->Name.Buffer, Key->Name.Length);
        *--End = '\\';
    }
    return End;
}

/* 512 levels of 255 characters are more than a string can have: such a path has none. */
PUNICODE_STRING CmpAllocatePath(PCM_KEY Key)
{
    ULONG Length = CmpPathLength(Key);
    PUNICODE_STRING Path;

    if (Length > UNICODE_STRING_MAX_BYTES) {
        return NULL;
    }
    Path = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Path) + Length, CMP_TAG);
    if (Path != NULL) {
        Path->Buffer = (PWCH)(Path + 1);
        Path->Length = Path->MaximumLength = (USHORT)Length;
        CmpWritePath(Key, Path->Buffer + Length / sizeof(WCHAR));
    }
    return Path;
}

static NTSTATUS CmpAddRootKey(PCWSTR Name)
{
    UNICODE_STRING String;
    PCM_KEY Key;

    RtlInitUnicodeString(&String, Name);
    return CmpAddKey(CmpRoot, &String, NULL, 0, &Key);
}

/* The names are spelt as Windows spells them, which is seen in full paths. */
NTSTATUS CmpInitializeTree(void)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"REGISTRY");
    NTSTATUS Status;

    CmpRoot = CmpAllocateKey(&Name, NULL);
    if (CmpRoot == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = CmpAddRootKey(L"MACHINE");
    return NT_SUCCESS(Status) ? CmpAddRootKey(L"USER") : Status;
}
