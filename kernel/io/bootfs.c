/*
 * bootfs.c - the boot disk as a file system: C: and \SystemRoot.
 *
 * The archive that the loader handed over stays in memory and never changes, so a file is a pointer
 * and a size, found when it is opened. All opens of one file share an IOP_BOOT_FILE, in which their
 * share access is counted. Directories exist as far as files lie in them. Requests are answered at
 * once, in the caller's thread, straight into its buffer, which is why the device does neither
 * buffered nor direct I/O. Nothing can be written.
 */
#include "bootfs.h"

#define IOP_WRITE_RIGHTS                                                                           \
    (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | DELETE |         \
     FILE_DELETE_CHILD | WRITE_DAC | WRITE_OWNER)

FAST_MUTEX IopBootLock;
static LIST_ENTRY IopBootFiles; /* l  of IOP_BOOT_FILE.Link */

/* An archive's names, "drivers/beep.sys", against a path's beginning, "drivers". */
typedef struct _IOP_DIRECTORY_SEARCH {
    const char *Path;
    SIZE_T Length;
    BOOLEAN Found;
} IOP_DIRECTORY_SEARCH;

static BOOLEAN IopMatchDirectory(const char *Name, SIZE_T Size, PVOID Context)
{
    IOP_DIRECTORY_SEARCH *Search = Context;
    UNREFERENCED_PARAMETER(Size);
    Search->Found = _strnicmp(Name, Search->Path, Search->Length) == 0 &&
                    (Name[Search->Length] == '/' || Name[Search->Length] == '\\');
    return !Search->Found;
}

BOOLEAN IopIsBootDirectory(const char *Path, SIZE_T Length)
{
    IOP_DIRECTORY_SEARCH Search = {Path, Length, Length == 0};
    if (!Search.Found) {
        LdrEnumerateFiles(IopMatchDirectory, &Search);
    }
    return Search.Found;
}

/* Appends Name to the path of Length characters, with the archive's slashes; names there are
 * ASCII. */
static NTSTATUS IopAppendBootName(char *Path, ULONG Length, PUNICODE_STRING Name)
{
    ULONG Count = Name->Length / sizeof(WCHAR);
    if (Length + Count >= IOP_MAX_PATH) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    for (ULONG i = 0; i < Count; i++) {
        WCHAR Character = Name->Buffer[i];
        if (Character == 0 || Character >= 0x80 || Character == L'/') {
            return STATUS_OBJECT_NAME_INVALID;
        }
        // Two separators in a row enclose an empty name.
        if (Character == L'\\' && i != 0 && Name->Buffer[i - 1] == L'\\') {
            return STATUS_OBJECT_NAME_INVALID;
        }
        Path[Length + i] = Character == L'\\' ? '/' : (char)Character;
    }
    Path[Length + Count] = 0;
    return STATUS_SUCCESS;
}

/* The path that the create asks for, without slashes at its ends. *Folder: it ended in one. */
static NTSTATUS IopBuildBootPath(PFILE_OBJECT File, char *Path, BOOLEAN *Folder)
{
    PUNICODE_STRING Name = &File->FileName;
    UNICODE_STRING Rest = *Name;
    ULONG Length = 0;
    *Folder = FALSE;
    if (File->RelatedFileObject != NULL && !(File->RelatedFileObject->Flags & FO_VOLUME_OPEN)) {
        const CHAR *Base = IopBootFileOf(File->RelatedFileObject)->Path;
        Length = (ULONG)strlen(Base);
        RtlCopyMemory(Path, Base, Length);
        if (Length != 0 && Name->Length != 0) {
            Path[Length++] = '/';
        }
    } else if (File->RelatedFileObject == NULL && Name->Length != 0) {
        if (Name->Buffer[0] != L'\\') {
            return STATUS_OBJECT_NAME_INVALID;
        }
        Rest.Buffer++;
        Rest.Length -= sizeof(WCHAR);
    }
    NTSTATUS Status = IopAppendBootName(Path, Length, &Rest);
    Length = (ULONG)(NT_SUCCESS(Status) ? strlen(Path) : 0);
    if (Length != 0 && Path[Length - 1] == '/') {
        Path[Length - 1] = 0;
        *Folder = TRUE;
    }
    return Status;
}

