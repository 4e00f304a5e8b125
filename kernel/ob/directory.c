/*
 * directory.c - directories: hash tables of names.
 *
 * An entry refers to its object and the object to its directory, so neither goes while it is named.
 * Everything here stands under ObpNamespaceLock. Taking a name out drops those two references, and
 * with them perhaps the object, so that is done after the lock has been released.
 *
 * Names are hashed in upper case, and compared in upper case or as they are: ObpFindEntry.
 */
#include "obp.h"

#define OBP_TAG_LISTING 0x4C6A624F /* "ObjL" */

POBJECT_TYPE ObpDirectoryType;
POBJECT_DIRECTORY ObpRootDirectory;
FAST_MUTEX ObpNamespaceLock;

void ObpInitializeDirectory(POBJECT_DIRECTORY Directory)
{
    for (ULONG i = 0; i < OB_DIRECTORY_BUCKETS; i++) {
        InitializeListHead(&Directory->Buckets[i]);
    }
    InitializeListHead(&Directory->Entries);
}

/* Nearly all names are ASCII. */
static inline WCHAR ObpUpcase(WCHAR Character)
{
    if (Character < 0x80) {
        return Character >= L'a' && Character <= L'z' ? Character - (L'a' - L'A') : Character;
    }
    return RtlUpcaseUnicodeChar(Character);
}

/* Upper-cases as it goes; 65599 spreads short ASCII names over the buckets. */
ULONG ObpHashName(PCUNICODE_STRING Name)
{
    ULONG Hash = 0;
    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR); i++) {
        Hash = Hash * 65599 + ObpUpcase(Name->Buffer[i]);
    }
    return Hash;
}

/* The hashes are compared first: two names of one bucket are seldom the same. Names that differ in
 * case alone have one hash, so they are neighbours, the oldest first. */
POBJECT_HEADER ObpFindEntry(POBJECT_DIRECTORY Directory, PCUNICODE_STRING Name, ULONG Hash,
                            BOOLEAN CaseInsensitive)
{
    PLIST_ENTRY Head = &Directory->Buckets[Hash % OB_DIRECTORY_BUCKETS];
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        POBJECT_HEADER Header = CONTAINING_RECORD(Link, OBJECT_HEADER, NameLink);
        if (Header->NameHash != Hash || Header->Name.Length != Name->Length) {
            continue;
        }
        if (memcmp(Header->Name.Buffer, Name->Buffer, Name->Length) == 0 ||
            (CaseInsensitive && RtlEqualUnicodeString(&Header->Name, Name, TRUE))) {
            return Header;
        }
    }
    return NULL;
}

/* Numbers have run out: the entries get new ones, in their order. */
static void ObpRenumberEntries(POBJECT_DIRECTORY Directory)
{
    Directory->LastNumber = 0;
    for (PLIST_ENTRY Link = Directory->Entries.Flink; Link != &Directory->Entries;
         Link = Link->Flink) {
        CONTAINING_RECORD(Link, OBJECT_HEADER, EntryLink)->NameNumber = ++Directory->LastNumber;
    }
}

void ObpInsertEntry(POBJECT_DIRECTORY Directory, POBJECT_HEADER Header, PUNICODE_STRING Name,
                    ULONG Hash)
{
    ObfReferenceObject(ObpBody(Header));
    ObfReferenceObject(Directory);
    Header->Name = *Name;
    Header->NameHash = Hash;
    Header->Directory = Directory;
    InsertTailList(&Directory->Buckets[Hash % OB_DIRECTORY_BUCKETS], &Header->NameLink);
    if (Directory->LastNumber == MAXULONG) {
        ObpRenumberEntries(Directory);
    }
    InsertTailList(&Directory->Entries, &Header->EntryLink);
    Header->NameNumber = ++Directory->LastNumber;
    Directory->Count++;
}

/* Called when the last handle has gone and when a name stops being permanent; under the lock it is
 * looked again, since a handle may have been opened meanwhile. */
