/*
 * Waiting for dispatcher objects.
 *
 * A waiting thread has one wait block per object, linked into that object's WaitListHead, and one
 * more for its timeout, linked into its own timer's. Whoever signals an object walks the object's
 * list under the dispatcher lock and gives the signal to the waiters it suffices for, so a thread
 * that wakes already has what it waited for: nobody can take it in between.
 *
 *      thread A: KeWaitForSingleObject(E)        processor 2: KeSetEvent(E)
 *        lock                                      (spins on the lock)
 *        E not signalled: block linked, Waiting
 *        switch to B, which unlocks      ------->  lock; SignalState = 1
 *                                                  KiWaitTest: A's block found; SignalState = 0
 *                                                  (synchronization event); A unlinked and ready,
 *        A runs: WaitStatus = STATUS_WAIT_0  <---  WaitStatus = its WaitKey; unlock
 *
 * There is no window in which a signal is lost: testing the object and going to sleep happen in one
 * hold of the lock, and so do signalling and waking. A kernel APC breaks a wait with
 * STATUS_KERNEL_APC; the wait starts over after it, with the original due time.
 */
#include "dispatch.h"
#include "timerwheel.h"

/* A wait that may block needs a thread context to block in; one that only polls does not (book
 * chapter 6). After a call with Wait = TRUE the IRQL is DISPATCH_LEVEL by that call's own doing:
 * what counts is WaitIrql, from before it. */
static void KiCheckWaitIrql(BOOLEAN Poll)
{
    KIRQL Irql = KeGetCurrentIrql();
    if (Irql < DISPATCH_LEVEL || (Poll && Irql == DISPATCH_LEVEL) ||
        KeGetCurrentThread()->WaitNext) {
        return;
    }
    if (KeGetCurrentPrcb()->DpcActive) {
        KeBugCheckEx(ATTEMPTED_SWITCH_FROM_DPC, (ULONG_PTR)KeGetCurrentThread(), 0, 0, 0);
    }
    KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, 0, Irql, 0, (ULONG_PTR)__builtin_return_address(0));
}

void KiPrepareWait(PKI_WAIT Wait, KWAIT_REASON Reason, KPROCESSOR_MODE Mode, BOOLEAN Alertable,
                   PLARGE_INTEGER Timeout)
{
    Wait->Reason = Reason;
    Wait->Mode = Mode;
    Wait->Alertable = Alertable;
    Wait->HasTimeout = (BOOLEAN)(Timeout != NULL);
    Wait->Poll = (BOOLEAN)(Timeout != NULL && Timeout->QuadPart == 0);
    KiCheckWaitIrql(Wait->Poll);
    if (!Wait->Poll) {
        KiCheckWaitLocks();
    }
    if (Wait->HasTimeout && !Wait->Poll) {
        Wait->DueTime100ns = KiComputeDueTime(*Timeout);
        Wait->SystemTime = max(Timeout->QuadPart, 0);
    }
}

void KiEnterWait(PKTHREAD Thread)
{
    if (Thread->WaitNext) {
        Thread->WaitNext = FALSE;
    } else {
        Thread->WaitIrql = KiLockDispatcher();
    }
}

NTSTATUS KiFinishWait(PKTHREAD Thread, NTSTATUS Status)
{
    KiUnlockDispatcher(Thread->WaitIrql);
    return Status;
}

BOOLEAN KiDeliverApcsBeforeWait(PKTHREAD Thread)
{
    if (!Thread->ApcState.KernelApcPending || Thread->SpecialApcDisable != 0 ||
        Thread->WaitIrql >= APC_LEVEL) {
        return FALSE;
    }
    /* The APC interrupt is pending on this processor, or on its way as an IPI: lowering takes it. */
    KiUnlockDispatcher(Thread->WaitIrql);
    Thread->WaitIrql = KiLockDispatcher();
    return TRUE;
}

NTSTATUS KiTestAlertWait(PKTHREAD Thread, KPROCESSOR_MODE Mode, BOOLEAN Alertable)
{
    if (Alertable) {
        if (Thread->Alerted[(UCHAR)Mode]) {
            Thread->Alerted[(UCHAR)Mode] = FALSE;
            return STATUS_ALERTED;
        }
        if (Mode == UserMode && !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode])) {
            Thread->ApcState.UserApcPending = TRUE;
            return STATUS_USER_APC;
        }
        if (Thread->Alerted[KernelMode]) {
            Thread->Alerted[KernelMode] = FALSE;
            return STATUS_ALERTED;
        }
    } else if (Mode == UserMode && Thread->ApcState.UserApcPending) {
        return STATUS_USER_APC;
    }
    return STATUS_SUCCESS;
}

