/* readwrite.c - ZwReadFile and ZwWriteFile, which differ in the direction of the data alone. */
#include "iop.h"

/* Where a transfer begins: what the caller says, or the place a synchronous file has got to. Who
 * may only append, appends. */
static NTSTATUS IopTransferOffset(PIOP_REQUEST Request, PLARGE_INTEGER ByteOffset, BOOLEAN Write,
                                  PLARGE_INTEGER Offset)
{
    /* The WDK's values are those of LowPart with HighPart -1: as LONG they sign-extend to them. */
    const LONGLONG Here = (LONG)FILE_USE_FILE_POINTER_POSITION;
    const LONGLONG End = (LONG)FILE_WRITE_TO_END_OF_FILE;
    const ACCESS_MASK Writing = FILE_WRITE_DATA | FILE_APPEND_DATA;
    if (Write && (Request->Granted & Writing) == FILE_APPEND_DATA) {
        Offset->QuadPart = End;
        return STATUS_SUCCESS;
    }
    if (ByteOffset == NULL || (ByteOffset->QuadPart == Here && Request->Synchronous)) {
        *Offset = Request->File->CurrentByteOffset;
        return Request->Synchronous || (Request->File->Flags & (FO_NAMED_PIPE | FO_MAILSLOT))
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_PARAMETER;
    }
    *Offset = *ByteOffset;
    return Offset->QuadPart >= 0 || (Write && Offset->QuadPart == End) ? STATUS_SUCCESS
                                                                       : STATUS_INVALID_PARAMETER;
}

/* Without a cache in between, whole sectors go straight to and from the caller's buffer. */
static BOOLEAN IopIsTransferAligned(PIOP_REQUEST Request, PVOID Buffer, ULONG Length,
                                    PLARGE_INTEGER Offset)
{
    PDEVICE_OBJECT Device = Request->Device;
    ULONG Sector = Device->SectorSize != 0 ? Device->SectorSize - 1U : 0;
    return !(Request->File->Flags & FO_NO_INTERMEDIATE_BUFFERING) ||
           ((Length & Sector) == 0 && ((ULONG_PTR)Buffer & Device->AlignmentRequirement) == 0 &&
            (Offset->QuadPart < 0 || (Offset->LowPart & Sector) == 0));
}

/* What of the file's flags the driver sees in a transfer. */
static void IopMarkTransfer(PIRP Irp, PFILE_OBJECT File, BOOLEAN Write)
{
    Irp->Flags |= Write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    if (File->Flags & FO_NO_INTERMEDIATE_BUFFERING) {
        Irp->Flags |= IRP_NOCACHE;
    }
    if (Write && (File->Flags & FO_WRITE_THROUGH)) {
        IoGetNextIrpStackLocation(Irp)->Flags = SL_WRITE_THROUGH;
    }
}

/* Request has been begun; on failure it is abandoned here. */
static NTSTATUS IopTransfer(PIOP_REQUEST Request, PVOID Buffer, ULONG Length,
                            PLARGE_INTEGER ByteOffset, PULONG Key, BOOLEAN Write)
{
    LARGE_INTEGER Offset;
    NTSTATUS Status = IopTransferOffset(Request, ByteOffset, Write, &Offset);
    if (NT_SUCCESS(Status) && !IopIsTransferAligned(Request, Buffer, Length, &Offset)) {
        Status = STATUS_INVALID_PARAMETER;
    }
    if (!NT_SUCCESS(Status)) {
        IopAbandonRequest(Request);
        return Status;
    }
    PIRP Irp = IopAllocateRequestIrp(Request, Write ? IRP_MJ_WRITE : IRP_MJ_READ);
    if (Irp == NULL) {
        IopAbandonRequest(Request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    IopMarkTransfer(Irp, Request->File, Write);
    // Read and Write have one layout.
    Stack->Parameters.Read.Length = Length;
    Stack->Parameters.Read.Key = Key != NULL ? *Key : 0;
    Stack->Parameters.Read.ByteOffset = Offset;
    Status = IopSetTransferBuffer(Irp, Request->Device, Buffer, Length, Write);
    if (!NT_SUCCESS(Status)) {
        IopDiscardIrp(Irp);
        IopAbandonRequest(Request);
        return Status;
    }
    return IopSendRequest(Request, Irp);
}

NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                          PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                          ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    IOP_REQUEST Request = {
        .Iosb = IoStatusBlock, .ApcRoutine = ApcRoutine, .ApcContext = ApcContext};
    NTSTATUS Status = IopBeginRequest(&Request, FileHandle, Event);
    if (Status == STATUS_SUCCESS) {
        Status = IopTransfer(&Request, Buffer, Length, ByteOffset, Key, FALSE);
    }
    return Status;
}

NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                           ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    IOP_REQUEST Request = {
        .Iosb = IoStatusBlock, .ApcRoutine = ApcRoutine, .ApcContext = ApcContext};
    NTSTATUS Status = IopBeginRequest(&Request, FileHandle, Event);
    if (Status == STATUS_SUCCESS) {
        Status = IopTransfer(&Request, Buffer, Length, ByteOffset, Key, TRUE);
    }
    return Status;
}
