/*
 * queryfile.c - ZwQueryInformationFile and ZwSetInformationFile, and the queries by name.
 *
 * What the file object itself knows is answered here: rights, mode, alignment, and the position of
 * a synchronous file. Everything else goes to the driver, always buffered: IRP_MJ_QUERY_INFORMATION
 * and IRP_MJ_SET_INFORMATION. Both services wait for the answer, whatever the file. Changes of a
 * file object's flags are made with the file's lock held.
 */
#include <ntifs.h>
#include "iop.h"

#define IOP_SETTABLE_MODES                                                                         \
    (FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_SYNCHRONOUS_IO_ALERT |                       \
     FILE_SYNCHRONOUS_IO_NONALERT)
#define IOP_SYNCHRONOUS_MODES (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)

/* The shortest buffer of each class that may be queried, and of each that may be set; 0: it may
 * not. Renaming needs directories that can be written, and completion ports there are none. */
static const UCHAR IopQueryLengths[] = {
    [FileBasicInformation] = sizeof(FILE_BASIC_INFORMATION),
    [FileStandardInformation] = sizeof(FILE_STANDARD_INFORMATION),
    [FileInternalInformation] = sizeof(FILE_INTERNAL_INFORMATION),
    [FileEaInformation] = sizeof(FILE_EA_INFORMATION),
    [FileAccessInformation] = sizeof(FILE_ACCESS_INFORMATION),
    [FileNameInformation] = sizeof(FILE_NAME_INFORMATION),
    [FilePositionInformation] = sizeof(FILE_POSITION_INFORMATION),
    [FileModeInformation] = sizeof(FILE_MODE_INFORMATION),
    [FileAlignmentInformation] = sizeof(FILE_ALIGNMENT_INFORMATION),
    [FileAllInformation] = sizeof(FILE_ALL_INFORMATION),
    [FileAlternateNameInformation] = sizeof(FILE_NAME_INFORMATION),
    [FileStreamInformation] = 0x20,
    [FilePipeInformation] = 0x08,
    [FilePipeLocalInformation] = 0x28,
    [FilePipeRemoteInformation] = 0x10,
    [FileMailslotQueryInformation] = 0x18,
    [FileCompressionInformation] = 0x10,
    [FileObjectIdInformation] = 0x48,
    [FileReparsePointInformation] = 0x10,
    [FileNetworkOpenInformation] = sizeof(FILE_NETWORK_OPEN_INFORMATION),
    [FileAttributeTagInformation] = sizeof(FILE_ATTRIBUTE_TAG_INFORMATION),
    [FileIsRemoteDeviceInformation] = sizeof(FILE_IS_REMOTE_DEVICE_INFORMATION),
};
static const UCHAR IopSetLengths[] = {
    [FileBasicInformation] = sizeof(FILE_BASIC_INFORMATION),
    [FileDispositionInformation] = sizeof(FILE_DISPOSITION_INFORMATION),
    [FilePositionInformation] = sizeof(FILE_POSITION_INFORMATION),
    [FileModeInformation] = sizeof(FILE_MODE_INFORMATION),
    [FileAllocationInformation] = 0x08,
    [FileEndOfFileInformation] = sizeof(FILE_END_OF_FILE_INFORMATION),
    [FilePipeInformation] = 0x08,
    [FilePipeRemoteInformation] = 0x10,
    [FileMailslotSetInformation] = 0x08,
    [FileObjectIdInformation] = 0x48,
    [FileValidDataLengthInformation] = 0x08,
    [FileShortNameInformation] = sizeof(FILE_NAME_INFORMATION),
};

/* The checks that come before the handle is looked at. */
static NTSTATUS IopCheckInformation(const UCHAR *Lengths, ULONG Classes, PVOID Buffer, ULONG Length,
                                    ULONG Class)
{
    if (Class >= Classes || Lengths[Class] == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Length < Lengths[Class]) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    return MmIsRangeValid(Buffer, Length) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}

