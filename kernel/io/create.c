/*
 * create.c - opening devices: the path of a name leads to a device object, whose Parse routine this
 * is. It makes a file object and sends IRP_MJ_CREATE to the top of the device's stack.
 *
 * Until the driver has said yes, nobody else knows the file object, and File->DeviceObject is set
 * only then: IopDeleteFile sends a close for what was opened and for nothing else.
 */
#include "iop.h"
#include "sddl.h"

/* The rest of the path, as the driver sees it. */
static NTSTATUS IopCopyFileName(PFILE_OBJECT File, PUNICODE_STRING Name)
{
    if (Name->Length == 0) {
        return STATUS_SUCCESS;
    }
    File->FileName.Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Name->Length, IOP_TAG_NAME);
    if (File->FileName.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    File->FileName.MaximumLength = Name->Length;
    RtlCopyUnicodeString(&File->FileName, Name);
    return STATUS_SUCCESS;
}

/* The flags of a file object that say how it was opened. FILE_DELETE_ON_CLOSE is the file system's
 * business, which may refuse it. */
static ULONG IopFileFlags(ULONG CreateOptions, ULONG Attributes)
{
    static const struct {
        ULONG Option, Flags;
    } Table[] = {
        {FILE_SYNCHRONOUS_IO_ALERT, FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO},
        {FILE_SYNCHRONOUS_IO_NONALERT, FO_SYNCHRONOUS_IO},
        {FILE_WRITE_THROUGH, FO_WRITE_THROUGH},
        {FILE_SEQUENTIAL_ONLY, FO_SEQUENTIAL_ONLY},
        {FILE_RANDOM_ACCESS, FO_RANDOM_ACCESS},
        {FILE_NO_INTERMEDIATE_BUFFERING, FO_NO_INTERMEDIATE_BUFFERING},
    };
    ULONG Flags = Attributes & OBJ_CASE_INSENSITIVE ? 0 : FO_OPENED_CASE_SENSITIVE;
    for (ULONG i = 0; i < ARRAYSIZE(Table); i++) {
        Flags |= CreateOptions & Table[i].Option ? Table[i].Flags : 0;
    }
    return Flags;
}

/* Without a device yet; see IopParseDevice. */
static NTSTATUS IopCreateFileObject(PUNICODE_STRING Name, ULONG Flags, PFILE_OBJECT *NewFile)
{
    PFILE_OBJECT File;
    NTSTATUS Status = ObAllocateObject(IoFileObjectType, sizeof(*File), (PVOID *)&File);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    File->Type = IO_TYPE_FILE;
    File->Size = sizeof(*File);
    File->Flags = Flags;
    KeInitializeEvent(&File->Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&File->Event, NotificationEvent, FALSE);
    KeInitializeSpinLock(&File->IrpListLock);
    InitializeListHead(&File->IrpList);
    Status = IopCopyFileName(File, Name);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(File);
        return Status;
    }
    *NewFile = File;
    return STATUS_SUCCESS;
}

/* Security and Iosb are on the stack of the thread that waits for the answer. */
static void IopFillCreateIrp(PIRP Irp, PFILE_OBJECT File, PIOP_OPEN_PACKET Packet,
                             PIO_SECURITY_CONTEXT Security, PIO_STATUS_BLOCK Iosb)
{
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Irp->Flags = IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API | IRP_DEFER_IO_COMPLETION;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = File;
    Irp->RequestorMode = KernelMode;
    Irp->UserIosb = Iosb;
    Irp->Overlay.AllocationSize = Packet->AllocationSize;
    Irp->AssociatedIrp.SystemBuffer = Packet->EaBuffer;
    Stack->MajorFunction = IRP_MJ_CREATE;
    Stack->FileObject = File;
    Stack->Parameters.Create.SecurityContext = Security;
    Stack->Parameters.Create.Options =
        Packet->Disposition << 24 | (Packet->CreateOptions & 0xFFFFFF);
    Stack->Parameters.Create.FileAttributes = (USHORT)Packet->FileAttributes;
    Stack->Parameters.Create.ShareAccess = (USHORT)Packet->ShareAccess;
    Stack->Parameters.Create.EaLength = Packet->EaLength;
}

/* Sends the create to Device's stack and waits for the answer. The driver finds the device that was
 * named in File->DeviceObject. */
