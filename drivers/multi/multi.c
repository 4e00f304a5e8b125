/*
 * multi.c - a mailbox with memory of several kinds, after chapter 8 of Windows Kernel Programming.
 *
 *   lookaside list   the messages: blocks of one size, that come and go all the time
 *   secure pool      the count of messages ever written: everybody can read it, and a stray pointer
 *                    cannot change it, because only ExSecurePoolUpdate can
 *
 * Lock guards the queue. The secure count has a lock of its own, a mutex: the update wants an IRQL
 * below DISPATCH_LEVEL.
 */
#include <ntddk.h>
#include "multi.h"

#define MULTI_TAG 'tluM'    /* "Mult" in memory */
#define MULTI_COOKIE 0x5EC0 /* what an update has to know */

typedef struct _MULTI_MESSAGE {
    LIST_ENTRY Link;
    ULONG Length;
    UCHAR Bytes[MULTI_MAXIMUM_BYTES];
} MULTI_MESSAGE, *PMULTI_MESSAGE;

typedef struct _MULTI_EXTENSION {
    LOOKASIDE_LIST_EX Lookaside; /* its own */
    KSPIN_LOCK Lock;
    LIST_ENTRY Messages; /* Lock */
    ULONG Waiting;       /* Lock */
    FAST_MUTEX CountLock;
    HANDLE Pool;        /* never changes */
    PULONGLONG Written; /* CountLock; in the secure pool */
} MULTI_EXTENSION, *PMULTI_EXTENSION;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD MultiUnload;
static DRIVER_DISPATCH MultiCreateClose, MultiRead, MultiWrite, MultiDeviceControl;

/*** The secure count. ***/

static POOL_EXTENDED_PARAMETER MultiSecureParameter(POOL_EXTENDED_PARAMS_SECURE_POOL *Secure)
{
    POOL_EXTENDED_PARAMETER Parameter = {.Type = PoolExtendedParameterSecurePool};

    Parameter.SecurePoolParams = Secure;
    return Parameter;
}

