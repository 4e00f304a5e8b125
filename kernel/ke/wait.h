/*
 * wait.h - the steps of a wait, for the services in waitsvc.c and queue.c. Inline, because most
 * waits take few of them. What stands here is explained in wait.c.
 *
 * A service calls, in this order: KiPrepareWait, KiEnterWait; then, until it is over: lets APCs in
 * (KiDeliverApcsBeforeWait), looks at its objects (KiIsSignalled, KiSatisfyWait), looks for reasons
 * not to block (KiWaitEndsNow), blocks (KiBlockThread); at last KiFinishWait.
 */
#ifndef _KE_WAIT_H_
#define _KE_WAIT_H_

#include "dispatch.h"
#include "timerwheel.h"

/* What a caller asked of a wait. */
typedef struct _KI_WAIT {
    KWAIT_REASON Reason;
    KPROCESSOR_MODE Mode;
    BOOLEAN Alertable;
    BOOLEAN HasTimeout;
    BOOLEAN Poll;         /* a timeout of 0: never blocks */
    ULONG64 DueTime100ns; /* interrupt time */
    LONG64 SystemTime;    /* the absolute time that was asked for; 0: a relative one */
} KI_WAIT, *PKI_WAIT;

/* Bugchecks: a wait that may block needs a thread context to block in. */
DECLSPEC_NORETURN void KiWaitNotAllowed(KIRQL Irql, PVOID Caller);
/* Drops the lock for a moment in which pending kernel APCs run. */
void KiLetApcsIn(PKTHREAD Thread);
/* Alerts and user APCs that end an alertable wait at once; STATUS_SUCCESS when there are none. */
NTSTATUS KiTestAlertWait(PKTHREAD Thread, KPROCESSOR_MODE Mode, BOOLEAN Alertable);
/* The system time may have been set since the wait began, before an APC broke it perhaps: from here
 * on the thread's timer follows it. */
void KiRenewAbsoluteDueTime(PKTHREAD Thread, PKI_WAIT Wait);
NTSTATUS KiAcquireMutant(PKMUTANT Mutant, PKTHREAD Thread);
void KiStartWaitTimer(PKTHREAD Thread, ULONG64 DueTime100ns);

/* Reads the arguments and checks the IRQL rule; before KiEnterWait. A wait that may block needs a
 * thread context to block in; one that only polls does not (book chapter 6). After a call with Wait
 * = TRUE the IRQL is DISPATCH_LEVEL by that call's own doing: what counts is WaitIrql, from before
 * it. */
static inline void KiPrepareWait(PKI_WAIT Wait, KWAIT_REASON Reason, KPROCESSOR_MODE Mode,
                                 BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    KIRQL Irql = KeGetCurrentIrql();
    Wait->Reason = Reason;
    Wait->Mode = Mode;
    Wait->Alertable = Alertable;
    Wait->HasTimeout = (BOOLEAN)(Timeout != NULL);
    Wait->Poll = (BOOLEAN)(Timeout != NULL && Timeout->QuadPart == 0);
    if (Irql >= DISPATCH_LEVEL && !(Wait->Poll && Irql == DISPATCH_LEVEL) &&
        !KeGetCurrentThread()->WaitNext) {
        KiWaitNotAllowed(Irql, __builtin_return_address(0));
    }
    if (!Wait->Poll) {
        KiCheckWaitLocks();
    }
    if (Wait->HasTimeout && !Wait->Poll) {
        Wait->DueTime100ns = KiComputeDueTime(*Timeout);
        Wait->SystemTime = max(Timeout->QuadPart, 0);
    }
}

/* Begins a wait: raises and takes the lock, or inherits both from a call with Wait = TRUE. */
static inline void KiEnterWait(PKTHREAD Thread)
{
    if (Thread->WaitNext) {
        Thread->WaitNext = FALSE;
    } else {
        Thread->WaitIrql = KiLockDispatcher();
    }
}

static inline NTSTATUS KiFinishWait(PKTHREAD Thread, NTSTATUS Status)
{
    KiUnlockDispatcher(Thread->WaitIrql);
    return Status;
}

/* Lets pending kernel APCs run first; TRUE when that happened (the lock was dropped meanwhile). */
static inline BOOLEAN KiDeliverApcsBeforeWait(PKTHREAD Thread)
{
    if (!Thread->ApcState.KernelApcPending || Thread->SpecialApcDisable != 0 ||
        Thread->WaitIrql >= APC_LEVEL) {
        return FALSE;
    }
    KiLetApcsIn(Thread);
    return TRUE;
}

/* Nothing is signalled: reasons not to block after all. TRUE with *Status when there is one. */
static inline BOOLEAN KiWaitEndsNow(PKTHREAD Thread, PKI_WAIT Wait, PNTSTATUS Status)
{
    if (Wait->Alertable || Wait->Mode != KernelMode) {
        *Status = KiTestAlertWait(Thread, Wait->Mode, Wait->Alertable);
        if (*Status != STATUS_SUCCESS) {
            return TRUE;
        }
    }
    if (Wait->HasTimeout) {
        KiRenewAbsoluteDueTime(Thread, Wait);
        if (Wait->Poll || Wait->DueTime100ns <= KiQueryInterruptTime100ns()) {
            *Status = STATUS_TIMEOUT;
            return TRUE;
        }
    }
    Thread->WaitMode = Wait->Mode;
    Thread->WaitReason = (UCHAR)Wait->Reason;
    Thread->Alertable = Wait->Alertable;
    return FALSE;
}

static inline BOOLEAN KiIsSignalled(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    if (Object->SignalState > 0) {
        return TRUE;
    }
    return (BOOLEAN)(Object->Type == MutantObject &&
                     CONTAINING_RECORD(Object, KMUTANT, Header)->OwnerThread == Thread);
}

/* Takes the signal of a signalled object other than a mutant. */
static inline void KiTakeSignal(PDISPATCHER_HEADER Object)
{
    if (Object->Type == SemaphoreObject) {
        Object->SignalState -= 1;
    } else if (Object->Type == EventSynchronizationObject || Object->Type == GateObject ||
               Object->Type == TimerSynchronizationObject) {
        Object->SignalState = 0;
    } /* others stay signalled for everybody */
}

/* Takes the signal for Thread; STATUS_ABANDONED_WAIT_0 when it was an abandoned mutant, else 0. */
static inline NTSTATUS KiSatisfyWait(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    if (Object->Type == MutantObject) {
        return KiAcquireMutant(CONTAINING_RECORD(Object, KMUTANT, Header), Thread);
    }
    KiTakeSignal(Object);
    return STATUS_SUCCESS;
}

static inline void KiLinkWaitBlock(PKWAIT_BLOCK Block, PKTHREAD Thread, PDISPATCHER_HEADER Object)
{
    Block->Thread = Thread;
    Block->Object = Object;
    InsertTailList(&Object->WaitListHead, &Block->WaitListEntry);
}

/* Blocks on the prepared wait blocks (Count of them) until woken; answers the wait's status. */
static inline NTSTATUS KiBlockThread(PKTHREAD Thread, PKWAIT_BLOCK Blocks, ULONG Count,
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
    KI_TRACE_STORE(WaitBegin, Thread->State, Waiting, Thread, 0, 0);
    if (Thread->Queue != NULL) {
        KiQueueThreadBlocks(Thread);
    }
    KiSwitchAway();
    return (NTSTATUS)Thread->WaitStatus;
}

#endif
