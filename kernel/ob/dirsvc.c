/*
 * dirsvc.c - directories with handles: made, opened and listed by drivers.
 *
 * A listing is taken in several calls, with others entering and removing names between them. So a
 * directory keeps its entries in the order in which they came, numbered (directory.c), and
 * *Context is the number of the last one told: an entry that is there all the time is told once,
 * and so is none twice. Numbers begin again with 1 only when a directory is given its 2^32nd name.
 *
 * What is told of one entry is copied under the namespace lock into the caller's buffer, entries
 * from its beginning, strings from its end; when it is known how many there are, the strings move
 * up behind the entries.
 */
#include "obp.h"

NTSTATUS NTAPI ZwCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                       POBJECT_ATTRIBUTES ObjectAttributes)
{
    POBJECT_DIRECTORY Directory;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(DirectoryHandle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = ObAllocateObject(ObpDirectoryType, sizeof(*Directory), (PVOID *)&Directory);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpInitializeDirectory(Directory);
    return ObEnterObject(Directory, ObjectAttributes, DesiredAccess, NULL, DirectoryHandle);
}

NTSTATUS NTAPI ZwOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                     POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObpOpenNamed(DirectoryHandle, DesiredAccess, ObjectAttributes, ObpDirectoryType);
}

/* A listing under way. Strings[-1] is the last byte free for strings. */
typedef struct _OBP_LISTING {
    POBJECT_DIRECTORY_INFORMATION Entries;
    ULONG Count;
    ULONG Room;   /* bytes in the buffer */
    ULONG Needed; /* bytes that entries so far and the empty one at the end take */
    ULONG Number; /* of the last entry told */
    PUCHAR Strings;
} OBP_LISTING, *POBP_LISTING;

static void ObpTellString(POBP_LISTING Listing, PCUNICODE_STRING From, PUNICODE_STRING To)
{
    Listing->Strings -= From->Length + sizeof(WCHAR);
    *To = (UNICODE_STRING){From->Length, (USHORT)(From->Length + sizeof(WCHAR)),
                           (PWCH)Listing->Strings};
    RtlCopyMemory(To->Buffer, From->Buffer, From->Length);
    To->Buffer[From->Length / sizeof(WCHAR)] = 0;
}

/* FALSE: no room for it. */
static BOOLEAN ObpTellEntry(POBP_LISTING Listing, POBJECT_HEADER Header)
{
    ULONG Length = sizeof(OBJECT_DIRECTORY_INFORMATION) + Header->Name.Length +
                   Header->Type->Name.Length + 2 * sizeof(WCHAR);
    if (Listing->Needed + Length > Listing->Room) {
        Listing->Needed += Length;
        return FALSE;
    }
    POBJECT_DIRECTORY_INFORMATION Entry = &Listing->Entries[Listing->Count++];
    Listing->Needed += Length;
    Listing->Number = Header->NameNumber;
    ObpTellString(Listing, &Header->Name, &Entry->Name);
    ObpTellString(Listing, &Header->Type->Name, &Entry->TypeName);
    return TRUE;
}

/* The namespace lock is held. */
static NTSTATUS ObpTellEntries(POBP_LISTING Listing, POBJECT_DIRECTORY Directory, BOOLEAN Single)
{
    PLIST_ENTRY Head = &Directory->Entries;
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        POBJECT_HEADER Header = CONTAINING_RECORD(Link, OBJECT_HEADER, EntryLink);
        if (Header->NameNumber <= Listing->Number) {
            continue;
        }
        if (!ObpTellEntry(Listing, Header)) {
            return Single ? STATUS_BUFFER_TOO_SMALL : STATUS_MORE_ENTRIES;
        }
        if (Single) {
            return STATUS_SUCCESS;
        }
    }
    return Listing->Count != 0 ? STATUS_SUCCESS : STATUS_NO_MORE_ENTRIES;
}

/* Ends the entries with an empty one and moves the strings up to it. */
static void ObpCloseListing(POBP_LISTING Listing)
{
    PUCHAR End = (PUCHAR)Listing->Entries + Listing->Room;
    PUCHAR NewPlace = (PUCHAR)&Listing->Entries[Listing->Count + 1];
    SIZE_T Distance = (SIZE_T)(Listing->Strings - NewPlace);
    RtlMoveMemory(NewPlace, Listing->Strings, (SIZE_T)(End - Listing->Strings));
    RtlZeroMemory(&Listing->Entries[Listing->Count], sizeof(*Listing->Entries));
    for (ULONG i = 0; i < Listing->Count; i++) {
        POBJECT_DIRECTORY_INFORMATION Entry = &Listing->Entries[i];
        Entry->Name.Buffer = (PWCH)((PUCHAR)Entry->Name.Buffer - Distance);
        Entry->TypeName.Buffer = (PWCH)((PUCHAR)Entry->TypeName.Buffer - Distance);
    }
}

NTSTATUS NTAPI ZwQueryDirectoryObject(HANDLE DirectoryHandle, PVOID Buffer, ULONG Length,
                                      BOOLEAN ReturnSingleEntry, BOOLEAN RestartScan,
                                      PULONG Context, PULONG ReturnLength)
{
    POBJECT_DIRECTORY Directory;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(Context) || (Length != 0 && ObIsBadPointer(Buffer))) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(DirectoryHandle, DIRECTORY_QUERY, ObpDirectoryType,
                                                KernelMode, (PVOID *)&Directory, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OBP_LISTING Listing = {.Entries = Buffer,
                           .Room = Length & ~(ULONG)1,
                           .Needed = sizeof(OBJECT_DIRECTORY_INFORMATION),
                           .Number = RestartScan ? 0 : *Context};
    Listing.Strings = (PUCHAR)Buffer + Listing.Room;
    // The buffer may be paged memory, as names are: the lock is one that allows page faults.
    ExAcquireFastMutex(&ObpNamespaceLock);
    Status = ObpTellEntries(&Listing, Directory, ReturnSingleEntry);
    ExReleaseFastMutex(&ObpNamespaceLock);
    ObfDereferenceObject(Directory);
    if (Listing.Count != 0) {
        ObpCloseListing(&Listing);
    }
    *Context = Listing.Number;
    if (ReturnLength != NULL) {
        *ReturnLength = Listing.Needed;
    }
    return Status;
}
