/*
 * complete.c - the way up: what happens when a driver says that a request is done.
 *
 * IofCompleteRequest walks the stack locations back, upwards, and gives each driver that asked for
 * it a look (its completion routine). What is left after the top is the requester's: results are
 * copied to its buffers, its status block is filled and its event set. That must happen in the
 * requesting thread, whose address space the buffers are in and whose list has the IRP; but the
 * last driver completes wherever it happens to run, often in a DPC on another processor. So the
 * rest travels to the thread as a special kernel APC, in the IRP's own memory.
 *
 * An example: a filter F above a device driver D; a thread reads, the device interrupts later.
 *
 *     thread, PASSIVE_LEVEL                 another processor, DISPATCH_LEVEL
 *     ---------------------                 ---------------------------------
 *     ZwReadFile: IRP with 2 locations,
 *       in the thread's list
 *     IofCallDriver -> F, location 2
 *       F: next = copy of mine,
 *          completion routine Fc
 *       IofCallDriver -> D, location 1
 *         D: IoMarkIrpPending (location 1),
 *            starts the device
 *         <- STATUS_PENDING
 *       <- STATUS_PENDING
 *     waits for the file's event            D's DPC: IoStatus = ...; IofCompleteRequest
 *         :                                   location 1: PendingReturned = TRUE, since D
 *         :                                     marked it; Fc is called with it as F's:
 *         :                                     it hands the mark on: IoMarkIrpPending
 *         :                                     (location 2); <- STATUS_SUCCESS
 *         :                                   location 2: no routine; PendingReturned = TRUE
 *         :                                   past the top: KeInsertQueueApc(Irp->Tail.Apc)
 *     wakes, runs the APC at APC_LEVEL:     the DPC ends
 *       IopFinishIrp: buffer, status block,
 *       event, out of the list, freed
 *     goes on waiting, finds the event set
 *     <- the final status
 *
 * Had D completed at once, without marking the IRP, ZwReadFile (IRP_DEFER_IO_COMPLETION) would have
 * found it finished on return and called IopFinishIrp itself: no APC, no wait. And had Fc answered
 * STATUS_MORE_PROCESSING_REQUIRED, the walk would have stopped there, with the IRP F's again, until
 * F completes it once more.
 */
#include "iop.h"
#include "verify.h"

/* Drivers see this location no more; nothing of it may be taken for a later request's. All but the
 * file, which goes last. */
static void IopClearLocation(PIO_STACK_LOCATION Stack)
{
    Stack->MinorFunction = 0;
    Stack->Flags = 0;
    Stack->Control = 0;
    Stack->Parameters.Others.Argument1 = NULL;
    Stack->Parameters.Others.Argument2 = NULL;
    Stack->Parameters.Others.Argument3 = NULL;
    Stack->Parameters.Others.Argument4 = NULL;
}

/* Success and error by the status as it is now, which a routine below may have changed; cancel in
 * addition. */
BOOLEAN IopWantsToKnow(PIRP Irp, UCHAR Control)
{
    UCHAR Wanted = NT_SUCCESS(Irp->IoStatus.Status) ? SL_INVOKE_ON_SUCCESS : SL_INVOKE_ON_ERROR;
    return (Control & Wanted) != 0 || (Irp->Cancel && (Control & SL_INVOKE_ON_CANCEL) != 0);
}

/* What is going to be copied back must fit into the requester's buffer. */
static void IopCheckRoom(PIRP Irp, PIO_STACK_LOCATION First)
{
    ULONG Copies = IRP_BUFFERED_IO | IRP_INPUT_OPERATION;
    if ((Irp->Flags & Copies) == Copies && !NT_ERROR(Irp->IoStatus.Status) &&
        Irp->IoStatus.Information > IopSystemBufferRoom(Irp)) {
        PDRIVER_OBJECT Driver = First->DeviceObject->DriverObject;
        IopViolation(IopTooMuchData, (PVOID)Driver->MajorFunction[First->MajorFunction], Irp,
                     Irp->IoStatus.Information);
    }
}