void ObpRemoveNameIfUnused(POBJECT_HEADER Header)
{
    POBJECT_DIRECTORY Directory = NULL;
    PWCH Buffer = NULL;
    ExAcquireFastMutex(&ObpNamespaceLock);
    if (Header->Directory != NULL && !Header->Permanent && Header->HandleCount == 0) {
        Directory = Header->Directory;
        Buffer = Header->Name.Buffer;
        RemoveEntryList(&Header->NameLink);
        RemoveEntryList(&Header->EntryLink);
        Directory->Count--;
        Header->Directory = NULL;
        RtlInitUnicodeString(&Header->Name, NULL);
    }
    ExReleaseFastMutex(&ObpNamespaceLock);
    // The object's deletion may want the lock, and it may be this reference that is the last.
    if (Directory != NULL) {
        ExFreePool(Buffer);
        ObfDereferenceObject(Directory);
        ObfDereferenceObject(ObpBody(Header));
    }
}

BOOLEAN ObpHasName(POBJECT_HEADER Header)
{
    ExAcquireFastMutex(&ObpNamespaceLock);
    BOOLEAN Named = Header->Directory != NULL;
    ExReleaseFastMutex(&ObpNamespaceLock);
    return Named;
}

VOID NTAPI ObMakeTemporaryObject(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExAcquireFastMutex(&ObpNamespaceLock);
    Header->Permanent = FALSE;
    ExReleaseFastMutex(&ObpNamespaceLock);
    ObpRemoveNameIfUnused(Header);
}

void ObQueryObjectName(PVOID Object, PUNICODE_STRING Name)
{
    ExAcquireFastMutex(&ObpNamespaceLock);
    RtlCopyUnicodeString(Name, &ObpHeader(Object)->Name);
    ExReleaseFastMutex(&ObpNamespaceLock);
}

/* Permanent, as all of the kernel's own directories are. */
NTSTATUS ObCreateDirectory(PCWSTR Name)
{
    UNICODE_STRING Path;
    OBJECT_ATTRIBUTES Attributes;
    POBJECT_DIRECTORY Directory;
    NTSTATUS Status = ObAllocateObject(ObpDirectoryType, sizeof(*Directory), (PVOID *)&Directory);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpInitializeDirectory(Directory);
    RtlInitUnicodeString(&Path, Name);
    InitializeObjectAttributes(&Attributes, &Path, OBJ_PERMANENT, NULL, NULL);
    return ObEnterObject(Directory, &Attributes, 0, NULL, NULL);
}

/* One entry of a directory as it was when the listing was made; Object is referenced. */
typedef struct _OBP_LISTING_ENTRY {
    PVOID Object;
    UNICODE_STRING Name;
    WCHAR Buffer[64]; /* longer names are cut */
} OBP_LISTING_ENTRY;

static int ObpCompareNames(const UNICODE_STRING *Left, const UNICODE_STRING *Right)
{
    return RtlCompareUnicodeString(Left, Right, TRUE);
}

/* Copies Directory's entries in order of their names; the lock is held. */
static void ObpFillListing(POBJECT_DIRECTORY Directory, OBP_LISTING_ENTRY **Sorted,
                           OBP_LISTING_ENTRY *Entries)
{
    ULONG Count = 0;
    for (ULONG i = 0; i < OB_DIRECTORY_BUCKETS; i++) {
        PLIST_ENTRY Head = &Directory->Buckets[i];
        for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
            POBJECT_HEADER Header = CONTAINING_RECORD(Link, OBJECT_HEADER, NameLink);
            OBP_LISTING_ENTRY *Entry = &Entries[Count];
            ULONG Place = Count++;
            Entry->Object = ObpBody(Header);
            ObfReferenceObject(Entry->Object);
            Entry->Name = (UNICODE_STRING){0, sizeof(Entry->Buffer), Entry->Buffer};
            RtlCopyUnicodeString(&Entry->Name, &Header->Name);
            for (; Place > 0 && ObpCompareNames(&Sorted[Place - 1]->Name, &Entry->Name) > 0;
                 Place--) {
                Sorted[Place] = Sorted[Place - 1];
            }
            Sorted[Place] = Entry;
        }
    }
}

