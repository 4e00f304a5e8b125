/*
 * bootdir.c - listing a directory of the boot disk.
 *
 * The archive has no directories of its own, only names with slashes in them. So an open's first
 * query makes a sorted list of all that lies in the directory, each subdirectory once, and later
 * queries go on in it; the archive never changes, so neither does the list.
 */
#include "bootfs.h"

#define IOP_TAG_LISTING 0x4C706F49 /* "IopL" */

/* Two passes over the archive: the first counts, at most, what the second enters. */
typedef struct _IOP_LISTING_WALK {
    const CHAR *Path;
    SIZE_T PathLength;
    ULONG Count;
    PIOP_BOOT_LISTING Listing;
} IOP_LISTING_WALK, *PIOP_LISTING_WALK;

/* Negative, 0 or positive as strcmp, without regard to case. */
static int IopCompareEntries(const IOP_BOOT_ENTRY *Left, const IOP_BOOT_ENTRY *Right)
{
    int Order = _strnicmp(Left->Name, Right->Name, min(Left->Length, Right->Length));
    return Order != 0 ? Order : (int)Left->Length - (int)Right->Length;
}

/* Where it belongs in order; not if it is there. */
static void IopEnterEntry(PIOP_BOOT_LISTING Listing, const IOP_BOOT_ENTRY *Entry)
{
    ULONG Place = Listing->Count;
    while (Place > 0 && IopCompareEntries(&Listing->Entries[Place - 1], Entry) > 0) {
        Place--;
    }
    if (Place > 0 && IopCompareEntries(&Listing->Entries[Place - 1], Entry) == 0) {
        return;
    }
    for (ULONG i = Listing->Count; i > Place; i--) {
        Listing->Entries[i] = Listing->Entries[i - 1];
    }
    Listing->Entries[Place] = *Entry;
    Listing->Count++;
}

static BOOLEAN IopListName(const char *Name, SIZE_T Size, PVOID Context)
{
    PIOP_LISTING_WALK Walk = Context;
    if (Walk->PathLength != 0) {
        if (_strnicmp(Name, Walk->Path, Walk->PathLength) != 0 || Name[Walk->PathLength] != '/') {
            return TRUE;
        }
        Name += Walk->PathLength + 1;
    }
    const char *Slash = strchr(Name, '/');
    IOP_BOOT_ENTRY Entry = {Name, (ULONG)(Slash != NULL ? (SIZE_T)(Slash - Name) : strlen(Name)),
                            Slash != NULL, Slash != NULL ? 0 : Size};
    if (Entry.Length != 0) {
        Walk->Count++;
        if (Walk->Listing != NULL) {
            IopEnterEntry(Walk->Listing, &Entry);
        }
    }
    return TRUE;
}

/* The root has no parent; every other directory begins with the two dots, as on Windows. */
static PIOP_BOOT_LISTING IopCreateListing(PIOP_BOOT_FILE Directory)
{
    IOP_LISTING_WALK Walk = {Directory->Path, strlen(Directory->Path), 2, NULL};
    LdrEnumerateFiles(IopListName, &Walk);
    PIOP_BOOT_LISTING Listing = ExAllocatePool2(
        POOL_FLAG_PAGED, sizeof(*Listing) + Walk.Count * sizeof(IOP_BOOT_ENTRY), IOP_TAG_LISTING);
    if (Listing == NULL) {
        return NULL;
    }
    Walk.Listing = Listing;
    if (Walk.PathLength != 0) {
        Listing->Entries[0] = (IOP_BOOT_ENTRY){".", 1, TRUE, 0};
        Listing->Entries[1] = (IOP_BOOT_ENTRY){"..", 2, TRUE, 0};
        Listing->Count = 2;
    }
    LdrEnumerateFiles(IopListName, &Walk);
    return Listing;
}

void IopFreeBootListing(PIOP_BOOT_LISTING Listing)
{
    if (Listing != NULL) {
        if (Listing->Pattern.Buffer != NULL) {
            ExFreePoolWithTag(Listing->Pattern.Buffer, IOP_TAG_LISTING);
        }
        ExFreePoolWithTag(Listing, IOP_TAG_LISTING);
    }
}

