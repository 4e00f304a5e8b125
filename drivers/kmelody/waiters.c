/*
 * waiters.c - the IRPs that pend until the player is quiet, and how they are cancelled.
 *
 * WaitersLock guards the list; cancel routines run at DISPATCH_LEVEL, where a mutex cannot be had.
 * Whoever gets the cancel routine out of an IRP by IoSetCancelRoutine owns the IRP and completes
 * it. When the answer is NULL, IoCancelIrp has got it, and WaiterCancel runs or is about to, and
 * will complete the IRP. Its link is then left pointing at itself, so that removing it does no
 * harm.
 */
#include "player.h"

static DRIVER_CANCEL WaiterCancel;

/* Called with the cancel spin lock held, which the list does not need. */
static VOID NTAPI WaiterCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PMELODY_PLAYER Player = DeviceObject->DeviceExtension;
    LIST_ENTRY Cancelled;
    KIRQL OldIrql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&Player->WaitersLock, &OldIrql);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&Player->WaitersLock, OldIrql);

    InitializeListHead(&Cancelled);
    InsertTailList(&Cancelled, &Irp->Tail.Overlay.ListEntry);
    WaiterComplete(&Cancelled, STATUS_CANCELLED);
}

BOOLEAN WaiterInsert(PMELODY_PLAYER Player, PIRP Irp)
{
    BOOLEAN Cancelled;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Player->WaitersLock, &OldIrql);
    InsertTailList(&Player->Waiters, &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, WaiterCancel);
    /* Cancelled before there was a routine to call? */
    Cancelled = Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL;
    if (Cancelled) {
        RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    }
    KeReleaseSpinLock(&Player->WaitersLock, OldIrql);
    return !Cancelled;
}

void WaiterTake(PMELODY_PLAYER Player, PFILE_OBJECT FileObject, PLIST_ENTRY Taken)
{
    PLIST_ENTRY Link, Next;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Player->WaitersLock, &OldIrql);
    for (Link = Player->Waiters.Flink; Link != &Player->Waiters; Link = Next) {
        PIRP Irp = CONTAINING_RECORD(Link, IRP, Tail.Overlay.ListEntry);

        Next = Link->Flink;
        if (FileObject != NULL && IoGetCurrentIrpStackLocation(Irp)->FileObject != FileObject) {
            continue;
        }
        RemoveEntryList(Link);
        if (IoSetCancelRoutine(Irp, NULL) != NULL) {
            InsertTailList(Taken, Link);
        } else {
            InitializeListHead(Link);
        }
    }
    KeReleaseSpinLock(&Player->WaitersLock, OldIrql);
}

void WaiterComplete(PLIST_ENTRY Taken, NTSTATUS Status)
{
    while (!IsListEmpty(Taken)) {
        PIRP Irp = CONTAINING_RECORD(RemoveHeadList(Taken), IRP, Tail.Overlay.ListEntry);

        Irp->IoStatus.Status = Status;
        Irp->IoStatus.Information = 0;
        IoCompleteRequest(Irp, IO_SOUND_INCREMENT);
    }
}