/* Passes one location on the way up; FALSE when a completion routine took the IRP back. */
FORCEINLINE BOOLEAN IopPassLocation(PIRP Irp, PIO_STACK_LOCATION Stack, const BOOLEAN Verify)
{
    UCHAR Control = Stack->Control;
    PIO_COMPLETION_ROUTINE Routine = Stack->CompletionRoutine;
    PVOID Context = Stack->Context;
    // The routine belongs to the driver one location up; above the top it is the sender's own.
    BOOLEAN Top = Irp->CurrentLocation == Irp->StackCount + 1;
    PDEVICE_OBJECT Device = Top ? NULL : IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
    KIRQL Before = KeGetCurrentIrql();

    if (Top) {
        IopCheckRoom(Irp, Stack);
    }
    if (Verify) {
        IopVerifyPassing(Irp, (CHAR)(Irp->CurrentLocation - 1), Control);
    }
    Irp->PendingReturned = (Control & SL_PENDING_RETURNED) != 0;
    if (Routine == NULL || !IopWantsToKnow(Irp, Control)) {
        // Nobody else can hand the mark on to the location above.
        if (Irp->PendingReturned && !Top) {
            IoMarkIrpPending(Irp);
        }
        IopClearLocation(Stack);
        Stack->FileObject = NULL;
        return TRUE;
    }
    IopClearLocation(Stack);
    KI_TRACE_STORE(IrpRoutine, Stack->FileObject, NULL, Irp, Routine, 0);
    NTSTATUS Status =
        Verify ? IopVerifyRoutine(Device, Irp, Routine, Context) : Routine(Device, Irp, Context);
    if (KI_TRACE_IRQL(IrpRoutineEnd, Irp, Status, 0) != Before) {
        IopCheckIrql((PVOID)Routine, Irp, Before);
    }
    if (Status == STATUS_MORE_PROCESSING_REQUIRED) {
        return FALSE;
    }
    // Its dispatch routine has answered STATUS_PENDING as the lower one did: it must say so here.
    if ((Control & SL_PENDING_RETURNED) && !Top &&
        !(IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED)) {
        IopViolation(IopPendingNotHandedOn, (PVOID)Routine, Irp, Control);
    }
    return TRUE;
}

/* From the location that completes to above the top; FALSE when somebody has taken the IRP back. */
FORCEINLINE BOOLEAN IopWalkUpAs(PIRP Irp, const BOOLEAN Verify)
{
    while (Irp->CurrentLocation <= Irp->StackCount) {
        PIO_STACK_LOCATION Stack = Irp->Tail.Overlay.CurrentStackLocation++;
        Irp->CurrentLocation++;
        if (!IopPassLocation(Irp, Stack, Verify)) {
            return FALSE;
        }
    }
    return TRUE;
}

static ARCH_COLD BOOLEAN IopWalkUpVerified(PIRP Irp)
{
    return IopWalkUpAs(Irp, TRUE);
}

static BOOLEAN IopWalkUp(PIRP Irp)
{
    return IopWatching ? IopWalkUpVerified(Irp) : IopWalkUpAs(Irp, FALSE);
}

/* Caller is the routine that called IofCompleteRequest, the culprit if something is wrong. */
static void IopCheckCompletion(PIRP Irp, PVOID Caller)
{
    if (IopVerifying) {
        IopVerifyCompletion(Irp, Caller);
    }
    if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount + 1) {
        IopBadIrp(MULTIPLE_IRP_COMPLETE_REQUESTS, Irp, Caller, (ULONG_PTR)Caller, 0);
    }
    if (Irp->IoStatus.Status == STATUS_PENDING) {
        IopViolation(IopCompletedPending, Caller, Irp, (ULONG_PTR)Irp->IoStatus.Status);
    }
    if (Irp->CancelRoutine != NULL) {
        IopViolation(IopCompletedCancelable, Caller, Irp, (ULONG_PTR)Irp->CancelRoutine);
    }
}

/* A kernel routine without a normal one: a special APC, which comes even in a critical region. */
static VOID NTAPI IopCompletionApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                   PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument2);
    IopFinishIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc), *SystemArgument1);
}