/* * stands for any characters, ? for one. After a mismatch the last * takes one character more. */
static BOOLEAN IopMatchesPattern(const IOP_BOOT_ENTRY *Entry, PCUNICODE_STRING Pattern)
{
    ULONG Length = Pattern->Length / sizeof(WCHAR);
    ULONG Star = MAXULONG, Resume = 0, At = 0, i = 0;
    if (Length == 0) {
        return TRUE;
    }
    while (i < Entry->Length) {
        WCHAR Wanted = At < Length ? Pattern->Buffer[At] : 0;
        if (Wanted == L'*') {
            Star = At++;
            Resume = i;
        } else if (Wanted == L'?' ||
                   (Wanted != 0 &&
                    RtlUpcaseUnicodeChar(Wanted) == RtlUpcaseUnicodeChar((UCHAR)Entry->Name[i]))) {
            At++;
            i++;
        } else if (Star != MAXULONG) {
            At = Star + 1;
            i = ++Resume;
        } else {
            return FALSE;
        }
    }
    while (At < Length && Pattern->Buffer[At] == L'*') {
        At++;
    }
    return At == Length;
}

/* Where the parts of an entry are in each class; 0: the class does not have it. */
typedef struct _IOP_ENTRY_LAYOUT {
    USHORT Name, NameLength, Sizes, Attributes;
} IOP_ENTRY_LAYOUT;

#define IOP_LAYOUT(Type)                                                                           \
    {                                                                                              \
        offsetof(Type, FileName), offsetof(Type, FileNameLength), offsetof(Type, EndOfFile),       \
            offsetof(Type, FileAttributes)                                                         \
    }

static IOP_ENTRY_LAYOUT IopEntryLayout(FILE_INFORMATION_CLASS Class)
{
    static const IOP_ENTRY_LAYOUT Directory = IOP_LAYOUT(FILE_DIRECTORY_INFORMATION);
    static const IOP_ENTRY_LAYOUT Full = IOP_LAYOUT(FILE_FULL_DIR_INFORMATION);
    static const IOP_ENTRY_LAYOUT Both = IOP_LAYOUT(FILE_BOTH_DIR_INFORMATION);
    static const IOP_ENTRY_LAYOUT Names = {offsetof(FILE_NAMES_INFORMATION, FileName),
                                           offsetof(FILE_NAMES_INFORMATION, FileNameLength), 0, 0};
    switch (Class) {
    case FileDirectoryInformation:
        return Directory;
    case FileFullDirectoryInformation:
        return Full;
    case FileBothDirectoryInformation:
        return Both;
    default:
        return Names;
    }
}

/* Writes one entry into Room bytes, its name cut to fit; answers its bytes. What the file system
 * does not keep is 0: times, short names, extended attributes. AllocationSize follows EndOfFile. */
static ULONG IopWriteEntry(PUCHAR Buffer, ULONG Room, const IOP_ENTRY_LAYOUT *Layout,
                           const IOP_BOOT_ENTRY *Entry)
{
    ULONG Characters = (ULONG)min(Entry->Length, (Room - Layout->Name) / sizeof(WCHAR));
    PWCH Name = (PWCH)(Buffer + Layout->Name);
    RtlZeroMemory(Buffer, Layout->Name);
    *(PULONG)(Buffer + Layout->NameLength) = Entry->Length * (ULONG)sizeof(WCHAR);
    if (Layout->Sizes != 0) {
        ((PLONGLONG)(Buffer + Layout->Sizes))[0] = (LONGLONG)Entry->Size;
        ((PLONGLONG)(Buffer + Layout->Sizes))[1] = IopBootAllocation(Entry->Size);
        *(PULONG)(Buffer + Layout->Attributes) = IopBootAttributes(Entry->Directory);
    }
    for (ULONG i = 0; i < Characters; i++) {
        Name[i] = (UCHAR)Entry->Name[i];
    }
    return Layout->Name + Characters * (ULONG)sizeof(WCHAR);
}

