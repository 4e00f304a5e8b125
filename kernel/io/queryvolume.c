/*
 * queryvolume.c - services that ask a file's volume or device: ZwQueryVolumeInformationFile,
 * ZwFlushBuffersFile, ZwQueryDirectoryFile.
 *
 * What kind of device a file is on the I/O manager knows itself; the rest is the file system's.
 */
#include <ntifs.h>
#include "iop.h"

/* The shortest buffer of each class; 0: there is no such class. */
static const UCHAR IopVolumeLengths[] = {
    [FileFsVolumeInformation] = sizeof(FILE_FS_VOLUME_INFORMATION),
    [FileFsSizeInformation] = sizeof(FILE_FS_SIZE_INFORMATION),
    [FileFsDeviceInformation] = sizeof(FILE_FS_DEVICE_INFORMATION),
    [FileFsAttributeInformation] = sizeof(FILE_FS_ATTRIBUTE_INFORMATION),
    [FileFsControlInformation] = 0x30,
    [FileFsFullSizeInformation] = sizeof(FILE_FS_FULL_SIZE_INFORMATION),
    [FileFsObjectIdInformation] = 0x40,
    [FileFsDriverPathInformation] = 0x0C,
};

NTSTATUS IopBuildInformationIrp(PIOP_REQUEST Request, UCHAR MajorFunction, PVOID Buffer,
                                ULONG Length, BOOLEAN ToDevice, PIRP *NewIrp)
{
    PIRP Irp = IopAllocateRequestIrp(Request, MajorFunction);
    if (Irp == NULL) {
        IopAbandonRequest(Request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status =
        IopAllocateSystemBuffer(Irp, Length, Buffer, ToDevice ? Length : 0, ToDevice ? 0 : Length);
    if (!NT_SUCCESS(Status)) {
        IopDiscardIrp(Irp);
        IopAbandonRequest(Request);
        return Status;
    }
    Irp->UserBuffer = Buffer;
    Irp->Flags |= ToDevice ? 0 : IRP_INPUT_OPERATION;
    *NewIrp = Irp;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                            PVOID FsInformation, ULONG Length,
                                            FS_INFORMATION_CLASS FsInformationClass)
{
    IOP_REQUEST Request = {.Iosb = IoStatusBlock};
    PIRP Irp;
    if ((ULONG)FsInformationClass >= ARRAYSIZE(IopVolumeLengths) ||
        IopVolumeLengths[FsInformationClass] == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Length < IopVolumeLengths[FsInformationClass]) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!MmIsRangeValid(FsInformation, Length)) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = IopBeginRequest(&Request, FileHandle, NULL);
    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    if (FsInformationClass == FileFsDeviceInformation) {
        PFILE_FS_DEVICE_INFORMATION Answer = FsInformation;
        Answer->DeviceType = Request.File->DeviceObject->DeviceType;
        Answer->Characteristics = Request.File->DeviceObject->Characteristics;
        *IoStatusBlock = (IO_STATUS_BLOCK){{STATUS_SUCCESS}, sizeof(*Answer)};
        IopAbandonRequest(&Request); // nothing is left to do
        return STATUS_SUCCESS;
    }
    Status = IopBuildInformationIrp(&Request, IRP_MJ_QUERY_VOLUME_INFORMATION, FsInformation,
                                    Length, FALSE, &Irp);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->Parameters.QueryVolume.Length = Length;
    Stack->Parameters.QueryVolume.FsInformationClass = FsInformationClass;
    return IopSendRequestAndWait(&Request, Irp);
}

NTSTATUS NTAPI ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_REQUEST Request = {.Iosb = IoStatusBlock};
    NTSTATUS Status = IopBeginRequest(&Request, FileHandle, NULL);
    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    PIRP Irp = IopAllocateRequestIrp(&Request, IRP_MJ_FLUSH_BUFFERS);
    if (Irp == NULL) {
        IopAbandonRequest(&Request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return IopSendRequestAndWait(&Request, Irp);
}

/* The shortest buffer that a directory's entry fits in, without its name. */
static ULONG IopDirectoryEntrySize(FILE_INFORMATION_CLASS Class)
{
    switch (Class) {
    case FileDirectoryInformation:
        return sizeof(FILE_DIRECTORY_INFORMATION);
    case FileFullDirectoryInformation:
        return sizeof(FILE_FULL_DIR_INFORMATION);
    case FileBothDirectoryInformation:
        return sizeof(FILE_BOTH_DIR_INFORMATION);
    case FileNamesInformation:
        return sizeof(FILE_NAMES_INFORMATION);
    default:
        return 0;
    }
}

/* The pattern, in memory that is freed when the IRP completes. */
static NTSTATUS IopAttachPattern(PIRP Irp, PUNICODE_STRING Pattern)
{
    PUNICODE_STRING Copy =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Copy) + (SIZE_T)Pattern->Length, IOP_TAG_NAME);
    if (Copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Copy = (UNICODE_STRING){0, Pattern->Length, (PWCH)(Copy + 1)};
    RtlCopyUnicodeString(Copy, Pattern);
    Irp->Tail.Overlay.AuxiliaryBuffer = (PCHAR)Copy;
    IoGetNextIrpStackLocation(Irp)->Parameters.QueryDirectory.FileName = Copy;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                    PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass,
                                    BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName,
                                    BOOLEAN RestartScan)
{
    IOP_REQUEST Request = {
        .Iosb = IoStatusBlock, .ApcRoutine = ApcRoutine, .ApcContext = ApcContext};
    ULONG Least = IopDirectoryEntrySize(FileInformationClass);
    if (Least == 0 || Length < Least) {
        return Least == 0 ? STATUS_INVALID_INFO_CLASS : STATUS_INFO_LENGTH_MISMATCH;
    }
    NTSTATUS Status = IopBeginRequest(&Request, FileHandle, Event);
    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    PIRP Irp = IopAllocateRequestIrp(&Request, IRP_MJ_DIRECTORY_CONTROL);
    if (Irp == NULL) {
        IopAbandonRequest(&Request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MinorFunction = IRP_MN_QUERY_DIRECTORY;
    Stack->Flags = (UCHAR)((RestartScan ? SL_RESTART_SCAN : 0) |
                           (ReturnSingleEntry ? SL_RETURN_SINGLE_ENTRY : 0));
    Stack->Parameters.QueryDirectory.Length = Length;
    Stack->Parameters.QueryDirectory.FileInformationClass = FileInformationClass;
    Status = IopSetTransferBuffer(Irp, Request.Device, FileInformation, Length, FALSE);
    if (NT_SUCCESS(Status) && FileName != NULL) {
        Status = IopAttachPattern(Irp, FileName);
    }
    if (!NT_SUCCESS(Status)) {
        IopDiscardIrp(Irp);
        IopAbandonRequest(&Request);
        return Status;
    }
    return IopSendRequest(&Request, Irp);
}