/* The system time may have been set since the wait began, before an APC broke it perhaps: from here on
 * the thread's timer follows it. */
static void KiRenewAbsoluteDueTime(PKTHREAD Thread, PKI_WAIT Wait)
{
    Thread->Timer.Header.TimerControlFlags = 0;
    if (Wait->HasTimeout && !Wait->Poll && Wait->SystemTime != 0) {
        Wait->DueTime100ns = KiComputeDueTime((LARGE_INTEGER){.QuadPart = Wait->SystemTime});
        Thread->Timer.Header.TimerControlFlags = KI_TIMER_ABSOLUTE;
    }
}

BOOLEAN KiWaitEndsNow(PKTHREAD Thread, PKI_WAIT Wait, PNTSTATUS Status)
{
    *Status = KiTestAlertWait(Thread, Wait->Mode, Wait->Alertable);
    if (*Status != STATUS_SUCCESS) {
        return TRUE;
    }
    KiRenewAbsoluteDueTime(Thread, Wait);
    if (Wait->HasTimeout && (Wait->Poll || Wait->DueTime100ns <= KiQueryInterruptTime100ns())) {
        *Status = STATUS_TIMEOUT;
        return TRUE;
    }
    Thread->WaitMode = Wait->Mode;
    Thread->WaitReason = (UCHAR)Wait->Reason;
    Thread->Alertable = Wait->Alertable;
    return FALSE;
}

BOOLEAN KiIsSignalled(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    if (Object->SignalState > 0) {
        return TRUE;
    }
    return (BOOLEAN)(Object->Type == MutantObject &&
                     CONTAINING_RECORD(Object, KMUTANT, Header)->OwnerThread == Thread);
}