/* The thread has ended: nobody is told, nobody gets the data. What the IRP held is given back. */
static void IopDropOrphan(PIRP Irp, PFILE_OBJECT File)
{
    PETHREAD Thread = Irp->Tail.Overlay.Thread;
    PKEVENT Event = File != NULL && !(Irp->Flags & IRP_SYNCHRONOUS_API) ? Irp->UserEvent : NULL;
    IopFreeSystemBuffer(Irp);
    IopFreeMdls(Irp);
    IoFreeIrp(Irp);
    if (Event != NULL) {
        ObfDereferenceObject(Event);
    }
    if (File != NULL) {
        ObfDereferenceObject(File);
    }
    ObfDereferenceObject(Thread); // see IopOrphanIrp
}

/* Sends the rest of the work to the IRP's thread. The APC overwrites Tail.Overlay. */
static void IopQueueCompletion(PIRP Irp, CCHAR PriorityBoost, PVOID Caller)
{
    PETHREAD Thread = Irp->Tail.Overlay.Thread;
    PFILE_OBJECT File = Irp->Tail.Overlay.OriginalFileObject;
    if (Thread == NULL) {
        IopViolation(IopCompletedWithoutThread, Caller, Irp, 0);
    }
    // A thread that ends waits for this request, or has given it up: one of the two knows.
    if (__atomic_fetch_or(&Irp->AllocationFlags, IOP_IRP_COMPLETING, __ATOMIC_SEQ_CST) &
        IOP_IRP_ORPHANED) {
        IopDropOrphan(Irp, File);
        return;
    }
    KeInitializeApc(&Irp->Tail.Apc, Thread, (KAPC_ENVIRONMENT)Irp->ApcEnvironment, IopCompletionApc,
                    NULL, NULL, KernelMode, NULL);
    BOOLEAN Queued = KeInsertQueueApc(&Irp->Tail.Apc, File, NULL, PriorityBoost);
    KI_ASSERT(Queued); // a thread does not end before its IRPs
}

/* Not marked pending: the dispatch routine is still running, and its caller will do the rest. */
static void IopLeaveToSender(PIRP Irp)
{
    PFILE_OBJECT File = Irp->Tail.Overlay.OriginalFileObject;
    UCHAR Flags =
        __atomic_fetch_or(&Irp->AllocationFlags, IOP_IRP_LEFT_TO_SENDER, __ATOMIC_SEQ_CST);
    if (Flags & IOP_IRP_RETURNED_PENDING) {
        IopViolation(IopPendingNotMarked, (PVOID)File->DeviceObject->DriverObject->DriverInit, Irp,
                     0);
    }
}

VOID NTAPI IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    KI_ASSERT_IRQL_IS_MAX(KI_TRACE_IRQL(IrpComplete, Irp, 0, 0), DISPATCH_LEVEL);
    IopCheckCompletion(Irp, __builtin_return_address(0));
    if (!IopWalkUp(Irp)) {
        return;
    }
    Irp->CurrentLocation = (CHAR)(Irp->StackCount + 2); // so that a second completion is noticed
    if (Irp->Tail.Overlay.AuxiliaryBuffer != NULL) {
        ExFreePool(Irp->Tail.Overlay.AuxiliaryBuffer); // the APC is going to overwrite the pointer
        Irp->Tail.Overlay.AuxiliaryBuffer = NULL;
    }
    if (Irp->Flags & IRP_ASSOCIATED_IRP) {
        IopFinishAssociatedIrp(Irp, PriorityBoost);
    } else if (Irp->Flags & IRP_CLOSE_OPERATION) {
        // The sender waits in its kernel code, with everything in non-paged memory: no APC needed.
        *Irp->UserIosb = Irp->IoStatus;
        KeSetEvent(Irp->UserEvent, PriorityBoost, FALSE);
    } else if (!(Irp->Flags & IRP_DEFER_IO_COMPLETION) || Irp->PendingReturned) {
        IopQueueCompletion(Irp, PriorityBoost, __builtin_return_address(0));
    } else {
        IopLeaveToSender(Irp);
    }
}

/* Buffered results reach the requester unless the request failed; a warning may come with data. */
static void IopCopyBack(PIRP Irp)
{
    if (!(Irp->Flags & IRP_BUFFERED_IO)) {
        return;
    }
    if ((Irp->Flags & IRP_INPUT_OPERATION) && !NT_ERROR(Irp->IoStatus.Status) &&
        Irp->IoStatus.Information != 0) {
        RtlCopyMemory(Irp->UserBuffer, Irp->AssociatedIrp.SystemBuffer, Irp->IoStatus.Information);
    }
    IopFreeSystemBuffer(Irp);
}

