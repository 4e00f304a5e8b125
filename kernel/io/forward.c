/*
 * forward.c - completion routines that drivers need not write: waiting for the lower driver, and
 * keeping one's own driver loaded until the routine has returned.
 */
#include "iop.h"

#define IOP_TAG_COMPLETION 0x43706F49 /* "IopC" */

/* The IRP is its sender's again. */
static NTSTATUS NTAPI IopCatchIrp(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    // Not only when PendingReturned says so: a driver that forgets the mark still answers
    // STATUS_PENDING.
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS NTAPI IoSynchronousCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KEVENT Event;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoSetCompletionRoutine(Irp, IopCatchIrp, &Event, TRUE, TRUE, TRUE);
    if (IofCallDriver(DeviceObject, Irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    return Irp->IoStatus.Status;
}

BOOLEAN NTAPI IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (Irp->CurrentLocation <= 1) {
        return FALSE;
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSynchronousCallDriver(DeviceObject, Irp);
    return TRUE;
}

/* What IoSetCompletionRoutineEx sets in the IRP instead of the driver's routine. */
typedef struct _IOP_SAFE_COMPLETION {
    PDEVICE_OBJECT Device; /* referenced */
    PIO_COMPLETION_ROUTINE Routine;
    PVOID Context;
    UCHAR Control; /* SL_INVOKE_ON_* */
} IOP_SAFE_COMPLETION, *PIOP_SAFE_COMPLETION;

/* Called in every case, so that the block and its reference go; the driver's routine as it asked.
 * The last reference may go while the driver's own routine would still be returning: here it
 * has. */
static NTSTATUS NTAPI IopSafeCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    IOP_SAFE_COMPLETION Safe = *(PIOP_SAFE_COMPLETION)Context;
    NTSTATUS Status = STATUS_CONTINUE_COMPLETION;
    KIRQL Before = KeGetCurrentIrql();
    ExFreePoolWithTag(Context, IOP_TAG_COMPLETION);
    if (IopWantsToKnow(Irp, Safe.Control)) {
        Status = Safe.Routine(DeviceObject, Irp, Safe.Context);
        IopCheckIrql((PVOID)Safe.Routine, NULL, Before);
    } else if (Irp->PendingReturned && Irp->CurrentLocation <= Irp->StackCount) {
        IoMarkIrpPending(Irp);
    }
    ObfDereferenceObject(Safe.Device);
    return Status;
}

NTSTATUS NTAPI IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                        PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                        BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                        BOOLEAN InvokeOnCancel)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    PIOP_SAFE_COMPLETION Safe =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Safe), IOP_TAG_COMPLETION);
    if (Safe == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ObfReferenceObject(DeviceObject);
    Safe->Device = DeviceObject;
    Safe->Routine = CompletionRoutine;
    Safe->Context = Context;
    Safe->Control = (UCHAR)((InvokeOnSuccess ? SL_INVOKE_ON_SUCCESS : 0) |
                            (InvokeOnError ? SL_INVOKE_ON_ERROR : 0) |
                            (InvokeOnCancel ? SL_INVOKE_ON_CANCEL : 0));
    IoSetCompletionRoutine(Irp, IopSafeCompletion, Safe, TRUE, TRUE, TRUE);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IofCallDriver(DeviceObject, Irp);
}

VOID NTAPI PoStartNextPowerIrp(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
}