/* Entries from Next on, as many as fit. Lock held. */
static NTSTATUS IopWriteListing(PIOP_BOOT_LISTING Listing, PIO_STACK_LOCATION Stack, PUCHAR Buffer,
                                ULONG_PTR *Information)
{
    IOP_ENTRY_LAYOUT Layout = IopEntryLayout(Stack->Parameters.QueryDirectory.FileInformationClass);
    ULONG Length = Stack->Parameters.QueryDirectory.Length, Offset = 0;
    PULONG Link = NULL; // the last entry's NextEntryOffset
    for (; Listing->Next < Listing->Count; Listing->Next++) {
        const IOP_BOOT_ENTRY *Entry = &Listing->Entries[Listing->Next];
        ULONG Place = (Offset + 7) & ~7UL;
        ULONG Needed = Layout.Name + Entry->Length * (ULONG)sizeof(WCHAR);
        if (!IopMatchesPattern(Entry, &Listing->Pattern)) {
            continue;
        }
        if (Link != NULL && (Place > Length || Length - Place < Needed)) {
            break;
        }
        ULONG Written = IopWriteEntry(Buffer + Place, Length - Place, &Layout, Entry);
        if (Link != NULL) {
            *Link = (ULONG)(Buffer + Place - (PUCHAR)Link);
        }
        Link = (PULONG)(Buffer + Place);
        Offset = Place + Written;
        if (Written < Needed || (Stack->Flags & SL_RETURN_SINGLE_ENTRY)) {
            Listing->Next++;
            *Information = Offset;
            return Written < Needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
        }
    }
    *Information = Offset;
    return Link != NULL ? STATUS_SUCCESS : STATUS_NO_MORE_FILES;
}

/* A restart may bring another pattern. */
static NTSTATUS IopSetPattern(PIOP_BOOT_LISTING Listing, PUNICODE_STRING Pattern)
{
    PWCH Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Pattern->Length, IOP_TAG_LISTING);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (Listing->Pattern.Buffer != NULL) {
        ExFreePoolWithTag(Listing->Pattern.Buffer, IOP_TAG_LISTING);
    }
    Listing->Pattern = (UNICODE_STRING){0, Pattern->Length, Buffer};
    RtlCopyUnicodeString(&Listing->Pattern, Pattern);
    return STATUS_SUCCESS;
}

/* Lock held. */
static NTSTATUS IopQueryBootDirectory(PFILE_OBJECT File, PIO_STACK_LOCATION Stack, PUCHAR Buffer,
                                      ULONG_PTR *Information)
{
    PUNICODE_STRING Pattern = Stack->Parameters.QueryDirectory.FileName;
    PIOP_BOOT_LISTING Listing = File->FsContext2;
    NTSTATUS Status = STATUS_SUCCESS;
    BOOLEAN First = Listing == NULL;
    if (First) {
        Listing = IopCreateListing(IopBootFileOf(File));
        if (Listing == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        File->FsContext2 = Listing;
    }
    if (Pattern != NULL && Pattern->Length != 0 && (First || (Stack->Flags & SL_RESTART_SCAN))) {
        Status = IopSetPattern(Listing, Pattern);
    }
    if (Stack->Flags & SL_RESTART_SCAN) {
        Listing->Next = 0;
    }
    if (NT_SUCCESS(Status)) {
        Status = IopWriteListing(Listing, Stack, Buffer, Information);
    }
    return First && Status == STATUS_NO_MORE_FILES ? STATUS_NO_SUCH_FILE : Status;
}

NTSTATUS NTAPI IopBootDirectoryControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT File = Stack->FileObject;
    ULONG_PTR Information = 0;
    UNREFERENCED_PARAMETER(Device);
    if (Stack->MinorFunction != IRP_MN_QUERY_DIRECTORY) {
        return IopFinishBootRequest(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (IopBootFileOf(File) == NULL || !IopBootFileOf(File)->Directory) {
        return IopFinishBootRequest(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    if (!MmIsRangeValid(Irp->UserBuffer, Stack->Parameters.QueryDirectory.Length)) {
        return IopFinishBootRequest(Irp, STATUS_ACCESS_VIOLATION, 0);
    }
    ExAcquireFastMutex(&IopBootLock);
    NTSTATUS Status = IopQueryBootDirectory(File, Stack, Irp->UserBuffer, &Information);
    ExReleaseFastMutex(&IopBootLock);
    return IopFinishBootRequest(Irp, Status, Information);
}