void IopFreeMdls(PIRP Irp)
{
    PMDL Mdl = Irp->MdlAddress;
    while (Mdl != NULL) {
        PMDL Next = Mdl->Next;
        if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
            MmUnlockPages(Mdl);
        }
        IoFreeMdl(Mdl);
        Mdl = Next;
    }
    Irp->MdlAddress = NULL;
}

/* Tells the requester. A failure that the dispatch routine returned at once is told by that
 * alone, as on Windows: no status block, no event. */
static void IopReportCompletion(PIRP Irp, PFILE_OBJECT File)
{
    if (NT_ERROR(Irp->IoStatus.Status) && !Irp->PendingReturned) {
        return;
    }
    if (Irp->UserIosb != NULL) {
        Irp->UserIosb->Information = Irp->IoStatus.Information;
        Irp->UserIosb->Status = Irp->IoStatus.Status;
    }
    if (Irp->UserEvent != NULL) {
        KeSetEvent(Irp->UserEvent, IO_NO_INCREMENT, FALSE);
    }
    if (File != NULL && (Irp->UserEvent == NULL || (File->Flags & FO_SYNCHRONOUS_IO))) {
        File->FinalStatus = Irp->IoStatus.Status;
        KeSetEvent(&File->Event, IO_NO_INCREMENT, FALSE);
    }
}

/* Runs before the requester's routine, which gets its arguments from a copy of the APC. */
static VOID NTAPI IopUserApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                             PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    IoFreeIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc));
}

static VOID NTAPI IopUserApcRundown(PKAPC Apc)
{
    IoFreeIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc));
}

/* The requester's own routine is called as an APC of its mode: for kernel callers a normal
 * kernel APC with (ApcContext, IoStatusBlock, 0). The IRP carries it and is freed on delivery. */
static BOOLEAN IopQueueUserApc(PIRP Irp, PFILE_OBJECT File)
{
    PIO_APC_ROUTINE Routine = Irp->Overlay.AsynchronousParameters.UserApcRoutine;
    BOOLEAN Synchronous = File != NULL && (File->Flags & FO_SYNCHRONOUS_IO) != 0;
    // A create has its allocation size in the routine's place.
    if (Routine == NULL || File == NULL || (Irp->Flags & IRP_CREATE_OPERATION) ||
        (NT_ERROR(Irp->IoStatus.Status) && (Synchronous || !Irp->PendingReturned))) {
        return FALSE;
    }
    KeInitializeApc(&Irp->Tail.Apc, KeGetCurrentThread(), CurrentApcEnvironment, IopUserApc,
                    IopUserApcRundown, (PKNORMAL_ROUTINE)(PVOID)Routine, Irp->RequestorMode,
                    Irp->Overlay.AsynchronousParameters.UserApcContext);
    return KeInsertQueueApc(&Irp->Tail.Apc, Irp->UserIosb, NULL, IO_NO_INCREMENT);
}

/* The order matters: data before status block, status block before event, and the IRP out of the
 * list before anybody is told, so that whoever hears of the end may end the thread. */
void IopFinishIrp(PIRP Irp, PFILE_OBJECT File)
{
    PKEVENT Event = Irp->UserEvent;
    /* Read before the IRP is freed. An event of a synchronous API call is on the caller's stack,
     * and has no reference. */
    BOOLEAN OwnsEvent = Event != NULL && File != NULL && !(Irp->Flags & IRP_SYNCHRONOUS_API);
    KI_ASSERT(KeGetCurrentIrql() == APC_LEVEL);
    IopCopyBack(Irp);
    IopFreeMdls(Irp);
    IopDequeueThreadIrp(Irp);
    IopReportCompletion(Irp, File);
    if (!IopQueueUserApc(Irp, File)) {
        IoFreeIrp(Irp);
    }
    if (OwnsEvent) {
        ObfDereferenceObject(Event);
    }
    if (File != NULL) {
        ObfDereferenceObject(File);
    }
}
