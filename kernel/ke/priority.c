/*
 * Priorities and quanta.
 *
 * A thread has a base priority and a current one. Waking from a wait may lift the current one above
 * the base, so that who waits a lot answers quickly; each quantum that the thread uses up takes it
 * one step back, a staircase down to the base, so that who computes a lot does not profit for long.
 * Priorities of 16 and up are real time: never boosted, never decayed. Both are guarded by
 * KiDispatcherLock.
 *
 * Quantum is counted down by the clock interrupt of the thread's processor, without the lock; a
 * store that races with it costs the thread one tick, more or less.
 */
#include "dispatch.h"

/* Prcb's running thread has lost importance: is somebody else's turn? */
static void KiReconsiderProcessor(PKPRCB Prcb)
{
    PKTHREAD Better;
    if (Prcb->NextThread != NULL) {
        return;
    }
    Better = KiTakeReadyThread(Prcb, Prcb->CurrentThread->Priority + 1);
    if (Better != NULL) {
        KiReadyThread(Better); /* finds Prcb, or an even weaker processor */
    }
}

void KiChangePriority(PKTHREAD Thread, KPRIORITY Priority)
{
    PKPRCB Prcb = KiProcessorBlock[Thread->NextProcessor];
    KPRIORITY Old = Thread->Priority;
    switch (Thread->State) {
    case Ready:
        KiUnlinkReadyThread(Thread); /* from the list of its old priority */
        Thread->Priority = (SCHAR)Priority;
        KiReadyThreadAt(Thread, FALSE);
        break;
    case Standby:
        Thread->Priority = (SCHAR)Priority;
        if (Priority < Old) {
            /* It gives its place back, the best of those that wait may take it, and then it looks
             * for a place like anybody else. */
            KiClearNextThread(Prcb);
            KiReconsiderProcessor(Prcb);
            KiReadyThreadAt(Thread, TRUE);
        }
        break;
    case Running:
        Thread->Priority = (SCHAR)Priority;
        if (Priority < Old) {
            KiReconsiderProcessor(Prcb);
        }
        break;
    default:
        Thread->Priority = (SCHAR)Priority;
        break;
    }
}

KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    KPRIORITY Old;
    KIRQL OldIrql;
    KI_ASSERT(Priority >= LOW_PRIORITY && Priority <= HIGH_PRIORITY);
    OldIrql = KiLockDispatcher();
    Old = Thread->Priority;
    if (Priority == LOW_PRIORITY && Thread->BasePriority != 0) {
        Priority = LOW_PRIORITY + 1; /* 0 is the zero page thread's alone */
    }
    if (Priority != Old) {
        Thread->Quantum = Thread->QuantumReset;
        KiChangePriority(Thread, Priority);
    }
    KiUnlockDispatcher(OldIrql);
    return Old;
}

KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread)
{
    return Thread->Priority;
}

/* The base that Increment over the process's base gives, kept within the process's class. */
static KPRIORITY KiComputeBase(PKPROCESS Process, LONG Increment)
{
    KPRIORITY Base = Process->BasePriority + Increment;
    if (Process->BasePriority >= LOW_REALTIME_PRIORITY) {
        return max(LOW_REALTIME_PRIORITY, min(Base, HIGH_PRIORITY));
    }
    return max(LOW_PRIORITY + 1, min(Base, LOW_REALTIME_PRIORITY - 1));
}

LONG NTAPI KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Old = Thread->BasePriority - Thread->Process->BasePriority;
    KPRIORITY Base = KiComputeBase(Thread->Process, Increment);
    Thread->BasePriority = (SCHAR)Base;
    if (Base != Thread->Priority) {
        Thread->Quantum = Thread->QuantumReset;
        KiChangePriority(Thread, Base);
    }
    KiUnlockDispatcher(OldIrql);
    return Old;
}

void KiUpdateRunTime(PKPRCB Prcb, BOOLEAN InDpc)
{
    PKTHREAD Thread = Prcb->CurrentThread;
    if (InDpc) {
        Prcb->DpcTicks += 1;
        return;
    }
    if (Thread == Prcb->IdleThread) {
        Prcb->IdleTicks += 1;
        return;
    }
    Prcb->KernelTicks += 1;
    Thread->KernelTime += 1;
    /* Not below 0: a thread that stays at DISPATCH_LEVEL gets many ticks before it is made to
     * yield. */
    Thread->Quantum = (SCHAR)max(Thread->Quantum - KI_QUANTUM_PER_TICK, 0);
    if (Thread->Quantum == 0) {
        Prcb->QuantumEnd = TRUE;
        KiRequestDispatchInterrupt();
    }
}

/* The current thread has used up its quantum: decay, and the turn of an equal if there is one. */
static void KiEndQuantum(PKPRCB Prcb)
{
    PKTHREAD Thread = Prcb->CurrentThread;
    Prcb->QuantumEnd = FALSE;
    if (Thread == Prcb->IdleThread || Thread->Quantum > 0) {
        return;
    }
    Thread->Quantum = Thread->QuantumReset;
    if (Thread->Priority < LOW_REALTIME_PRIORITY) {
        KPRIORITY Step = Thread->Starved ? Thread->Priority : 1;
        Thread->Priority = (SCHAR)max(Thread->Priority - Step, Thread->BasePriority);
        Thread->Starved = FALSE;
    }
    if (Prcb->NextThread == NULL) {
        PKTHREAD Equal = KiTakeReadyThread(Prcb, Thread->Priority);
        if (Equal != NULL) {
            Equal->State = Standby;
            Equal->NextProcessor = (UCHAR)Prcb->Number;
            Prcb->NextThread = Equal;
        }
    }
}

void KiDispatchReschedule(PKPRCB Prcb)
{
    BOOLEAN QuantumEnded = Prcb->QuantumEnd;
    /* Unlocked: whoever sets NextThread from another processor sends an interrupt after it. */
    if (!QuantumEnded && *(PKTHREAD volatile *)&Prcb->NextThread == NULL) {
        return;
    }
    KiLockDispatcherAtDpcLevel();
    if (QuantumEnded) {
        KiEndQuantum(Prcb);
    }
    if (Prcb->NextThread != NULL) {
        KiPreempt(Prcb, QuantumEnded);
    }
    KiUnlockDispatcherFromDpcLevel();
}

NTSTATUS NTAPI KeYieldExecution(void)
{
    KIRQL OldIrql = KiLockDispatcher();
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKTHREAD Thread = Prcb->CurrentThread;
    KI_ASSERT(OldIrql < DISPATCH_LEVEL);
    if (Prcb->NextThread == NULL) {
        Prcb->NextThread = KiTakeReadyThread(Prcb, Thread->Priority);
    }
    if (Prcb->NextThread != NULL) {
        Prcb->NextThread->State = Standby;
        Prcb->NextThread->NextProcessor = (UCHAR)Prcb->Number;
        Thread->Quantum = Thread->QuantumReset;
        KiPreempt(Prcb, TRUE);
    }
    KiUnlockDispatcher(OldIrql);
    return STATUS_SUCCESS;
}
