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

/* dpc.c: Prcb, this processor, has become idle. What is left in its queues is retired as soon as
 * the IRQL allows. */
void KiRetireBeforeIdle(PKPRCB Prcb);

/* priority.c */
void KiChangePriority(PKTHREAD Thread, KPRIORITY Priority);

/* wait.c */
/* Ends a signalling call: drops the lock, or keeps it for the wait that follows (Wait = TRUE). */
static inline void KiFinishSignal(KIRQL OldIrql, BOOLEAN Wait)
{
    if (Wait) {
        PKTHREAD Thread = KeGetCurrentThread();
        Thread->WaitNext = TRUE;
        Thread->WaitIrql = OldIrql;
        return;
    }
    KiUnlockDispatcher(OldIrql);
}

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
/* What an APC is for, to name it by. */
static inline PVOID KiRoutineOfApc(const KAPC *Apc)
{
    return Apc->NormalRoutine != NULL ? (PVOID)Apc->NormalRoutine : (PVOID)Apc->KernelRoutine;
}
/* KeInsertQueueApc with the lock held, for an APC whose arguments are set. */
BOOLEAN KiQueueApc(PKAPC Apc, KPRIORITY Increment);
/* A kernel APC could be delivered to the current thread if only the IRQL were low. Lock held. */
BOOLEAN KiIsKernelApcDue(PKTHREAD Thread);
/* The current thread ends: no more APCs are taken, and those that wait are delivered or run
 * down. */
void KiRundownApcs(PKTHREAD Thread);

#endif
