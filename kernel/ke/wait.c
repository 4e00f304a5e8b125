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
#include "wait.h"

DECLSPEC_NORETURN void KiWaitNotAllowed(KIRQL Irql, PVOID Caller)
{
    if (KeGetCurrentPrcb()->DpcActive) {
        KeBugCheckEx(ATTEMPTED_SWITCH_FROM_DPC, (ULONG_PTR)KeGetCurrentThread(), 0, 0, 0);
    }
    KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, 0, Irql, 0, (ULONG_PTR)Caller);
}

void KiLetApcsIn(PKTHREAD Thread)
{
    /* The APC interrupt is pending on this processor, or on its way as an IPI: lowering takes
     * it. */
    KiUnlockDispatcher(Thread->WaitIrql);
    Thread->WaitIrql = KiLockDispatcher();
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

void KiRenewAbsoluteDueTime(PKTHREAD Thread, PKI_WAIT Wait)
{
    Thread->Timer.Header.TimerControlFlags = 0;
    if (!Wait->Poll && Wait->SystemTime != 0) {
        Wait->DueTime100ns = KiComputeDueTime((LARGE_INTEGER){.QuadPart = Wait->SystemTime});
        Thread->Timer.Header.TimerControlFlags = KI_TIMER_ABSOLUTE;
    }
}

NTSTATUS KiAcquireMutant(PKMUTANT Mutant, PKTHREAD Thread)
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

/* The timeout is one more object to wait for: the thread's own timer, with STATUS_TIMEOUT as
 * key. */
void KiStartWaitTimer(PKTHREAD Thread, ULONG64 DueTime100ns)
{
    PKWAIT_BLOCK Block = &Thread->WaitBlock[THREAD_WAIT_OBJECTS];
    Block->WaitKey = (USHORT)STATUS_TIMEOUT;
    Block->WaitType = WaitAny;
    Thread->Timer.Header.SignalState = 0;
    KiLinkWaitBlock(Block, Thread, &Thread->Timer.Header);
    KiInsertTimer(&Thread->Timer, DueTime100ns);
    Thread->WaitTimerActive = TRUE;
}

static inline void KiUnlinkWaitBlocks(PKTHREAD Thread)
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
static inline void KiBoostThread(PKTHREAD Thread, KPRIORITY Increment)
{
    KPRIORITY Boosted = min(Thread->BasePriority + Increment, LOW_REALTIME_PRIORITY - 1);
    if (Thread->Priority < LOW_REALTIME_PRIORITY && Boosted > Thread->Priority) {
        Thread->Priority = (SCHAR)Boosted;
    }
}

static inline void KiEndWait(PKTHREAD Thread, LONG_PTR WaitStatus, KPRIORITY Increment)
{
    KiUnlinkWaitBlocks(Thread);
    KI_TRACE_STORE(WaitEnd, Thread->WaitStatus, WaitStatus, Thread, WaitStatus, 0);
    if (Thread->Queue != NULL) {
        KiQueueThreadWakes(Thread);
    }
    KiBoostThread(Thread, Increment);
    KiReadyThreadAt(Thread, FALSE);
}

void KiUnwaitThread(PKTHREAD Thread, LONG_PTR WaitStatus, KPRIORITY Increment)
{
    KiEndWait(Thread, WaitStatus, Increment);
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
static inline BOOLEAN KiTryWake(PKWAIT_BLOCK Block, PDISPATCHER_HEADER Object, KPRIORITY Increment)
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
    KiEndWait(Thread, Status, Increment);
    return TRUE;
}

void KiWaitTest(PDISPATCHER_HEADER Object, KPRIORITY Increment)
{
    PLIST_ENTRY Link = Object->WaitListHead.Flink;
    while (Object->SignalState > 0 && Link != &Object->WaitListHead) {
        PKWAIT_BLOCK Block = CONTAINING_RECORD(Link, KWAIT_BLOCK, WaitListEntry);
        if (KiTryWake(Block, Object, Increment)) {
            /* Its other blocks may have been in this list too: the next link is not to be
             * trusted. */
            Link = Object->WaitListHead.Flink;
        } else {
            Link = Link->Flink;
        }
    }
}
