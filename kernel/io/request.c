/*
 * request.c - what ZwReadFile, ZwWriteFile and ZwDeviceIoControlFile share.
 *
 * A request refers to its file twice: once for the service that waits, and once for the IRP, whose
 * reference goes when the IRP is finished. On a synchronous file the request has the file's lock
 * from beginning to end, and the service answers the final status; otherwise STATUS_PENDING may be
 * the answer, and the event, the status block and the APC routine tell the rest.
 */
#include "iop.h"

/* Requests are finished by an APC to this thread: where none can come, a wait would never end. */
void IopCheckServiceContext(PVOID Caller)
{
    if (KeGetCurrentIrql() != PASSIVE_LEVEL || KeAreAllApcsDisabled()) {
        KeBugCheckEx(IRQL_GT_ZERO_AT_SYSTEM_SERVICE, (ULONG_PTR)Caller, KeGetCurrentIrql(),
                     KeAreAllApcsDisabled(), 0);
    }
}

/* The caller's event, referenced and cleared. */
static NTSTATUS IopReferenceEvent(HANDLE EventHandle, PKEVENT *Event)
{
    *Event = NULL;
    if (EventHandle == NULL) {
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(EventHandle, EVENT_MODIFY_STATE, ExEventObjectType,
                                                KernelMode, (PVOID *)Event, NULL);
    if (NT_SUCCESS(Status)) {
        KeClearEvent(*Event);
    }
    return Status;
}

NTSTATUS IopBeginRequest(PIOP_REQUEST Request, HANDLE FileHandle, HANDLE EventHandle)
{
    OBJECT_HANDLE_INFORMATION Information;
    IopCheckServiceContext(__builtin_return_address(0));
    NTSTATUS Status = ObReferenceObjectByHandle(FileHandle, 0, IoFileObjectType, KernelMode,
                                                (PVOID *)&Request->File, &Information);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Request->Granted = Information.GrantedAccess;
    Status = IopReferenceEvent(EventHandle, &Request->Event);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Request->File);
        return Status;
    }
    if (Request->File->Flags & FO_SYNCHRONOUS_IO) {
        Status = IopAcquireFileLock(Request->File, (Request->File->Flags & FO_ALERTABLE_IO) != 0);
        if (Status != STATUS_SUCCESS) {
            IopAbandonRequest(Request);
            return Status;
        }
        Request->Synchronous = TRUE;
    }
    Request->Device = IopReferenceTop(Request->File->DeviceObject);
    KeClearEvent(&Request->File->Event);
    return STATUS_SUCCESS;
}

void IopAbandonRequest(PIOP_REQUEST Request)
{
    if (Request->Device != NULL) {
        IopReleaseTop(Request->File->DeviceObject, Request->Device);
    }
    if (Request->Synchronous) {
        IopReleaseFileLock(Request->File);
    }
    if (Request->Event != NULL) {
        ObfDereferenceObject(Request->Event);
    }
    ObfDereferenceObject(Request->File);
}

/* IRP_DEFER_IO_COMPLETION: what is completed before the dispatch routine returns is finished by
 * IopFinishNow, which saves the APC. */
PIRP IopAllocateRequestIrp(PIOP_REQUEST Request, UCHAR MajorFunction)
{
    PIRP Irp = IoAllocateIrp(Request->Device->StackSize, FALSE);
    if (Irp == NULL) {
        return NULL;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Irp->Flags = IRP_DEFER_IO_COMPLETION;
    Irp->RequestorMode = KernelMode;
    Irp->UserIosb = Request->Iosb;
    Irp->UserEvent = Request->Event;
    Irp->Overlay.AsynchronousParameters.UserApcRoutine = Request->ApcRoutine;
    Irp->Overlay.AsynchronousParameters.UserApcContext = Request->ApcContext;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = Request->File;
    Stack->MajorFunction = MajorFunction;
    Stack->FileObject = Request->File;
    return Irp;
}

void IopDiscardIrp(PIRP Irp)
{
    IopFreeSystemBuffer(Irp);
    if (Irp->Tail.Overlay.AuxiliaryBuffer != NULL) {
        ExFreePool(Irp->Tail.Overlay.AuxiliaryBuffer);
    }
    IopFreeMdls(Irp);
    IoFreeIrp(Irp);
}

IO_STATUS_BLOCK IopFinishNow(PIRP Irp, PFILE_OBJECT File, NTSTATUS Returned)
{
    IO_STATUS_BLOCK Iosb;
    KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);
    PVOID Driver = (PVOID)File->DeviceObject->DriverObject->DriverInit;
    // A driver that has marked an IRP pending must answer STATUS_PENDING: else it is finished
    // twice, here and by its APC.
    if (!IopIsThreadIrp(Irp) || Irp->PendingReturned) {
        IopViolation(IopPendingNotReturned, Driver, Irp, (ULONG)Returned);
    }
    if (!(Irp->AllocationFlags & IOP_IRP_LEFT_TO_SENDER)) {
        IopViolation(IopNotCompleted, Driver, Irp, (ULONG)Returned);
    }
    Iosb = Irp->IoStatus;
    IopFinishIrp(Irp, File);
    KeLowerIrql(OldIrql);
    return Iosb;
}

