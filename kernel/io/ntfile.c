/*
 * ntfile.c - ZwCreateFile and ZwOpenFile: the arguments are checked here, then the name is looked
 * up; the path ends in IopParseDevice (create.c).
 */
#include "iop.h"

#define IOP_VALID_ATTRIBUTES 0x00017FB7 /* FILE_ATTRIBUTE_*, all that a caller may set */
#define IOP_SYNCHRONOUS_OPTIONS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)
/* Options that go with FILE_DIRECTORY_FILE. */
#define IOP_DIRECTORY_OPTIONS                                                                      \
    (FILE_DIRECTORY_FILE | IOP_SYNCHRONOUS_OPTIONS | FILE_WRITE_THROUGH |                          \
     FILE_OPEN_FOR_BACKUP_INTENT | FILE_OPEN_BY_FILE_ID | FILE_DELETE_ON_CLOSE |                   \
     FILE_COMPLETE_IF_OPLOCKED | FILE_OPEN_REQUIRING_OPLOCK | FILE_NO_COMPRESSION |                \
     FILE_OPEN_REPARSE_POINT | FILE_OPEN_NO_RECALL | FILE_OPEN_FOR_FREE_SPACE_QUERY)

/* Values that have no meaning at all. */
static BOOLEAN IopAreFlagsKnown(const IOP_OPEN_PACKET *Packet)
{
    return Packet->Disposition <= FILE_MAXIMUM_DISPOSITION &&
           (Packet->CreateOptions & ~FILE_VALID_OPTION_FLAGS) == 0 &&
           (Packet->ShareAccess & ~FILE_SHARE_VALID_FLAGS) == 0 &&
           (Packet->FileAttributes & ~IOP_VALID_ATTRIBUTES) == 0 &&
           Packet->AllocationSize.QuadPart >= 0;
}

static BOOLEAN IopAreDirectoryOptionsValid(const IOP_OPEN_PACKET *Packet)
{
    return !(Packet->CreateOptions & FILE_DIRECTORY_FILE) ||
           ((Packet->CreateOptions & ~IOP_DIRECTORY_OPTIONS) == 0 &&
            (Packet->Disposition == FILE_CREATE || Packet->Disposition == FILE_OPEN ||
             Packet->Disposition == FILE_OPEN_IF));
}

/* Combinations that no driver could make sense of are refused here, as on Windows. */
static BOOLEAN IopAreArgumentsValid(const IOP_OPEN_PACKET *Packet)
{
    ULONG Options = Packet->CreateOptions;
    ULONG Synchronous = Options & IOP_SYNCHRONOUS_OPTIONS;
    // Services wait for a synchronous file, so SYNCHRONIZE must be asked for, and by this name.
    if (Synchronous == IOP_SYNCHRONOUS_OPTIONS ||
        (Synchronous != 0 && !(Packet->DesiredAccess & SYNCHRONIZE))) {
        return FALSE;
    }
    if ((Options & FILE_DELETE_ON_CLOSE) && !(Packet->DesiredAccess & DELETE)) {
        return FALSE;
    }
    if ((Options & FILE_COMPLETE_IF_OPLOCKED) && (Options & FILE_RESERVE_OPFILTER)) {
        return FALSE;
    }
    // What is appended lies at no sector's beginning.
    if ((Options & FILE_NO_INTERMEDIATE_BUFFERING) && (Packet->DesiredAccess & FILE_APPEND_DATA)) {
        return FALSE;
    }
    return IopAreFlagsKnown(Packet) && IopAreDirectoryOptionsValid(Packet);
}

