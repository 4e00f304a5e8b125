/*
 * bootfs.c - the boot disk as a file system: C: and \SystemRoot.
 *
 * The archive that the loader handed over stays in memory and never changes, so a file is a pointer
 * and a size, found when it is opened and kept in the file object. Reads are answered at once, in
 * the caller's thread, straight into its buffer, which is why the device does neither buffered nor
 * direct I/O. Nothing can be written. Directories can be neither opened nor listed.
 */
#include "iop.h"

#define IOP_MAX_PATH 260
#define IOP_WRITE_RIGHTS                                                                           \
    (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | DELETE |         \
     WRITE_DAC | WRITE_OWNER)

/* An archive's names, "drivers/beep.sys", against a path's beginning, "\drivers". */
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

/* Is there a file below this path? */
static BOOLEAN IopIsDirectory(const char *Path, SIZE_T Length)
{
    IOP_DIRECTORY_SEARCH Search = {Path, Length, Length == 0};
    if (!Search.Found) {
        LdrEnumerateFiles(IopMatchDirectory, &Search);
    }
    return Search.Found;
}

/* Why a path leads to no file. Path has the archive's slashes and does not begin with one. */
static NTSTATUS IopExplainMissingFile(const char *Path)
{
    const char *Last = strrchr(Path, '/');
    if (IopIsDirectory(Path, strlen(Path))) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    return IopIsDirectory(Path, Last != NULL ? (SIZE_T)(Last - Path) : 0)
               ? STATUS_OBJECT_NAME_NOT_FOUND
               : STATUS_OBJECT_PATH_NOT_FOUND;
}

/* Name is what follows the device in the path, "\drivers\beep.sys". Archived names are ASCII. */
static NTSTATUS IopFindBootFile(PUNICODE_STRING Name, const UCHAR **Data, SIZE_T *Size)
{
    char Path[IOP_MAX_PATH] = "c:/";
    ULONG Length = Name->Length / sizeof(WCHAR);
    if (Length + sizeof("c:") > sizeof(Path) || Name->Buffer[0] != L'\\') {
        return STATUS_OBJECT_NAME_INVALID;
    }
    for (ULONG i = 0; i < Length; i++) {
        WCHAR Character = Name->Buffer[i];
        if (Character == 0 || Character >= 0x80 || Character == L'/') {
            return STATUS_OBJECT_NAME_INVALID;
        }
        Path[2 + i] = Character == L'\\' ? '/' : (char)Character;
    }
    Path[2 + Length] = 0;
    return LdrFindFile(Path, Data, Size) ? STATUS_SUCCESS
                                         : IopExplainMissingFile(Path + sizeof("c:/") - 1);
}

/* Says why not, as a read-only volume would: what exists is opened for reading, or a collision;
 * what does not exist cannot be created. */
static NTSTATUS IopOpenBootFile(PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject;
    ULONG Disposition = Stack->Parameters.Create.Options >> 24;
    const UCHAR *Data;
    SIZE_T Size;
    if (File->FileName.Length == 0) {
        return STATUS_INVALID_DEVICE_REQUEST; // the volume itself: there is nothing to do with it
    }
    NTSTATUS Status = IopFindBootFile(&File->FileName, &Data, &Size);
    if (!NT_SUCCESS(Status)) {
        BOOLEAN Create = Disposition != FILE_OPEN && Disposition != FILE_OVERWRITE;
        return Status == STATUS_OBJECT_NAME_NOT_FOUND && Create ? STATUS_MEDIA_WRITE_PROTECTED
                                                                : Status;
    }
    if (Disposition == FILE_CREATE) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (Stack->Parameters.Create.Options & FILE_DIRECTORY_FILE) {
        return STATUS_NOT_A_DIRECTORY;
    }
    if ((Disposition != FILE_OPEN && Disposition != FILE_OPEN_IF) ||
        (Stack->Parameters.Create.SecurityContext->DesiredAccess & IOP_WRITE_RIGHTS)) {
        return STATUS_MEDIA_WRITE_PROTECTED;
    }
    File->FsContext = (PVOID)Data;
    File->FsContext2 = (PVOID)Size;
    return STATUS_SUCCESS;
}

static NTSTATUS IopFinishBootRequest(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
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

static NTSTATUS NTAPI IopBootClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return IopFinishBootRequest(Irp, STATUS_SUCCESS, 0);
}

/* Past the end there is nothing, and a read of nothing succeeds anywhere. */
static NTSTATUS NTAPI IopBootRead(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT File = Stack->FileObject;
    ULONG64 Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG64 Size = (ULONG64)File->FsContext2;
    ULONG64 Length = Stack->Parameters.Read.Length;
    UNREFERENCED_PARAMETER(Device);
    if (Length == 0) {
        return IopFinishBootRequest(Irp, STATUS_SUCCESS, 0);
    }
    if (Offset >= Size) {
        return IopFinishBootRequest(Irp, STATUS_END_OF_FILE, 0);
    }
    Length = min(Length, Size - Offset);
    RtlCopyMemory(Irp->UserBuffer, (PUCHAR)File->FsContext + Offset, Length);
    if (File->Flags & FO_SYNCHRONOUS_IO) {
        File->CurrentByteOffset.QuadPart = (LONGLONG)(Offset + Length);
    }
    return IopFinishBootRequest(Irp, STATUS_SUCCESS, Length);
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
    Driver->MajorFunction[IRP_MJ_CREATE] = IopBootCreate;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = IopBootClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = IopBootClose;
    Driver->MajorFunction[IRP_MJ_READ] = IopBootRead;
    Status = IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_DISK_FILE_SYSTEM, FILE_READ_ONLY_DEVICE,
                            FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return IopLinkBootDevice(&Name);
}
