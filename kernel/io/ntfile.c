/*
 * ntfile.c - ZwCreateFile and ZwOpenFile: the arguments are checked here, then the name is looked
 * up; the path ends in IopParseDevice (create.c).
 */
#include "iop.h"

#define IOP_VALID_OPTIONS 0x00FFFFFF
#define IOP_VALID_SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define IOP_SYNCHRONOUS_OPTIONS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)

/* Combinations that no driver could make sense of are refused here, as on Windows. */
static BOOLEAN IopAreArgumentsValid(const IOP_OPEN_PACKET *Packet)
{
    ULONG Synchronous = Packet->CreateOptions & IOP_SYNCHRONOUS_OPTIONS;
    if (Packet->Disposition > FILE_MAXIMUM_DISPOSITION ||
        (Packet->CreateOptions & ~IOP_VALID_OPTIONS) != 0 ||
        (Packet->ShareAccess & ~IOP_VALID_SHARE) != 0) {
        return FALSE;
    }
    // Services wait for a synchronous file, so SYNCHRONIZE must be asked for, and by this name.
    if (Synchronous == IOP_SYNCHRONOUS_OPTIONS ||
        (Synchronous != 0 && !(Packet->DesiredAccess & SYNCHRONIZE))) {
        return FALSE;
    }
    return !((Packet->CreateOptions & FILE_DIRECTORY_FILE) &&
             (Packet->CreateOptions & FILE_NON_DIRECTORY_FILE));
}

static NTSTATUS IopOpenFile(PHANDLE FileHandle, POBJECT_ATTRIBUTES Attributes,
                            PIO_STATUS_BLOCK Iosb, PIOP_OPEN_PACKET Packet)
{
    HANDLE Handle;
    IopCheckServiceContext(__builtin_return_address(0));
    if (!IopAreArgumentsValid(Packet)) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ObOpenObjectByName(Attributes, NULL, KernelMode, NULL, Packet->DesiredAccess,
                                         Packet, &Handle);
    if (NT_SUCCESS(Status) && Packet->FileObject == NULL) {
        // The name is there, but it is no device's.
        ZwClose(Handle);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *FileHandle = Handle;
    Iosb->Status = Status;
    Iosb->Information = Packet->Information;
    return Status;
}

NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    IOP_OPEN_PACKET Packet = {.DesiredAccess = DesiredAccess,
                              .CreateOptions = CreateOptions,
                              .FileAttributes = FileAttributes,
                              .ShareAccess = ShareAccess,
                              .Disposition = CreateDisposition,
                              .EaBuffer = EaBuffer,
                              .EaLength = EaLength};
    if (AllocationSize != NULL) {
        Packet.AllocationSize = *AllocationSize;
    }
    return IopOpenFile(FileHandle, ObjectAttributes, IoStatusBlock, &Packet);
}

NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    return ZwCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, FILE_OPEN, OpenOptions, NULL, 0);
}