static NTSTATUS IopSendCreate(PDEVICE_OBJECT Device, PFILE_OBJECT File, PIOP_OPEN_PACKET Packet)
{
    /* Drivers see no generic rights. MAXIMUM_ALLOWED they do see. */
    IO_SECURITY_CONTEXT Security = {.DesiredAccess = IopMapGenericAccess(Packet->DesiredAccess),
                                    .FullCreateOptions = Packet->CreateOptions};
    IO_STATUS_BLOCK Iosb = {{STATUS_SUCCESS}, 0};
    PDEVICE_OBJECT Top = IopReferenceTop(Device);
    PIRP Irp = IoAllocateIrp(Top->StackSize, FALSE);
    if (Irp == NULL) {
        IopReleaseTop(Device, Top);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    IopFillCreateIrp(Irp, File, Packet, &Security, &Iosb);
    ObfReferenceObject(File); /* the IRP's, dropped when it is finished */
    IopQueueThreadIrp(Irp);
    NTSTATUS Status = IofCallDriver(Top, Irp);
    IopReleaseTop(Device, Top);
    if (Status == STATUS_PENDING) {
        IopCheckPending(Irp, File);
        KeWaitForSingleObject(&File->Event, Executive, KernelMode, FALSE, NULL);
    } else {
        Iosb = IopFinishNow(Irp, File, Status);
    }
    Packet->Information = Iosb.Information;
    /* Another name instead of a file: nobody here would follow it. */
    return Iosb.Status == STATUS_REPARSE ? STATUS_REPARSE_POINT_NOT_RESOLVED : Iosb.Status;
}

NTSTATUS IopParseDevice(PVOID ParseObject, PUNICODE_STRING RemainingName, ULONG Attributes,
                        PACCESS_MASK DesiredAccess, PVOID Context, PVOID *Object)
{
    PDEVICE_OBJECT Device = ParseObject;
    PIOP_OPEN_PACKET Packet = Context;
    PFILE_OBJECT File;
    if (Packet == NULL) {
        /* Somebody wants the device object, not to open it: then the path has to end here. */
        if (RemainingName->Length != 0) {
            return STATUS_OBJECT_TYPE_MISMATCH;
        }
        ObfReferenceObject(Device);
        *Object = Device;
        return STATUS_SUCCESS;
    }
    if (Packet->Signature != IOP_OPEN_SIGNATURE) {
        return STATUS_OBJECT_TYPE_MISMATCH; /* it is to be something else than a file */
    }
    NTSTATUS Status = IopReferenceDevice(Device, Packet->RelatedFile);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* The driver hears only of what will get its handle. */
    if (Attributes & OBJ_FORCE_ACCESS_CHECK) {
        Status = IopCheckOpen(Device, RemainingName->Length != 0 || Packet->RelatedFile != NULL,
                              DesiredAccess);
        Status = NT_SUCCESS(Status) ? ObCheckAccess(IoFileObjectType, Attributes, *DesiredAccess)
                                    : Status;
    }
    if (NT_SUCCESS(Status)) {
        Status = IopCreateFileObject(RemainingName, IopFileFlags(Packet->CreateOptions, Attributes),
                                     &File);
    }
    if (!NT_SUCCESS(Status)) {
        IopDereferenceDevice(Device);
        return Status;
    }
    File->DeviceObject = Device;
    File->RelatedFileObject = Packet->RelatedFile;
    Status = IopSendCreate(Device, File, Packet);
    File->RelatedFileObject = NULL; /* good during the create only: nothing keeps it longer */
    if (!NT_SUCCESS(Status)) {
        File->DeviceObject = NULL;
        ObfDereferenceObject(File);
        IopDereferenceDevice(Device);
        return Status;
    }
    File->Flags |= FO_FILE_OPEN;
    ObfReferenceObject(File);
    Packet->FileObject = File;
    Packet->Status = Status;
    *Object = File;
    return STATUS_SUCCESS;
}

/* A path relative to an open file leads to its device, which finds that file in
 * RelatedFileObject. */
NTSTATUS IopParseFile(PVOID ParseObject, PUNICODE_STRING RemainingName, ULONG Attributes,
                      PACCESS_MASK DesiredAccess, PVOID Context, PVOID *Object)
{
    PFILE_OBJECT Related = ParseObject;
    PIOP_OPEN_PACKET Packet = Context;
    if (Packet == NULL || Packet->Signature != IOP_OPEN_SIGNATURE) {
        return STATUS_OBJECT_TYPE_MISMATCH; /* only ZwCreateFile knows what to make of it */
    }
    Packet->RelatedFile = Related;
    return IopParseDevice(Related->DeviceObject, RemainingName, Attributes, DesiredAccess, Context,
                          Object);
}