/* What lies at Path, in an IOP_BOOT_FILE that nobody else knows yet. */
static NTSTATUS IopFindBootFile(const char *Path, PIOP_BOOT_FILE *Found)
{
    const char *Last = strrchr(Path, '/');
    const UCHAR *Data = NULL;
    SIZE_T Size = 0, Length = strlen(Path);
    BOOLEAN Directory = IopIsBootDirectory(Path, Length);
    if (!Directory && !LdrFindFile(Path, &Data, &Size)) {
        return IopIsBootDirectory(Path, Last != NULL ? (SIZE_T)(Last - Path) : 0)
                   ? STATUS_OBJECT_NAME_NOT_FOUND
                   : STATUS_OBJECT_PATH_NOT_FOUND;
    }
    PIOP_BOOT_FILE New = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*New) + Length + 1, IOP_TAG);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    New->Data = Data;
    New->Size = Size;
    New->Directory = Directory;
    RtlCopyMemory(New->Path, Path, Length);
    *Found = New;
    return STATUS_SUCCESS;
}

/* Says why not, as a read-only volume would: what exists is opened for reading, or a collision;
 * what does not exist cannot be created. */
static NTSTATUS IopCheckBootOpen(PIO_STACK_LOCATION Stack, BOOLEAN Directory, BOOLEAN Folder)
{
    ULONG Disposition = Stack->Parameters.Create.Options >> 24;
    ULONG Options = Stack->Parameters.Create.Options;
    if (Disposition == FILE_CREATE) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (Directory && (Options & FILE_NON_DIRECTORY_FILE)) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    if (!Directory && (Options & FILE_DIRECTORY_FILE)) {
        return STATUS_NOT_A_DIRECTORY;
    }
    if (!Directory && Folder) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if ((Disposition != FILE_OPEN && Disposition != FILE_OPEN_IF) ||
        (Options & FILE_DELETE_ON_CLOSE) ||
        (Stack->Parameters.Create.SecurityContext->DesiredAccess & IOP_WRITE_RIGHTS)) {
        return STATUS_MEDIA_WRITE_PROTECTED;
    }
    return STATUS_SUCCESS;
}

/* The open file of this path; lock held. */
static PIOP_BOOT_FILE IopFindOpenBootFile(const char *Path)
{
    for (PLIST_ENTRY Link = IopBootFiles.Flink; Link != &IopBootFiles; Link = Link->Flink) {
        PIOP_BOOT_FILE Open = CONTAINING_RECORD(Link, IOP_BOOT_FILE, Link);
        if (_stricmp(Open->Path, Path) == 0) {
            return Open;
        }
    }
    return NULL;
}

/* Counts one more open of New's path, if it goes with those there are. New becomes the shared
 * structure, or is freed. */
static NTSTATUS IopShareBootFile(PIO_STACK_LOCATION Stack, PIOP_BOOT_FILE New)
{
    ACCESS_MASK Access = Stack->Parameters.Create.SecurityContext->DesiredAccess;
    ULONG Share = Stack->Parameters.Create.ShareAccess;
    NTSTATUS Status = STATUS_SUCCESS;
    if (Access & MAXIMUM_ALLOWED) {
        Access |= FILE_GENERIC_READ | FILE_GENERIC_EXECUTE;
    }
    ExAcquireFastMutex(&IopBootLock);
    PIOP_BOOT_FILE Open = IopFindOpenBootFile(New->Path);
    if (Open != NULL) {
        Status = IoCheckShareAccess(Access, Share, Stack->FileObject, &Open->Share, TRUE);
    } else {
        IoSetShareAccess(Access, Share, Stack->FileObject, &New->Share);
        InsertHeadList(&IopBootFiles, &New->Link);
        Open = New;
        New = NULL;
    }
    if (NT_SUCCESS(Status)) {
        Open->Opens++;
        Stack->FileObject->FsContext = Open;
    }
    ExReleaseFastMutex(&IopBootLock);
    if (New != NULL) {
        ExFreePoolWithTag(New, IOP_TAG);
    }
    return Status;
}

static NTSTATUS IopOpenBootFile(PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject;
    ULONG Disposition = Stack->Parameters.Create.Options >> 24;
    CHAR Path[IOP_MAX_PATH];
    PIOP_BOOT_FILE Found;
    BOOLEAN Folder;
    if (File->FileName.Length == 0 && File->RelatedFileObject == NULL) {
        File->Flags |= FO_VOLUME_OPEN; // the volume itself: it can be asked about
        return Stack->Parameters.Create.SecurityContext->DesiredAccess & IOP_WRITE_RIGHTS
                   ? STATUS_MEDIA_WRITE_PROTECTED
                   : STATUS_SUCCESS;
    }
    NTSTATUS Status = IopBuildBootPath(File, Path, &Folder);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopFindBootFile(Path, &Found);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND && Disposition != FILE_OPEN &&
        Disposition != FILE_OVERWRITE) {
        Status = STATUS_MEDIA_WRITE_PROTECTED;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopCheckBootOpen(Stack, Found->Directory, Folder);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Found, IOP_TAG);
        return Status;
    }
    return IopShareBootFile(Stack, Found);
}