void IopCheckPending(PIRP Irp, PFILE_OBJECT File)
{
    KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);
    // At APC_LEVEL an IRP that is still in the list stays there, and so is not freed.
    if (IopIsThreadIrp(Irp)) {
        UCHAR Flags =
            __atomic_fetch_or(&Irp->AllocationFlags, IOP_IRP_RETURNED_PENDING, __ATOMIC_SEQ_CST);
        if (Flags & IOP_IRP_LEFT_TO_SENDER) {
            IopViolation(IopPendingNotMarked, (PVOID)File->DeviceObject->DriverObject->DriverInit,
                         Irp, 0);
        }
    }
    KeLowerIrql(OldIrql);
}

/* An alert ended the wait for a request that is still under way: cancels it, waits for its end. */
static void IopCancelAlertedRequest(PFILE_OBJECT File, PIRP Irp)
{
    // The IRP cannot be finished, and so not freed, while this thread takes no APCs.
    KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);
    if (IopIsThreadIrp(Irp)) {
        IoCancelIrp(Irp);
    }
    KeLowerIrql(OldIrql);
    KeWaitForSingleObject(&File->Event, Executive, KernelMode, FALSE, NULL);
}

/* A kernel-mode wait: only a file opened with FILE_SYNCHRONOUS_IO_ALERT can be woken before the
 * end. */
static NTSTATUS IopWaitForRequest(PFILE_OBJECT File, PIRP Irp)
{
    BOOLEAN Alertable = (File->Flags & FO_ALERTABLE_IO) != 0;
    NTSTATUS Status = KeWaitForSingleObject(&File->Event, Executive, KernelMode, Alertable, NULL);
    if (Status == STATUS_ALERTED || Status == STATUS_USER_APC) {
        IopCancelAlertedRequest(File, Irp);
    }
    return File->FinalStatus;
}

NTSTATUS IopSendRequest(PIOP_REQUEST Request, PIRP Irp)
{
    PFILE_OBJECT File = Request->File;
    ObfReferenceObject(File);
    IopQueueThreadIrp(Irp);
    NTSTATUS Status = IofCallDriver(Request->Device, Irp);
    IopReleaseTop(File->DeviceObject, Request->Device);
    if (Status != STATUS_PENDING) {
        IopFinishNow(Irp, File, Status);
    } else {
        IopCheckPending(Irp, File);
        if (Request->Synchronous) {
            Status = IopWaitForRequest(File, Irp);
        }
    }
    if (Request->Synchronous) {
        IopReleaseFileLock(File);
    }
    ObfDereferenceObject(File);
    return Status;
}

/* A file that is not synchronous may have other requests under way, so this one has an event and a
 * status block of its own, on this stack, which the wait keeps valid. */
NTSTATUS IopSendRequestAndWait(PIOP_REQUEST Request, PIRP Irp)
{
    PFILE_OBJECT File = Request->File;
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    if (Request->Synchronous) {
        return IopSendRequest(Request, Irp);
    }
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->Flags |= IRP_SYNCHRONOUS_API;
    Irp->UserEvent = &Event;
    Irp->UserIosb = &Iosb;
    ObfReferenceObject(File);
    IopQueueThreadIrp(Irp);
    NTSTATUS Status = IofCallDriver(Request->Device, Irp);
    IopReleaseTop(File->DeviceObject, Request->Device);
    if (Status == STATUS_PENDING) {
        IopCheckPending(Irp, File);
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        Status = Iosb.Status;
        *Request->Iosb = Iosb;
    } else {
        Iosb = IopFinishNow(Irp, File, Status);
        if (!NT_ERROR(Iosb.Status)) {
            *Request->Iosb = Iosb;
        }
    }
    ObfDereferenceObject(File);
    return Status;
}
