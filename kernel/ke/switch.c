/*
 * The dispatcher lock and switching threads.
 *
 * KiDispatcherLock is owned by a processor, not by a thread: it is held across the context switch
 * and the thread that is switched to releases it. So while a thread is being switched away from no
 * other processor can find it ready and run it on the stack that is still in use.
 *
 *      thread A                                   thread B (stopped here some time ago)
 *      KeWaitForSingleObject
 *        lock; not signalled; State = Waiting
 *        KiSwitchAway
 *          KiSwapContext  ------------------->      ... KiSwapContext returns
 *                                                   unlock; lower the IRQL; B goes on
 *
 * A new thread has no such call to return from; KiStartThread does its share.
 */
#include "dispatch.h"

KSPIN_LOCK KiDispatcherLock;
KI_RANKED_LOCK(KiDispatcherLock, LOCK_ORDER_DISPATCHER);

/* A bare word, without the owner that spinlock.c keeps in its locks: the thread that takes this
 * lock is often not the one that releases it. */
static inline void KiTakeDispatcherLock(void)
{
    KiNoteLock(&KiDispatcherLock, __builtin_return_address(0));
    if (__atomic_exchange_n(&KiDispatcherLock, 1, __ATOMIC_ACQUIRE) == 0) {
        return;
    }
    KI_TRACE_POINT(LockWait, &KiDispatcherLock, 0, 0);
    do {
        while (*(volatile KSPIN_LOCK *)&KiDispatcherLock != 0) {
            YieldProcessor();
        }
    } while (__atomic_exchange_n(&KiDispatcherLock, 1, __ATOMIC_ACQUIRE) != 0);
    KI_TRACE_POINT(LockGot, &KiDispatcherLock, 0, 0);
}

static inline void KiDropDispatcherLock(void)
{
    KiNoteUnlock(&KiDispatcherLock);
    __atomic_store_n(&KiDispatcherLock, 0, __ATOMIC_RELEASE);
}

KIRQL NTAPI KiLockDispatcherSlowly(KIRQL OldIrql)
{
    if (OldIrql > DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)&KiDispatcherLock, OldIrql, 1,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    KiTakeDispatcherLock();
    return OldIrql;
}

void KiLockDispatcherAtDpcLevel(void)
{
    KiTakeDispatcherLock();
}

void KiUnlockDispatcherFromDpcLevel(void)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    /* Inside the DPC loop a look at NextThread follows anyway. */
    if (Prcb->NextThread != NULL && !Prcb->DpcActive) {
        KiRequestDispatchInterrupt();
    }
    KiDropDispatcherLock();
}

LONG_PTR NTAPI KiUnlockDispatcherSlowly(KIRQL OldIrql, LONG_PTR Value)
{
    if (OldIrql >= DISPATCH_LEVEL) {
        KiUnlockDispatcherFromDpcLevel();
        return Value;
    }
    if (KeGetCurrentPrcb()->NextThread != NULL) {
        KiPreempt(KeGetCurrentPrcb(), FALSE);
    }
    KiDropDispatcherLock();
    KeLowerIrql(OldIrql);
    return Value;
}

/* This processor goes from its current thread to New. */
static void KiSwapThreads(PKPRCB Prcb, PKTHREAD New)
{
    PKTHREAD Old = Prcb->CurrentThread;

    KiCheckSwitchLocks();
    /* An interrupt from here to the swap finds New as the current thread, on Old's stack. None of
     * their handlers mind: at worst a tick is charged to New. */
    New->State = Running;
    New->NextProcessor = (UCHAR)Prcb->Number;
    New->ContextSwitches += 1;
    Prcb->ContextSwitches += 1;
    /* An interrupt in between would be told as the old thread's after the switch. */
    KI_TRACE_STORE_AT_ONCE(Switch, Prcb->CurrentThread, New, New, 0, 0);
    Prcb->QuantumEnd = FALSE; /* whatever it said was about Old */
    if (New == Prcb->IdleThread) {
        KiIdleSummary |= Prcb->SetMember;
        KiRetireBeforeIdle(Prcb);
    }
    /* Idle threads share the System process's tables: loading CR3 for them would only cost. */
    if (New->ApcState.Process != Old->ApcState.Process && /* see attach.c */
        New->ApcState.Process->DirectoryTableBase != Old->ApcState.Process->DirectoryTableBase) {
        __writecr3(New->ApcState.Process->DirectoryTableBase);
    }
    if (Old == Prcb->IdleThread) {
        KiIdleSummary &= ~Prcb->SetMember;
        KiProgramClock(Prcb); /* an idle processor has no tick armed; quanta need one */
    }
    KiSwapContext(&Old->KernelStack, New->KernelStack);
    /* Old again, on whatever processor chose it. An APC asked for while it was away waits here. */
    if (Old->ApcState.KernelApcPending) {
        KiRequestApcInterrupt();
    }
}

static PKTHREAD KiSelectNextThread(PKPRCB Prcb)
{
    PKTHREAD Next = Prcb->NextThread;
    Prcb->NextThread = NULL;
    if (Next == NULL) {
        Next = KiTakeReadyThread(Prcb, 0);
    }
    return Next != NULL ? Next : Prcb->IdleThread;
}

void KiSwitchAway(void)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKTHREAD Next = KiSelectNextThread(Prcb);
    if (Next == Prcb->CurrentThread) {
        Next->State = Running; /* preempted, and still the best */
        return;
    }
    KiSwapThreads(Prcb, Next);
}

void KiPreempt(PKPRCB Prcb, BOOLEAN QuantumEnded)
{
    PKTHREAD Old = Prcb->CurrentThread;
    if (Old != Prcb->IdleThread) {
        /* NextThread still stands, so Old is measured against it. A thread that was pushed aside
         * within its quantum goes first among its equals. */
        KiReadyThreadAt(Old, !QuantumEnded);
    }
    KiSwitchAway();
}

/* First C code of every thread: the lock is still held by this processor, see the top. */
void KiStartThread(KI_SYSTEM_ROUTINE *SystemRoutine, PKSTART_ROUTINE StartRoutine,
                   PVOID StartContext);
void KiStartThread(KI_SYSTEM_ROUTINE *SystemRoutine, PKSTART_ROUTINE StartRoutine,
                   PVOID StartContext)
{
    if (KeGetCurrentThread()->ApcState.KernelApcPending) {
        KiRequestApcInterrupt();
    }
    KiUnlockDispatcher(PASSIVE_LEVEL);
    SystemRoutine(StartRoutine, StartContext);
    KI_ASSERT(!"a thread's system routine returned");
}
