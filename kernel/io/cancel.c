/*
 * cancel.c - cancelling IRPs, and the list of IRPs that each thread has under way.
 *
 * A driver that keeps an IRP sets a cancel routine in it. Whoever takes the routine out, by an
 * atomic exchange, decides what becomes of the IRP: IoCancelIrp calls it, the driver goes on with
 * the IRP. The routine is called with IopCancelSpinLock held and has to release it, to the IRQL in
 * CancelIrql.
 *
 * A thread's list needs no lock: only the thread itself changes it, at APC_LEVEL, where completion
 * APCs, which take IRPs out, cannot interrupt.
 */
#include "iop.h"
#include "verify.h"

#define IOP_RUNDOWN_POLL_100NS 100000 /* 10 ms */
#define IOP_RUNDOWN_POLLS_A_SECOND 100
#define IOP_RUNDOWN_COMPLAINT 500 /* polls until it is worth a message */
#define IOP_RUNDOWN_SECONDS 300   /* until the thread ends without its requests */

KSPIN_LOCK IopCancelSpinLock;
KI_RANKED_LOCK(IopCancelSpinLock, LOCK_ORDER_IO_CANCEL);

VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql)
{
    *Irql = KeAcquireSpinLockRaiseToDpc(&IopCancelSpinLock);
}

VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql)
{
    KeReleaseSpinLock(&IopCancelSpinLock, Irql);
}

/* Cancel is set before the routine is taken: a driver that sets its routine too late for this
 * sees the flag, if it looks afterwards as it should. */
BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
    IOP_CONTEXT Context;
    KIRQL OldIrql;
    if (IopVerifying && !IopIsThere(Irp)) {
        IopViolation(IopCalledNoIrp, __builtin_return_address(0), Irp, 0);
    }
    if (Irp->Type != IO_TYPE_IRP) {
        IopViolation(IopCalledNoIrp, __builtin_return_address(0), Irp, (ULONG_PTR)Irp->Type);
    }
    IopNoteContext(&Context);
    IoAcquireCancelSpinLock(&OldIrql);
    Irp->Cancel = TRUE;
    PDRIVER_CANCEL Routine = IoSetCancelRoutine(Irp, NULL);
    if (Routine == NULL) {
        IoReleaseCancelSpinLock(OldIrql);
        return FALSE;
    }
    /* Completion leaves StackCount + 2 there, and nobody may have left a cancel routine behind. */
    if (Irp->CurrentLocation > Irp->StackCount + 1) {
        IopBadIrp(CANCEL_STATE_IN_COMPLETED_IRP, Irp, (PVOID)Routine, (ULONG_PTR)Routine, 0);
    }
    if (LdrFindModule((PVOID)Routine) == NULL) {
        IopViolation(IopCancelRoutineBad, IoGetCurrentIrpStackLocation(Irp)->DeviceObject, Irp,
                     (ULONG_PTR)Routine);
    }
    Irp->CancelIrql = OldIrql;
    Routine(IoGetCurrentIrpStackLocation(Irp)->DeviceObject, Irp);
    if (IopCancelSpinLock == (KSPIN_LOCK)KeGetCurrentThread()) {
        IopViolation(IopCancelLockHeld, (PVOID)Routine, Irp, (ULONG_PTR)&IopCancelSpinLock);
    }
    if (IopVerifying) {
        IopCheckContext(&Context, (PVOID)Routine, Irp);
    }
    IopCheckIrql((PVOID)Routine, Irp, OldIrql);
    return TRUE;
}

/* Before the first driver is called, since the IRP may be finished before that call returns. */
void IopQueueThreadIrp(PIRP Irp)
{
    KIRQL OldIrql = KfRaiseIrql(max(APC_LEVEL, KeGetCurrentIrql()));
    InsertHeadList(&Irp->Tail.Overlay.Thread->IrpList, &Irp->ThreadListEntry);
    KeLowerIrql(OldIrql);
}

void IopDequeueThreadIrp(PIRP Irp)
{
    KI_ASSERT(KeGetCurrentIrql() == APC_LEVEL);
    RemoveEntryList(&Irp->ThreadListEntry);
    InitializeListHead(&Irp->ThreadListEntry);
}

