/*
 * bootinfo.c - what the boot disk's file system tells about its files and about itself.
 *
 * Answers go to the system buffer, which has room for the class's structure without a name: the I/O
 * manager has checked that. A name that does not fit is cut, with STATUS_BUFFER_OVERFLOW.
 */
#include "bootfs.h"

/* A file without a path of its own is the volume. */
static const CHAR *IopBootPathOf(PFILE_OBJECT File)
{
    return IopBootFileOf(File) != NULL ? IopBootFileOf(File)->Path : "";
}

static BOOLEAN IopIsBootFolder(PFILE_OBJECT File)
{
    return IopBootFileOf(File) != NULL && IopBootFileOf(File)->Directory;
}

static SIZE_T IopBootSize(PFILE_OBJECT File)
{
    return IopBootFileOf(File) != NULL ? IopBootFileOf(File)->Size : 0;
}

/* Text, after a backslash with Rooted, into Room bytes at Name; answers the bytes written. *Length:
 * of the whole name. */
static ULONG IopWriteName(PWCH Name, ULONG Room, const CHAR *Text, BOOLEAN Rooted, ULONG *Length)
{
    ULONG Count = (ULONG)strlen(Text) + Rooted, Written;
    *Length = Count * (ULONG)sizeof(WCHAR);
    for (Written = 0; Written < Count && (Written + 1) * sizeof(WCHAR) <= Room; Written++) {
        CHAR Character = Rooted ? (Written == 0 ? '\\' : Text[Written - 1]) : Text[Written];
        Name[Written] = Character == '/' ? L'\\' : (UCHAR)Character;
    }
    return Written * (ULONG)sizeof(WCHAR);
}