static NTSTATUS MultiCreateCount(PMULTI_EXTENSION Extension)
{
    ULONGLONG Zero = 0;
    POOL_EXTENDED_PARAMS_SECURE_POOL Secure = {
        .Buffer = &Zero, .Cookie = MULTI_COOKIE, .SecurePoolFlags = SECURE_POOL_FLAGS_MODIFIABLE};
    POOL_EXTENDED_PARAMETER Parameter;
    NTSTATUS Status;

    Status = ExCreatePool(POOL_CREATE_FLG_SECURE_POOL, MULTI_TAG, NULL, &Extension->Pool);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Secure.SecurePoolHandle = Extension->Pool;
    Parameter = MultiSecureParameter(&Secure);
    Extension->Written =
        ExAllocatePool3(POOL_FLAG_NON_PAGED, sizeof(Zero), MULTI_TAG, &Parameter, 1);
    if (Extension->Written == NULL) {
        ExDestroyPool(Extension->Pool);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

/* The block goes with its pool. */
static VOID MultiDeleteCount(PMULTI_EXTENSION Extension)
{
    ExDestroyPool(Extension->Pool);
}

static VOID MultiCountWritten(PMULTI_EXTENSION Extension)
{
    ULONGLONG Count;

    ExAcquireFastMutex(&Extension->CountLock);
    Count = *Extension->Written + 1;
    ExSecurePoolUpdate(Extension->Pool, MULTI_TAG, Extension->Written, MULTI_COOKIE, 0,
                       sizeof(Count), &Count);
    ExReleaseFastMutex(&Extension->CountLock);
}

/*** The queue. ***/

static NTSTATUS MultiPut(PMULTI_EXTENSION Extension, const VOID *Bytes, ULONG Length)
{
    PMULTI_MESSAGE Message;
    KIRQL OldIrql;
    BOOLEAN Room;

    if (Length == 0 || Length > MULTI_MAXIMUM_BYTES) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    Message = ExAllocateFromLookasideListEx(&Extension->Lookaside);
    if (Message == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Message->Length = Length;
    RtlCopyMemory(Message->Bytes, Bytes, Length);
    KeAcquireSpinLock(&Extension->Lock, &OldIrql);
    Room = Extension->Waiting < MULTI_MAXIMUM_MESSAGES;
    if (Room) {
        InsertTailList(&Extension->Messages, &Message->Link);
        Extension->Waiting++;
    }
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
    if (!Room) {
        ExFreeToLookasideListEx(&Extension->Lookaside, Message);
        return STATUS_QUOTA_EXCEEDED;
    }
    MultiCountWritten(Extension);
    return STATUS_SUCCESS;
}

/* Takes the oldest message out if it fits into Room bytes. */
static NTSTATUS MultiTake(PMULTI_EXTENSION Extension, ULONG Room, PMULTI_MESSAGE *Message)
{
    NTSTATUS Status = STATUS_NO_MORE_ENTRIES;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Extension->Lock, &OldIrql);
    if (!IsListEmpty(&Extension->Messages)) {
        *Message = CONTAINING_RECORD(Extension->Messages.Flink, MULTI_MESSAGE, Link);
        Status = STATUS_BUFFER_TOO_SMALL;
        if ((*Message)->Length <= Room) {
            RemoveEntryList(&(*Message)->Link);
            Extension->Waiting--;
            Status = STATUS_SUCCESS;
        }
    }
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
    return Status;
}

/*** The device. ***/

static NTSTATUS MultiInitialize(PMULTI_EXTENSION Extension)
{
    NTSTATUS Status = MultiCreateCount(Extension);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeSpinLock(&Extension->Lock);
    InitializeListHead(&Extension->Messages);
    ExInitializeFastMutex(&Extension->CountLock);
    Status = ExInitializeLookasideListEx(&Extension->Lookaside, NULL, NULL, NonPagedPoolNx, 0,
                                         sizeof(MULTI_MESSAGE), MULTI_TAG, 0);
    if (!NT_SUCCESS(Status)) {
        MultiDeleteCount(Extension);
    }
    return Status;
}

static VOID MultiDelete(PMULTI_EXTENSION Extension)
{
    while (!IsListEmpty(&Extension->Messages)) {
        PLIST_ENTRY Link = RemoveHeadList(&Extension->Messages);
        ExFreeToLookasideListEx(&Extension->Lookaside,
                                CONTAINING_RECORD(Link, MULTI_MESSAGE, Link));
    }
    ExDeleteLookasideListEx(&Extension->Lookaside);
    MultiDeleteCount(Extension);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(MULTI_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(MULTI_SYMLINK_NAME);
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, sizeof(MULTI_EXTENSION), &Name, MULTI_DEVICE, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DeviceObject->Flags |= DO_BUFFERED_IO;
    Status = MultiInitialize(DeviceObject->DeviceExtension);
    if (!NT_SUCCESS(Status)) {
        goto DeleteDevice;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        goto Delete;
    }
    DriverObject->DriverUnload = MultiUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MultiCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MultiCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = MultiRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = MultiWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MultiDeviceControl;
    return STATUS_SUCCESS;

Delete:
    MultiDelete(DeviceObject->DeviceExtension);
DeleteDevice:
    IoDeleteDevice(DeviceObject);
    return Status;
}

static VOID NTAPI MultiUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(MULTI_SYMLINK_NAME);

    IoDeleteSymbolicLink(&Link);
    MultiDelete(DriverObject->DeviceObject->DeviceExtension);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS MultiComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI MultiCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return MultiComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI MultiWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    NTSTATUS Status =
        MultiPut(DeviceObject->DeviceExtension, Irp->AssociatedIrp.SystemBuffer, Length);

    return MultiComplete(Irp, Status, NT_SUCCESS(Status) ? Length : 0);
}

static NTSTATUS NTAPI MultiRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PMULTI_EXTENSION Extension = DeviceObject->DeviceExtension;
    ULONG Room = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length, Length;
    PMULTI_MESSAGE Message;
    NTSTATUS Status = MultiTake(Extension, Room, &Message);

    if (!NT_SUCCESS(Status)) {
        return MultiComplete(Irp, Status, 0);
    }
    Length = Message->Length;
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Message->Bytes, Length);
    ExFreeToLookasideListEx(&Extension->Lookaside, Message);
    return MultiComplete(Irp, STATUS_SUCCESS, Length);
}

static VOID MultiQuery(PMULTI_EXTENSION Extension, PMULTI_STATE State)
{
    KIRQL OldIrql;

    *State = (MULTI_STATE){.Allocations = Extension->Lookaside.L.TotalAllocates,
                           .Misses = Extension->Lookaside.L.AllocateMisses};
    KeAcquireSpinLock(&Extension->Lock, &OldIrql);
    State->Waiting = Extension->Waiting;
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
    /* An update copies bytes: who looks meanwhile might see half of it. */
    ExAcquireFastMutex(&Extension->CountLock);
    State->Written = *Extension->Written;
    ExReleaseFastMutex(&Extension->CountLock);
}

static NTSTATUS NTAPI MultiDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PMULTI_EXTENSION Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    PMULTI_STATE State = Irp->AssociatedIrp.SystemBuffer;

    if (Location->Parameters.DeviceIoControl.IoControlCode != IOCTL_MULTI_QUERY) {
        return MultiComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (Location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*State)) {
        return MultiComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    MultiQuery(Extension, State);
    return MultiComplete(Irp, STATUS_SUCCESS, sizeof(*State));
}