BOOLEAN IopIsThreadIrp(PIRP Irp)
{
    PLIST_ENTRY Head = &KeGetCurrentThread()->IrpList;
    KI_ASSERT(KeGetCurrentIrql() == APC_LEVEL);
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        if (CONTAINING_RECORD(Link, IRP, ThreadListEntry) == Irp) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Asks for every IRP in the current thread's list once; FALSE when the list is empty. */
static BOOLEAN IopCancelThreadIrps(PLIST_ENTRY Head)
{
    KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);
    BOOLEAN Any = !IsListEmpty(Head);
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        IoCancelIrp(CONTAINING_RECORD(Link, IRP, ThreadListEntry));
    }
    KeLowerIrql(OldIrql);
    return Any;
}

/* For who wonders why the thread, and perhaps a driver's unload, hangs. Another processor may be
 * completing the IRP: its APC takes the place of the pointer to the stack location, so that is
 * calculated. */
static void IopComplainAboutThread(PIRP Irp, const char *What)
{
    CHAR Start[80];
    PETHREAD Thread = KeGetCurrentThread();
    CHAR Location = *(volatile CHAR *)&Irp->CurrentLocation;
    PIO_STACK_LOCATION First = (PIO_STACK_LOCATION)(Irp + 1);
    PDEVICE_OBJECT Device =
        Location >= 1 && Location <= Irp->StackCount ? First[Location - 1].DeviceObject : NULL;
    LdrFormatAddress((PVOID)Thread->StartAddress, Start, sizeof(Start));
    KdPrintf("io: thread %u (%s) %s: driver %wZ keeps its IRP %p\n",
             (ULONG)(ULONG_PTR)Thread->Cid.UniqueThread, Start, What,
             Device != NULL ? &Device->DriverObject->DriverName : NULL, Irp);
}

/* Gives one IRP up: the thread ends, and whoever completes the IRP drops it. The thread object
 * stays, for drivers that look at the IRP's thread. FALSE: its completion is on its way. At
 * APC_LEVEL. */
static BOOLEAN IopOrphanIrp(PIRP Irp)
{
    PETHREAD Thread = KeGetCurrentThread();
    ObfReferenceObject(Thread);
    IopComplainAboutThread(Irp, "ends without its request");
    RemoveEntryList(&Irp->ThreadListEntry);
    InitializeListHead(&Irp->ThreadListEntry);
    if (__atomic_fetch_or(&Irp->AllocationFlags, IOP_IRP_ORPHANED, __ATOMIC_SEQ_CST) &
        IOP_IRP_COMPLETING) {
        InsertTailList(&Thread->IrpList, &Irp->ThreadListEntry);
        ObfDereferenceObject(Thread);
        return FALSE;
    }
    return TRUE;
}

static void IopOrphanThreadIrps(PLIST_ENTRY Head)
{
    KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);
    while (!IsListEmpty(Head) &&
           IopOrphanIrp(CONTAINING_RECORD(Head->Flink, IRP, ThreadListEntry))) {
    }
    KeLowerIrql(OldIrql);
}

/* The first IRP of the list may be gone as soon as APCs can come. */
static void IopComplainOnce(PLIST_ENTRY Head)
{
    KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);
    if (!IsListEmpty(Head)) {
        IopComplainAboutThread(CONTAINING_RECORD(Head->Flink, IRP, ThreadListEntry), "cannot end");
    }
    KeLowerIrql(OldIrql);
}

/* Windows, too, waits five minutes. The command line's iorundown=SECONDS is for tests. */
void IoCancelThreadIo(void)
{
    LARGE_INTEGER Interval = {.QuadPart = -IOP_RUNDOWN_POLL_100NS};
    PLIST_ENTRY Head = &KeGetCurrentThread()->IrpList;
    ULONG64 Seconds = IOP_RUNDOWN_SECONDS;
    ULONG64 Polls = 0;
    KI_ASSERT(KeGetCurrentIrql() == PASSIVE_LEVEL);
    /* An IRP without a cancel routine now may get one later, so those left are asked again. */
    while (IopCancelThreadIrps(Head)) {
        if (++Polls == IOP_RUNDOWN_COMPLAINT) {
            IopComplainOnce(Head);
        }
        if (Polls == 1) {
            KiQueryBootOption("iorundown", &Seconds);
        }
        if (Polls >= Seconds * IOP_RUNDOWN_POLLS_A_SECOND) {
            IopOrphanThreadIrps(Head);
        }
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
}