/* Answers an array of Count pointers to entries, in one pool block. */
static NTSTATUS ObpListDirectory(POBJECT_DIRECTORY Directory, OBP_LISTING_ENTRY ***Sorted,
                                 ULONG *Count)
{
    for (ULONG Room = Directory->Count;;) {
        SIZE_T Size = (SIZE_T)(Room + 1) * (sizeof(OBP_LISTING_ENTRY) + sizeof(PVOID));
        *Sorted = ExAllocatePool2(POOL_FLAG_PAGED, Size, OBP_TAG_LISTING);
        if (*Sorted == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        ExAcquireFastMutex(&ObpNamespaceLock);
        *Count = Directory->Count;
        if (*Count <= Room) {
            ObpFillListing(Directory, *Sorted, (OBP_LISTING_ENTRY *)(*Sorted + Room + 1));
        }
        ExReleaseFastMutex(&ObpNamespaceLock);
        if (*Count <= Room) {
            return STATUS_SUCCESS;
        }
        // It has grown between the two looks at it.
        ExFreePoolWithTag(*Sorted, OBP_TAG_LISTING);
        Room = *Count;
    }
}

NTSTATUS ObEnumerateDirectory(PUNICODE_STRING Path, OB_ENUMERATE_ROUTINE *Callback, PVOID Context)
{
    POBJECT_DIRECTORY Directory;
    OBP_LISTING_ENTRY **Sorted;
    ULONG Count;
    NTSTATUS Status = ObReferenceObjectByName(Path, 0, NULL, 0, ObpDirectoryType, KernelMode, NULL,
                                              (PVOID *)&Directory);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpListDirectory(Directory, &Sorted, &Count);
    ObfDereferenceObject(Directory);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (ULONG i = 0; i < Count; i++) {
        Callback(Sorted[i]->Object, &Sorted[i]->Name, Context);
        ObfDereferenceObject(Sorted[i]->Object);
    }
    ExFreePoolWithTag(Sorted, OBP_TAG_LISTING);
    return STATUS_SUCCESS;
}

typedef struct _OBP_LISTING {
    PKD_CONSOLE Console;
    ULONG Entries;
} OBP_LISTING;

static void ObpPrintEntry(PVOID Object, PCUNICODE_STRING Name, PVOID Context)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    OBP_LISTING *Listing = Context;
    PKD_CONSOLE Console = Listing->Console;
    if (Listing->Entries++ == 0) {
        KdConsolePrint(Console, "%-24s %-14s %4s %4s\n", "Name", "Type", "Refs", "Hnds");
    }
    // One reference is the listing's own.
    KdConsolePrint(Console, "%-24wZ %-14wZ %4lld %4lld", Name, &Header->Type->Name,
                   Header->PointerCount - 1, Header->HandleCount);
    if (Header->Type == ObpSymbolicLinkType) {
        KdConsolePrint(Console, "  -> %wZ", &((POBJECT_SYMBOLIC_LINK)Object)->Target);
    }
    KdConsolePrint(Console, "\n");
}

/* The path is ASCII on the console and Unicode in here. */
static NTSTATUS ObpWinobjCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    WCHAR Buffer[128];
    UNICODE_STRING Path = {0, sizeof(Buffer), Buffer};
    const char *Text = Argc == 2 ? Argv[1] : "\\";
    if (Argc > 2 || strlen(Text) >= ARRAYSIZE(Buffer)) {
        return KdConsoleUsage(Console);
    }
    for (; *Text != 0; Text++) {
        Buffer[Path.Length / sizeof(WCHAR)] = (UCHAR)*Text;
        Path.Length += sizeof(WCHAR);
    }
    OBP_LISTING Listing = {.Console = Console};
    NTSTATUS Status = ObEnumerateDirectory(&Path, ObpPrintEntry, &Listing);
    if (NT_SUCCESS(Status) && Listing.Entries == 0) {
        KdConsolePrint(Console, "The directory is empty.\n");
    }
    return NT_SUCCESS(Status) ? Status
                              : ObpExplainPath(Console, Argc == 2 ? Argv[1] : "\\", Status);
}
KD_COMMAND("winobj", "[PATH]", "list a directory of named objects", ObpWinobjCommand);