static NTSTATUS KiAcquireMutant(PKMUTANT Mutant, PKTHREAD Thread)
{
    /* Owned 2^31 times over: once more would wrap to a free one. */
    if (Mutant->Header.SignalState == -MAXLONG - 1) {
        KeBugCheckEx(THREAD_NOT_MUTEX_OWNER, (ULONG_PTR)Thread, (ULONG_PTR)Mutant, 1, 0);
    }
    Mutant->Header.SignalState -= 1;
    if (Mutant->Header.SignalState != 0) {
        return STATUS_SUCCESS; /* once more by its owner */
    }
    Mutant->OwnerThread = Thread;
    Thread->KernelApcDisable = (SHORT)(Thread->KernelApcDisable - Mutant->ApcDisable);
    InsertTailList(&Thread->MutantListHead, &Mutant->MutantListEntry);
    if (Mutant->Abandoned) {
        Mutant->Abandoned = FALSE;
        return STATUS_ABANDONED_WAIT_0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS KiSatisfyWait(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    switch (Object->Type) {
    case MutantObject:
        return KiAcquireMutant(CONTAINING_RECORD(Object, KMUTANT, Header), Thread);
    case SemaphoreObject:
        Object->SignalState -= 1;
        break;
    case EventSynchronizationObject:
    case GateObject:
    case TimerSynchronizationObject:
        Object->SignalState = 0;
        break;
    default: /* stays signalled for everybody */
        break;
    }
    return STATUS_SUCCESS;
}

static void KiLinkWaitBlock(PKWAIT_BLOCK Block, PKTHREAD Thread, PDISPATCHER_HEADER Object)
{
    Block->Thread = Thread;
    Block->Object = Object;
    InsertTailList(&Object->WaitListHead, &Block->WaitListEntry);
}

/* The timeout is one more object to wait for: the thread's own timer, with STATUS_TIMEOUT as key. */
static void KiStartWaitTimer(PKTHREAD Thread, ULONG64 DueTime100ns)
{
    PKWAIT_BLOCK Block = &Thread->WaitBlock[THREAD_WAIT_OBJECTS];
    Block->WaitKey = (USHORT)STATUS_TIMEOUT;
    Block->WaitType = WaitAny;
    Thread->Timer.Header.SignalState = 0;
    KiLinkWaitBlock(Block, Thread, &Thread->Timer.Header);
    KiInsertTimer(&Thread->Timer, DueTime100ns);
    Thread->WaitTimerActive = TRUE;
}

NTSTATUS KiBlockThread(PKTHREAD Thread, PKWAIT_BLOCK Blocks, ULONG Count,
                       const ULONG64 *DueTime100ns)
{
    for (ULONG i = 0; i < Count; i++) {
        KiLinkWaitBlock(&Blocks[i], Thread, Blocks[i].Object);
    }
    Thread->WaitBlockList = Blocks;
    Thread->WaitBlockCount = Count;
    if (DueTime100ns != NULL) {
        KiStartWaitTimer(Thread, *DueTime100ns);
    }
    Thread->State = Waiting;
    if (Thread->Queue != NULL) {
        KiQueueThreadBlocks(Thread);
    }
    KiSwitchAway();
    return (NTSTATUS)Thread->WaitStatus;
}

static void KiUnlinkWaitBlocks(PKTHREAD Thread)
{
    for (ULONG i = 0; i < Thread->WaitBlockCount; i++) {
        RemoveEntryList(&Thread->WaitBlockList[i].WaitListEntry);
    }
    Thread->WaitBlockCount = 0;
    if (Thread->WaitTimerActive) {
        Thread->WaitTimerActive = FALSE;
        RemoveEntryList(&Thread->WaitBlock[THREAD_WAIT_OBJECTS].WaitListEntry);
        KiRemoveTimer(&Thread->Timer);
    }
}

/* What the thread waited for gives it a head start over others of its base priority; the quantum
 * end takes it back step by step. Real-time priorities are left alone. */
static void KiBoostThread(PKTHREAD Thread, KPRIORITY Increment)
{
    KPRIORITY Boosted = min(Thread->BasePriority + Increment, LOW_REALTIME_PRIORITY - 1);
    if (Thread->Priority < LOW_REALTIME_PRIORITY && Boosted > Thread->Priority) {
        Thread->Priority = (SCHAR)Boosted;
    }
}

void KiUnwaitThread(PKTHREAD Thread, LONG_PTR WaitStatus, KPRIORITY Increment)
{
    KiUnlinkWaitBlocks(Thread);
    Thread->WaitStatus = WaitStatus;
    if (Thread->Queue != NULL) {
        KiQueueThreadWakes(Thread);
    }
    KiBoostThread(Thread, Increment);
    KiReadyThread(Thread);
}

static BOOLEAN KiAllSignalled(PKTHREAD Thread)
{
    for (ULONG i = 0; i < Thread->WaitBlockCount; i++) {
        if (!KiIsSignalled(Thread->WaitBlockList[i].Object, Thread)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Or-ing works because a status here is 0 or STATUS_ABANDONED_WAIT_0 (80h), above every index. */
static NTSTATUS KiSatisfyAll(PKTHREAD Thread)
{
    NTSTATUS Status = STATUS_SUCCESS;
    for (ULONG i = 0; i < Thread->WaitBlockCount; i++) {
        Status |= KiSatisfyWait(Thread->WaitBlockList[i].Object, Thread);
    }
    return Status;
}

/* Wakes the block's thread if the signal suffices for it; FALSE when it has to go on waiting. */
static BOOLEAN KiTryWake(PKWAIT_BLOCK Block, PDISPATCHER_HEADER Object, KPRIORITY Increment)
{
    PKTHREAD Thread = Block->Thread;
    NTSTATUS Status;
    if (Block->WaitType == WaitAny) {
        Status = Block->WaitKey | KiSatisfyWait(Object, Thread);
    } else if (KiAllSignalled(Thread)) {
        Status = KiSatisfyAll(Thread);
    } else {
        return FALSE;
    }
    KiUnwaitThread(Thread, Status, Increment);
    return TRUE;
}

void KiWaitTest(PDISPATCHER_HEADER Object, KPRIORITY Increment)
{
    PLIST_ENTRY Link = Object->WaitListHead.Flink;
    while (Object->SignalState > 0 && Link != &Object->WaitListHead) {
        PKWAIT_BLOCK Block = CONTAINING_RECORD(Link, KWAIT_BLOCK, WaitListEntry);
        if (KiTryWake(Block, Object, Increment)) {
            /* Its other blocks may have been in this list too: the next link is not to be trusted. */
            Link = Object->WaitListHead.Flink;
        } else {
            Link = Link->Flink;
        }
    }
}

void KiFinishSignal(KIRQL OldIrql, BOOLEAN Wait)
{
    if (Wait) {
        PKTHREAD Thread = KeGetCurrentThread();
        Thread->WaitNext = TRUE;
        Thread->WaitIrql = OldIrql;
        return;
    }
    KiUnlockDispatcher(OldIrql);
}
