/*
 * csq.c - cancel-safe queues: the cancel routine's part of queueing IRPs, written once for all.
 *
 * An IRP in a queue has IopCancelQueuedIrp as its cancel routine and, in DriverContext[3], the
 * queue or the context that leads there; both begin with a ULONG that tells which. Whoever takes
 * the routine out by an atomic exchange owns the IRP: a removal takes it from the queue at once,
 * all under the queue's lock; a cancellation comes without that lock, and so takes it out a moment
 * later. In between the IRP is in the queue without a routine, and removals pass it over.
 *
 *     inserting                            cancelling
 *     lock, into the queue, routine set    Cancel = TRUE
 *     Cancel? then take the routine:       take the routine:
 *       got it: out of the queue, unlock,    got it: lock, out of the queue, unlock,
 *               complete                             complete
 *       not:    the canceller has it         not:    the inserter or a remover has it
 *
 * Setting the routine and reading Cancel, setting Cancel and taking the routine: each is ordered by
 * its exchange, so at least one of the two sees the other.
 */
#include "iop.h"

#define IOP_CSQ_SLOT 3 /* of Tail.Overlay.DriverContext */

static PIO_CSQ IopQueueOfIrp(PIRP Irp)
{
    PVOID Owner = Irp->Tail.Overlay.DriverContext[IOP_CSQ_SLOT];
    return *(PULONG)Owner == IO_TYPE_CSQ_IRP_CONTEXT ? ((PIO_CSQ_IRP_CONTEXT)Owner)->Csq : Owner;
}

/* Its routine has been taken, the lock is held: the IRP leaves the queue, its context forgets
 * it. */
static void IopUnqueueIrp(PIO_CSQ Csq, PIRP Irp)
{
    PIO_CSQ_IRP_CONTEXT Context = Irp->Tail.Overlay.DriverContext[IOP_CSQ_SLOT];
    Csq->CsqRemoveIrp(Csq, Irp);
    if (Context->Type == IO_TYPE_CSQ_IRP_CONTEXT) {
        Context->Irp = NULL;
    }
    Irp->Tail.Overlay.DriverContext[IOP_CSQ_SLOT] = NULL;
}

/* The cancel lock is given back first: the queue's lock, which may be anything, guards the rest. */
static VOID NTAPI IopCancelQueuedIrp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_CSQ Csq = IopQueueOfIrp(Irp);
    KIRQL OldIrql;
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Csq->CsqAcquireLock(Csq, &OldIrql);
    IopUnqueueIrp(Csq, Irp);
    Csq->CsqReleaseLock(Csq, OldIrql);
    Csq->CsqCompleteCanceledIrp(Csq, Irp);
}

NTSTATUS NTAPI IoCsqInitialize(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP CsqInsertIrp,
                               PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                               PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                               PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                               PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                               PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    *Csq = (IO_CSQ){.Type = IO_TYPE_CSQ,
                    .CsqInsertIrp = CsqInsertIrp,
                    .CsqRemoveIrp = CsqRemoveIrp,
                    .CsqPeekNextIrp = CsqPeekNextIrp,
                    .CsqAcquireLock = CsqAcquireLock,
                    .CsqReleaseLock = CsqReleaseLock,
                    .CsqCompleteCanceledIrp = CsqCompleteCanceledIrp};
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP_EX CsqInsertIrpEx,
                                 PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                                 PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                                 PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                                 PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                                 PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    // One field for both kinds of routine, as the layout has it; Type says which.
    IoCsqInitialize(Csq, (PIO_CSQ_INSERT_IRP)(PVOID)CsqInsertIrpEx, CsqRemoveIrp, CsqPeekNextIrp,
                    CsqAcquireLock, CsqReleaseLock, CsqCompleteCanceledIrp);
    Csq->Type = IO_TYPE_CSQ_EX;
    return STATUS_SUCCESS;
}

static NTSTATUS IopCallInsert(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext)
{
    if (Csq->Type == IO_TYPE_CSQ_EX) {
        return ((PIO_CSQ_INSERT_IRP_EX)(PVOID)Csq->CsqInsertIrp)(Csq, Irp, InsertContext);
    }
    Csq->CsqInsertIrp(Csq, Irp);
    return STATUS_SUCCESS;
}

static void IopTieToQueue(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    Irp->Tail.Overlay.DriverContext[IOP_CSQ_SLOT] = Context != NULL ? (PVOID)Context : Csq;
    if (Context != NULL) {
        *Context = (IO_CSQ_IRP_CONTEXT){IO_TYPE_CSQ_IRP_CONTEXT, Irp, Csq};
    }
}

/* The insertion has been refused: nobody else has seen the IRP. */
static void IopUntieFromQueue(PIRP Irp, PIO_CSQ_IRP_CONTEXT Context, UCHAR Control)
{
    IoGetCurrentIrpStackLocation(Irp)->Control = Control;
    Irp->Tail.Overlay.DriverContext[IOP_CSQ_SLOT] = NULL;
    if (Context != NULL) {
        Context->Irp = NULL;
    }
}

NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context,
                                PVOID InsertContext)
{
    KIRQL OldIrql;
    IopCheckQueueable(Irp, __builtin_return_address(0));
    Csq->CsqAcquireLock(Csq, &OldIrql);
    UCHAR Control = IoGetCurrentIrpStackLocation(Irp)->Control;
    IopTieToQueue(Csq, Irp, Context);
    // Before it is in the queue, since the mark is part of what the next owner must find.
    IoMarkIrpPending(Irp);
    NTSTATUS Status = IopCallInsert(Csq, Irp, InsertContext);
    if (!NT_SUCCESS(Status)) {
        IopUntieFromQueue(Irp, Context, Control);
        Csq->CsqReleaseLock(Csq, OldIrql);
        return Status;
    }
    IoSetCancelRoutine(Irp, IopCancelQueuedIrp);
    BOOLEAN Cancelled = Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL;
    if (Cancelled) {
        IopUnqueueIrp(Csq, Irp);
    }
    Csq->CsqReleaseLock(Csq, OldIrql);
    // Without Cancelled the IRP may be gone by now.
    if (Cancelled) {
        Csq->CsqCompleteCanceledIrp(Csq, Irp);
    }
    return Status;
}

VOID NTAPI IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    IopCheckQueueable(Irp, __builtin_return_address(0));
    IoCsqInsertIrpEx(Csq, Irp, Context, NULL);
}

PIRP NTAPI IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context)
{
    KIRQL OldIrql;
    Csq->CsqAcquireLock(Csq, &OldIrql);
    // An IRP that the context still has is in the queue, and cannot go while the lock is held.
    PIRP Irp = Context->Irp;
    if (Irp != NULL && IoSetCancelRoutine(Irp, NULL) == NULL) {
        Irp = NULL;
    }
    if (Irp != NULL) {
        IopUnqueueIrp(Csq, Irp);
    }
    Csq->CsqReleaseLock(Csq, OldIrql);
    return Irp;
}

PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext)
{
    KIRQL OldIrql;
    PIRP Irp = NULL;
    Csq->CsqAcquireLock(Csq, &OldIrql);
    do {
        Irp = Csq->CsqPeekNextIrp(Csq, Irp, PeekContext);
    } while (Irp != NULL && IoSetCancelRoutine(Irp, NULL) == NULL);
    if (Irp != NULL) {
        IopUnqueueIrp(Csq, Irp);
    }
    Csq->CsqReleaseLock(Csq, OldIrql);
    return Irp;
}