static NTSTATUS IopOpenFile(PHANDLE FileHandle, POBJECT_ATTRIBUTES Attributes,
                            PIO_STATUS_BLOCK Iosb, PIOP_OPEN_PACKET Packet)
{
    HANDLE Handle;
    NTSTATUS Status = ObOpenObjectByName(Attributes, NULL, KernelMode, NULL, Packet->DesiredAccess,
                                         Packet, &Handle);
    if (NT_SUCCESS(Status) && Packet->FileObject == NULL) {
        // The name is there, but it is no device's.
        ZwClose(Handle);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (NT_SUCCESS(Status)) {
        Status = Packet->Status; // there is more than one success
        *FileHandle = Handle;
        Iosb->Status = Status;
        Iosb->Information = Packet->Information;
    }
    if (Packet->FileObject != NULL) {
        ObfDereferenceObject(Packet->FileObject);
    }
    return Status;
}

/* Drivers may keep the list, and get it checked: so they get a copy, for as long as the open. */
static NTSTATUS IopOpenWithEa(PHANDLE FileHandle, POBJECT_ATTRIBUTES Attributes,
                              PIO_STATUS_BLOCK Iosb, PIOP_OPEN_PACKET Packet)
{
    PVOID Copy = ExAllocatePool2(POOL_FLAG_NON_PAGED, Packet->EaLength, IOP_TAG_BUFFER);
    ULONG Offset;
    if (Copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Copy, Packet->EaBuffer, Packet->EaLength);
    Packet->EaBuffer = Copy;
    NTSTATUS Status = IoCheckEaBufferValidity(Copy, Packet->EaLength, &Offset);
    if (NT_SUCCESS(Status)) {
        Status = IopOpenFile(FileHandle, Attributes, Iosb, Packet);
    } else {
        Iosb->Status = Status;
        Iosb->Information = Offset;
    }
    ExFreePoolWithTag(Copy, IOP_TAG_BUFFER);
    return Status;
}

NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    IOP_OPEN_PACKET Packet = {.Signature = IOP_OPEN_SIGNATURE,
                              .DesiredAccess = DesiredAccess,
                              .CreateOptions = CreateOptions,
                              .FileAttributes = FileAttributes,
                              .ShareAccess = ShareAccess,
                              .Disposition = CreateDisposition,
                              .EaBuffer = EaBuffer,
                              .EaLength = EaLength};
    if (AllocationSize != NULL) {
        Packet.AllocationSize = *AllocationSize;
    }
    IopCheckServiceContext(__builtin_return_address(0));
    if (!IopAreArgumentsValid(&Packet)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (EaBuffer == NULL || EaLength == 0) {
        Packet.EaBuffer = NULL;
        Packet.EaLength = 0;
        return IopOpenFile(FileHandle, ObjectAttributes, IoStatusBlock, &Packet);
    }
    return MmIsRangeValid(EaBuffer, EaLength)
               ? IopOpenWithEa(FileHandle, ObjectAttributes, IoStatusBlock, &Packet)
               : STATUS_ACCESS_VIOLATION;
}

NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    return ZwCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, FILE_OPEN, OpenOptions, NULL, 0);
}

/* An entry's bytes: 8 of header, the name and its terminator, the value. */
NTSTATUS NTAPI IoCheckEaBufferValidity(PFILE_FULL_EA_INFORMATION EaBuffer, ULONG EaLength,
                                       PULONG ErrorOffset)
{
    const ULONG Header = offsetof(FILE_FULL_EA_INFORMATION, EaName);
    ULONG Offset = 0;
    for (;;) {
        PFILE_FULL_EA_INFORMATION Entry = (PVOID)((PUCHAR)EaBuffer + Offset);
        ULONG Left = EaLength - Offset;
        *ErrorOffset = Offset;
        if (Left < Header || Left < Header + Entry->EaNameLength + 1 + Entry->EaValueLength ||
            Entry->EaName[Entry->EaNameLength] != 0) {
            return STATUS_EA_LIST_INCONSISTENT;
        }
        if (Entry->NextEntryOffset == 0) {
            return STATUS_SUCCESS;
        }
        ULONG Size = (Header + Entry->EaNameLength + 1 + Entry->EaValueLength + 3) & ~3UL;
        if (Entry->NextEntryOffset != Size || Size > Left) {
            return STATUS_EA_LIST_INCONSISTENT;
        }
        Offset += Size;
    }
}