static NTSTATUS IopFillName(PFILE_OBJECT File, PFILE_NAME_INFORMATION Name, ULONG Length,
                            ULONG_PTR *Information)
{
    ULONG Room = Length - (ULONG)offsetof(FILE_NAME_INFORMATION, FileName);
    BOOLEAN Rooted = IopBootFileOf(File) != NULL;
    ULONG Written =
        IopWriteName(Name->FileName, Room, IopBootPathOf(File), Rooted, &Name->FileNameLength);
    *Information += offsetof(FILE_NAME_INFORMATION, FileName) + Written;
    return Written < Name->FileNameLength ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static void IopFillBasic(PFILE_OBJECT File, PFILE_BASIC_INFORMATION Basic)
{
    RtlZeroMemory(Basic, sizeof(*Basic));
    Basic->FileAttributes = IopBootAttributes(IopIsBootFolder(File));
}

static void IopFillStandard(PFILE_OBJECT File, PFILE_STANDARD_INFORMATION Standard)
{
    RtlZeroMemory(Standard, sizeof(*Standard));
    Standard->EndOfFile.QuadPart = (LONGLONG)IopBootSize(File);
    Standard->AllocationSize.QuadPart = IopBootAllocation(IopBootSize(File));
    Standard->NumberOfLinks = 1;
    Standard->Directory = IopIsBootFolder(File);
}

/* A number that is the same for every open of a file, and every boot: a hash (FNV-1a) of its
 * path. */
static void IopFillInternal(PFILE_OBJECT File, PFILE_INTERNAL_INFORMATION Internal)
{
    ULONG64 Hash = 0xCBF29CE484222325;
    for (const CHAR *Path = IopBootPathOf(File); *Path != 0; Path++) {
        Hash = (Hash ^ (UCHAR)RtlUpcaseUnicodeChar((UCHAR)*Path)) * 0x100000001B3;
    }
    Internal->IndexNumber.QuadPart = (LONGLONG)Hash;
}

static void IopFillNetworkOpen(PFILE_OBJECT File, PFILE_NETWORK_OPEN_INFORMATION Open)
{
    RtlZeroMemory(Open, sizeof(*Open));
    Open->EndOfFile.QuadPart = (LONGLONG)IopBootSize(File);
    Open->AllocationSize.QuadPart = IopBootAllocation(IopBootSize(File));
    Open->FileAttributes = IopBootAttributes(IopIsBootFolder(File));
}

/* All but what the I/O manager has filled in, and counted, already. */
static NTSTATUS IopFillAll(PFILE_OBJECT File, PFILE_ALL_INFORMATION All, ULONG Length,
                           ULONG_PTR *Information)
{
    IopFillBasic(File, &All->BasicInformation);
    IopFillStandard(File, &All->StandardInformation);
    IopFillInternal(File, &All->InternalInformation);
    All->EaInformation.EaSize = 0;
    All->PositionInformation.CurrentByteOffset = File->CurrentByteOffset;
    *Information += sizeof(All->BasicInformation) + sizeof(All->StandardInformation) +
                    sizeof(All->InternalInformation) + sizeof(All->EaInformation) +
                    sizeof(All->PositionInformation);
    return IopFillName(File, &All->NameInformation,
                       Length - (ULONG)offsetof(FILE_ALL_INFORMATION, NameInformation),
                       Information);
}

static NTSTATUS IopFillInformation(PFILE_OBJECT File, FILE_INFORMATION_CLASS Class, PVOID Buffer,
                                   ULONG Length, ULONG_PTR *Information)
{
    switch (Class) {
    case FileBasicInformation:
        IopFillBasic(File, Buffer);
        *Information = sizeof(FILE_BASIC_INFORMATION);
        return STATUS_SUCCESS;
    case FileStandardInformation:
        IopFillStandard(File, Buffer);
        *Information = sizeof(FILE_STANDARD_INFORMATION);
        return STATUS_SUCCESS;
    case FileInternalInformation:
        IopFillInternal(File, Buffer);
        *Information = sizeof(FILE_INTERNAL_INFORMATION);
        return STATUS_SUCCESS;
    case FileEaInformation:
        ((PFILE_EA_INFORMATION)Buffer)->EaSize = 0;
        *Information = sizeof(FILE_EA_INFORMATION);
        return STATUS_SUCCESS;
    case FilePositionInformation:
        ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset = File->CurrentByteOffset;
        *Information = sizeof(FILE_POSITION_INFORMATION);
        return STATUS_SUCCESS;
    case FileNetworkOpenInformation:
        IopFillNetworkOpen(File, Buffer);
        *Information = sizeof(FILE_NETWORK_OPEN_INFORMATION);
        return STATUS_SUCCESS;
    case FileAttributeTagInformation:
        *(PFILE_ATTRIBUTE_TAG_INFORMATION)Buffer =
            (FILE_ATTRIBUTE_TAG_INFORMATION){IopBootAttributes(IopIsBootFolder(File)), 0};
        *Information = sizeof(FILE_ATTRIBUTE_TAG_INFORMATION);
        return STATUS_SUCCESS;
    case FileNameInformation:
        return IopFillName(File, Buffer, Length, Information);
    case FileAllInformation:
        return IopFillAll(File, Buffer, Length, Information);
    default:
        return STATUS_INVALID_PARAMETER; // as Windows' file systems say to classes of others
    }
}

/* Of the volume itself there is a name to tell, "", and nothing else. */
NTSTATUS NTAPI IopBootQueryInformation(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    FILE_INFORMATION_CLASS Class = Stack->Parameters.QueryFile.FileInformationClass;
    ULONG_PTR Information = Class == FileAllInformation ? Irp->IoStatus.Information : 0;
    UNREFERENCED_PARAMETER(Device);
    if (IopBootFileOf(Stack->FileObject) == NULL && Class != FileNameInformation) {
        return IopFinishBootRequest(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    NTSTATUS Status = IopFillInformation(Stack->FileObject, Class, Irp->AssociatedIrp.SystemBuffer,
                                         Stack->Parameters.QueryFile.Length, &Information);
    return IopFinishBootRequest(Irp, Status, NT_ERROR(Status) ? 0 : Information);
}

/* The position is no change of the file. */
NTSTATUS NTAPI IopBootSetInformation(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_POSITION_INFORMATION Position = Irp->AssociatedIrp.SystemBuffer;
    UNREFERENCED_PARAMETER(Device);
    if (Stack->Parameters.SetFile.FileInformationClass != FilePositionInformation) {
        return IopFinishBootRequest(Irp, STATUS_MEDIA_WRITE_PROTECTED, 0);
    }
    if (Position->CurrentByteOffset.QuadPart < 0) {
        return IopFinishBootRequest(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    Stack->FileObject->CurrentByteOffset = Position->CurrentByteOffset;
    return IopFinishBootRequest(Irp, STATUS_SUCCESS, 0);
}

static BOOLEAN IopAddSize(const char *Name, SIZE_T Size, PVOID Context)
{
    UNREFERENCED_PARAMETER(Name);
    *(PLONGLONG)Context += IopBootAllocation(Size) / IOP_BOOT_SECTOR;
    return TRUE;
}

static NTSTATUS IopFillVolume(PFILE_FS_VOLUME_INFORMATION Volume, ULONG Length,
                              ULONG_PTR *Information)
{
    const ULONG Fixed = offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel);
    RtlZeroMemory(Volume, Fixed);
    ULONG Written = IopWriteName(Volume->VolumeLabel, Length - Fixed, "Etude", FALSE,
                                 &Volume->VolumeLabelLength);
    *Information = Fixed + Written;
    return Written < Volume->VolumeLabelLength ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static NTSTATUS IopFillAttributes(PFILE_FS_ATTRIBUTE_INFORMATION Attributes, ULONG Length,
                                  ULONG_PTR *Information)
{
    const ULONG Fixed = offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName);
    Attributes->FileSystemAttributes =
        FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK | FILE_READ_ONLY_VOLUME;
    Attributes->MaximumComponentNameLength = IOP_MAX_PATH - 1;
    ULONG Written = IopWriteName(Attributes->FileSystemName, Length - Fixed, "cpio", FALSE,
                                 &Attributes->FileSystemNameLength);
    *Information = Fixed + Written;
    return Written < Attributes->FileSystemNameLength ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

/* All of the volume is in use. */
NTSTATUS NTAPI IopBootQueryVolume(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG Length = Stack->Parameters.QueryVolume.Length;
    ULONG_PTR Information = 0;
    LONGLONG Total = 0;
    NTSTATUS Status = STATUS_SUCCESS;
    UNREFERENCED_PARAMETER(Device);
    switch (Stack->Parameters.QueryVolume.FsInformationClass) {
    case FileFsVolumeInformation:
        Status = IopFillVolume(Buffer, Length, &Information);
        break;
    case FileFsAttributeInformation:
        Status = IopFillAttributes(Buffer, Length, &Information);
        break;
    case FileFsSizeInformation:
        LdrEnumerateFiles(IopAddSize, &Total);
        *(PFILE_FS_SIZE_INFORMATION)Buffer =
            (FILE_FS_SIZE_INFORMATION){{.QuadPart = Total}, {.QuadPart = 0}, 1, IOP_BOOT_SECTOR};
        Information = sizeof(FILE_FS_SIZE_INFORMATION);
        break;
    case FileFsFullSizeInformation:
        LdrEnumerateFiles(IopAddSize, &Total);
        *(PFILE_FS_FULL_SIZE_INFORMATION)Buffer = (FILE_FS_FULL_SIZE_INFORMATION){
            {.QuadPart = Total}, {.QuadPart = 0}, {.QuadPart = 0}, 1, IOP_BOOT_SECTOR};
        Information = sizeof(FILE_FS_FULL_SIZE_INFORMATION);
        break;
    default:
        Status = STATUS_INVALID_PARAMETER;
        break;
    }
    return IopFinishBootRequest(Irp, Status, Information);
}