static ULONG IopFileMode(PFILE_OBJECT File)
{
    ULONG Mode = 0;
    Mode |= File->Flags & FO_WRITE_THROUGH ? FILE_WRITE_THROUGH : 0;
    Mode |= File->Flags & FO_SEQUENTIAL_ONLY ? FILE_SEQUENTIAL_ONLY : 0;
    Mode |= File->Flags & FO_NO_INTERMEDIATE_BUFFERING ? FILE_NO_INTERMEDIATE_BUFFERING : 0;
    Mode |= File->Flags & FO_DELETE_ON_CLOSE ? FILE_DELETE_ON_CLOSE : 0;
    if (File->Flags & FO_SYNCHRONOUS_IO) {
        Mode |= File->Flags & FO_ALERTABLE_IO ? FILE_SYNCHRONOUS_IO_ALERT
                                              : FILE_SYNCHRONOUS_IO_NONALERT;
    }
    return Mode;
}

/* Answers what the file object knows; FALSE: the driver has to be asked. */
static BOOLEAN IopQueryFileObject(PIOP_REQUEST Request, PVOID Buffer, ULONG Class)
{
    PFILE_OBJECT File = Request->File;
    switch (Class) {
    case FileAccessInformation:
        ((PFILE_ACCESS_INFORMATION)Buffer)->AccessFlags = Request->Granted;
        break;
    case FileModeInformation:
        ((PFILE_MODE_INFORMATION)Buffer)->Mode = IopFileMode(File);
        break;
    case FileAlignmentInformation:
        ((PFILE_ALIGNMENT_INFORMATION)Buffer)->AlignmentRequirement =
            Request->Device->AlignmentRequirement;
        break;
    case FileIsRemoteDeviceInformation:
        ((PFILE_IS_REMOTE_DEVICE_INFORMATION)Buffer)->IsRemote =
            (File->DeviceObject->Characteristics & FILE_REMOTE_DEVICE) != 0;
        break;
    case FilePositionInformation:
        if (!Request->Synchronous) {
            return FALSE;
        }
        ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset = File->CurrentByteOffset;
        break;
    default:
        return FALSE;
    }
    Request->Iosb->Status = STATUS_SUCCESS;
    Request->Iosb->Information = IopQueryLengths[Class];
    return TRUE;
}

/* FileAllInformation is filled in by two: the driver adds its part to this one's, and to the
 * count. */
static void IopFillAllInformation(PIOP_REQUEST Request, PIRP Irp)
{
    PFILE_ALL_INFORMATION All = Irp->AssociatedIrp.SystemBuffer;
    RtlZeroMemory(All, sizeof(*All));
    All->AccessInformation.AccessFlags = Request->Granted;
    All->ModeInformation.Mode = IopFileMode(Request->File);
    All->AlignmentInformation.AlignmentRequirement = Request->Device->AlignmentRequirement;
    Irp->IoStatus.Information = sizeof(All->AccessInformation) + sizeof(All->ModeInformation) +
                                sizeof(All->AlignmentInformation);
}

NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    IOP_REQUEST Request = {.Iosb = IoStatusBlock};
    PIRP Irp;
    NTSTATUS Status = IopCheckInformation(IopQueryLengths, ARRAYSIZE(IopQueryLengths),
                                          FileInformation, Length, FileInformationClass);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopBeginRequest(&Request, FileHandle, NULL);
    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    if (IopQueryFileObject(&Request, FileInformation, FileInformationClass)) {
        IopAbandonRequest(&Request); // nothing is left to do
        return STATUS_SUCCESS;
    }
    Status = IopBuildInformationIrp(&Request, IRP_MJ_QUERY_INFORMATION, FileInformation, Length,
                                    FALSE, &Irp);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->Parameters.QueryFile.Length = Length;
    Stack->Parameters.QueryFile.FileInformationClass = FileInformationClass;
    if (FileInformationClass == FileAllInformation) {
        IopFillAllInformation(&Request, Irp);
    }
    return IopSendRequestAndWait(&Request, Irp);
}

