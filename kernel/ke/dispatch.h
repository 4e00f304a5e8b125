/*
 * dispatch.h - what the dispatcher's files share: the ready queues, the switch, and the rules of
 * signalling. Everything here wants KiDispatcherLock held unless it says otherwise.
 */
#ifndef _KE_DISPATCH_H_
#define _KE_DISPATCH_H_

#include "ke.h"

#define KI_IDLE_PRIORITY (-1)
#define KI_QUANTUM_PER_TICK 3
#define KI_DEFAULT_QUANTUM 6 /* two clock ticks, as Windows client editions */

/* ready.c */
extern KAFFINITY
    KiIdleSummary; /* d  processors that run their idle thread and have no NextThread */
void KiReadyThreadAt(PKTHREAD Thread, BOOLEAN AtHead);
void KiUnlinkReadyThread(PKTHREAD Thread);
/* Prcb has nothing to run next: what was chosen has been taken out, or nothing ever was. */
void KiClearNextThread(PKPRCB Prcb);
PKTHREAD KiTakeReadyThread(PKPRCB Prcb, KPRIORITY MinimumPriority);
/* Thread becomes ready on Prcb, whatever runs elsewhere: in its lists, or, if Prcb idles or Next is
 * TRUE, to run next. */
void KiReadyThreadOn(PKTHREAD Thread, PKPRCB Prcb, BOOLEAN Next);

/* switch.c */
/* The current thread stops running (its State says why): runs the best other thread, returns when
 * this one has been chosen again, with the dispatcher lock held, maybe on another processor. */
void KiSwitchAway(void);
/* The current thread gives way to Prcb->NextThread but stays ready. Returns as KiSwitchAway. */
void KiPreempt(PKPRCB Prcb, BOOLEAN QuantumEnded);
void KiSwapContext(PVOID *OldKernelStack, PVOID NewKernelStack);
void KiThreadStartup(void);

/* priority.c */
void KiChangePriority(PKTHREAD Thread, KPRIORITY Priority);

/* wait.c */
/* Begins a wait: raises and takes the lock, or inherits both from a call with Wait = TRUE. */
void KiEnterWait(PKTHREAD Thread);
/* Lets pending kernel APCs run first; TRUE when that happened (the lock was dropped meanwhile). */
BOOLEAN KiDeliverApcsBeforeWait(PKTHREAD Thread);
/* Alerts and user APCs that end an alertable wait at once; STATUS_SUCCESS when there are none. */
NTSTATUS KiTestAlertWait(PKTHREAD Thread, KPROCESSOR_MODE Mode, BOOLEAN Alertable);
/* Blocks on the prepared wait blocks (Count of them) until woken; answers the wait's status. */
NTSTATUS KiBlockThread(PKTHREAD Thread, PKWAIT_BLOCK Blocks, ULONG Count,
                       const ULONG64 *DueTime100ns);
BOOLEAN KiIsSignalled(PDISPATCHER_HEADER Object, PKTHREAD Thread);
/* Takes the signal for Thread; STATUS_ABANDONED_WAIT_0 when it was an abandoned mutant, else 0. */
NTSTATUS KiSatisfyWait(PDISPATCHER_HEADER Object, PKTHREAD Thread);
/* What a caller asked of a wait, in one place for the three wait services. */
typedef struct _KI_WAIT {
    KWAIT_REASON Reason;
    KPROCESSOR_MODE Mode;
    BOOLEAN Alertable;
    BOOLEAN HasTimeout;
    BOOLEAN Poll;         /* a timeout of 0: never blocks */
    ULONG64 DueTime100ns; /* interrupt time */
    LONG64 SystemTime;    /* the absolute time that was asked for; 0: a relative one */
} KI_WAIT, *PKI_WAIT;
/* Reads the arguments and checks the IRQL rule; call before KiEnterWait. */
void KiPrepareWait(PKI_WAIT Wait, KWAIT_REASON Reason, KPROCESSOR_MODE Mode, BOOLEAN Alertable,
                   PLARGE_INTEGER Timeout);
/* Nothing is signalled: reasons not to block after all. TRUE with *Status when there is one. */
BOOLEAN KiWaitEndsNow(PKTHREAD Thread, PKI_WAIT Wait, PNTSTATUS Status);
NTSTATUS KiFinishWait(PKTHREAD Thread, NTSTATUS Status);
/* Ends a signalling call: drops the lock, or keeps it for the wait that follows (Wait = TRUE). */
void KiFinishSignal(KIRQL OldIrql, BOOLEAN Wait);

/* mutant.c */
void KiReleaseMutant(PKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned);

/* queue.c: a thread of a queue blocks, wakes, leaves the queue for good. */
void KiQueueThreadBlocks(PKTHREAD Thread);
void KiQueueThreadWakes(PKTHREAD Thread);
void KiLeaveQueue(PKTHREAD Thread);

/* starve.c: starts the look for starving threads, once a second. */
void KiInitializeStarvationHelp(void);

/* suspend.c */
void KiInitializeSuspension(PKTHREAD Thread);

/* apc.c */
/* KeInsertQueueApc with the lock held, for an APC whose arguments are set. */
BOOLEAN KiQueueApc(PKAPC Apc, KPRIORITY Increment);
/* The current thread may have become able to take kernel APCs that wait: asks for the interrupt. */
void KiCheckForKernelApc(PKTHREAD Thread);
/* The current thread ends: no more APCs are taken, and those that wait are delivered or run down. */
void KiRundownApcs(PKTHREAD Thread);

#endif