NTSTATUS IopFinishBootRequest(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI IopBootCreate(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    NTSTATUS Status = IopOpenBootFile(IoGetCurrentIrpStackLocation(Irp));
    return IopFinishBootRequest(Irp, Status, NT_SUCCESS(Status) ? FILE_OPENED : 0);
}

/* The last handle has gone: from now on others may do what this open did not share. */
static NTSTATUS NTAPI IopBootCleanup(PDEVICE_OBJECT Device, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIOP_BOOT_FILE Open = IopBootFileOf(File);
    UNREFERENCED_PARAMETER(Device);
    if (Open != NULL) {
        ExAcquireFastMutex(&IopBootLock);
        IoRemoveShareAccess(File, &Open->Share);
        ExReleaseFastMutex(&IopBootLock);
    }
    return IopFinishBootRequest(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI IopBootClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIOP_BOOT_FILE Open = IopBootFileOf(File);
    BOOLEAN Last = FALSE;
    UNREFERENCED_PARAMETER(Device);
    if (Open != NULL) {
        ExAcquireFastMutex(&IopBootLock);
        Last = --Open->Opens == 0;
        if (Last) {
            RemoveEntryList(&Open->Link);
        }
        ExReleaseFastMutex(&IopBootLock);
    }
    if (Last) {
        ExFreePoolWithTag(Open, IOP_TAG);
    }
    IopFreeBootListing(File->FsContext2);
    return IopFinishBootRequest(Irp, STATUS_SUCCESS, 0);
}

/* Past the end there is nothing, and a read of nothing succeeds anywhere. */
static NTSTATUS NTAPI IopBootRead(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT File = Stack->FileObject;
    PIOP_BOOT_FILE Open = IopBootFileOf(File);
    ULONG64 Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG64 Length = Stack->Parameters.Read.Length;
    UNREFERENCED_PARAMETER(Device);
    if (Open == NULL || Open->Directory) {
        return IopFinishBootRequest(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (Length == 0) {
        return IopFinishBootRequest(Irp, STATUS_SUCCESS, 0);
    }
    if (Offset >= Open->Size) {
        return IopFinishBootRequest(Irp, STATUS_END_OF_FILE, 0);
    }
    Length = min(Length, Open->Size - Offset);
    if (!MmIsRangeValid(Irp->UserBuffer, (ULONG)Length)) {
        return IopFinishBootRequest(Irp, STATUS_ACCESS_VIOLATION, 0);
    }
    RtlCopyMemory(Irp->UserBuffer, Open->Data + Offset, Length);
    if (File->Flags & FO_SYNCHRONOUS_IO) {
        File->CurrentByteOffset.QuadPart = (LONGLONG)(Offset + Length);
    }
    return IopFinishBootRequest(Irp, STATUS_SUCCESS, Length);
}

/* Nothing is ever held back. */
static NTSTATUS NTAPI IopBootFlush(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return IopFinishBootRequest(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS IopLinkBootDevice(PUNICODE_STRING Device)
{
    UNICODE_STRING Drive = RTL_CONSTANT_STRING(L"\\??\\C:");
    UNICODE_STRING SystemRoot = RTL_CONSTANT_STRING(L"\\SystemRoot");
    NTSTATUS Status = IoCreateSymbolicLink(&Drive, Device);
    return NT_SUCCESS(Status) ? IoCreateSymbolicLink(&SystemRoot, Device) : Status;
}

/* A driver object and a device like any other's, so that opens and reads take the usual way. */
NTSTATUS IopCreateBootFileSystem(void)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\BootDisk");
    PDRIVER_OBJECT Driver;
    PDEVICE_OBJECT Device;
    NTSTATUS Status = IopCreateBuiltInDriver(L"\\FileSystem\\", L"BootFs", &Driver);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ExInitializeFastMutex(&IopBootLock);
    InitializeListHead(&IopBootFiles);
    Driver->MajorFunction[IRP_MJ_CREATE] = IopBootCreate;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = IopBootCleanup;
    Driver->MajorFunction[IRP_MJ_CLOSE] = IopBootClose;
    Driver->MajorFunction[IRP_MJ_READ] = IopBootRead;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = IopBootFlush;
    Driver->MajorFunction[IRP_MJ_DIRECTORY_CONTROL] = IopBootDirectoryControl;
    Driver->MajorFunction[IRP_MJ_QUERY_INFORMATION] = IopBootQueryInformation;
    Driver->MajorFunction[IRP_MJ_SET_INFORMATION] = IopBootSetInformation;
    Driver->MajorFunction[IRP_MJ_QUERY_VOLUME_INFORMATION] = IopBootQueryVolume;
    Status = IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_DISK_FILE_SYSTEM, FILE_READ_ONLY_DEVICE,
                            FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return IopLinkBootDevice(&Name);
}