/* Whether services wait cannot be changed, only whether an alert ends the wait. */
static NTSTATUS IopSetFileMode(PFILE_OBJECT File, ULONG Mode)
{
    ULONG Waits = Mode & IOP_SYNCHRONOUS_MODES;
    if ((Mode & ~IOP_SETTABLE_MODES) != 0 || Waits == IOP_SYNCHRONOUS_MODES ||
        (Waits != 0) != ((File->Flags & FO_SYNCHRONOUS_IO) != 0)) {
        return STATUS_INVALID_PARAMETER;
    }
    File->Flags &= ~(ULONG)(FO_WRITE_THROUGH | FO_SEQUENTIAL_ONLY | FO_ALERTABLE_IO);
    File->Flags |= (Mode & FILE_WRITE_THROUGH ? FO_WRITE_THROUGH : 0) |
                   (Mode & FILE_SEQUENTIAL_ONLY ? FO_SEQUENTIAL_ONLY : 0) |
                   (Mode & FILE_SYNCHRONOUS_IO_ALERT ? FO_ALERTABLE_IO : 0);
    return STATUS_SUCCESS;
}

static NTSTATUS IopSetFilePosition(PIOP_REQUEST Request, PFILE_POSITION_INFORMATION Position)
{
    PFILE_OBJECT File = Request->File;
    LARGE_INTEGER Offset = Position->CurrentByteOffset;
    if (Offset.QuadPart < 0 || ((File->Flags & FO_NO_INTERMEDIATE_BUFFERING) &&
                                (Offset.LowPart & Request->Device->AlignmentRequirement) != 0)) {
        return STATUS_INVALID_PARAMETER;
    }
    File->CurrentByteOffset = Offset;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass)
{
    IOP_REQUEST Request = {.Iosb = IoStatusBlock};
    PIRP Irp;
    NTSTATUS Status = IopCheckInformation(IopSetLengths, ARRAYSIZE(IopSetLengths), FileInformation,
                                          Length, FileInformationClass);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopBeginRequest(&Request, FileHandle, NULL);
    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    BOOLEAN Mode = FileInformationClass == FileModeInformation;
    if (Mode || (FileInformationClass == FilePositionInformation && Request.Synchronous)) {
        Status = Mode
                     ? IopSetFileMode(Request.File, ((PFILE_MODE_INFORMATION)FileInformation)->Mode)
                     : IopSetFilePosition(&Request, FileInformation);
        if (NT_SUCCESS(Status)) {
            *IoStatusBlock = (IO_STATUS_BLOCK){{STATUS_SUCCESS}, 0};
        }
        IopAbandonRequest(&Request);
        return Status;
    }
    Status = IopBuildInformationIrp(&Request, IRP_MJ_SET_INFORMATION, FileInformation, Length, TRUE,
                                    &Irp);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->Parameters.SetFile.Length = Length;
    Stack->Parameters.SetFile.FileInformationClass = FileInformationClass;
    return IopSendRequestAndWait(&Request, Irp);
}

/* Opening for attributes alone goes with whatever others do with the file. */
static NTSTATUS IopQueryByName(POBJECT_ATTRIBUTES Attributes, PVOID Information, ULONG Length,
                               FILE_INFORMATION_CLASS Class)
{
    IO_STATUS_BLOCK Iosb;
    HANDLE Handle;
    OBJECT_ATTRIBUTES Own = *Attributes;
    Own.Attributes |= OBJ_KERNEL_HANDLE;
    NTSTATUS Status =
        ZwOpenFile(&Handle, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &Own, &Iosb, FILE_SHARE_VALID_FLAGS,
                   FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZwQueryInformationFile(Handle, &Iosb, Information, Length, Class);
    ZwClose(Handle);
    return Status;
}

NTSTATUS NTAPI ZwQueryAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes,
                                     PFILE_BASIC_INFORMATION FileInformation)
{
    return IopQueryByName(ObjectAttributes, FileInformation, sizeof(*FileInformation),
                          FileBasicInformation);
}

NTSTATUS NTAPI ZwQueryFullAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes,
                                         PFILE_NETWORK_OPEN_INFORMATION FileInformation)
{
    return IopQueryByName(ObjectAttributes, FileInformation, sizeof(*FileInformation),
                          FileNetworkOpenInformation);
}
