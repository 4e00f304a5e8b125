/*
 * kidebug.h - what only the debug kernel (`make DEBUG=1`) has: checks that cost too much to be
 * always there, and the seeded random scheduler. In the release kernel every routine here is
 * nothing.
 *
 * Locks (ke/lockrank.c): each processor knows the spin locks it holds, in the order in which it
 * took them, and a lock of the kernel has a rank from lockorder.h. Objects (ke/reuse.c): memory
 * that still holds an armed timer, a queued DPC or an event with waiters is neither initialised
 * again nor freed. Schedules (ke/perturb.c): see there.
 */
#ifndef _KIDEBUG_H_
#define _KIDEBUG_H_

#include <ntddk.h>

/* First parameter of DRIVER_VERIFIER_DETECTED_VIOLATION. Windows' own numbers where it has some;
 * the others are far from them. The second to fourth are named here. */
#define KI_CHECK_LOCK_ORDER 0x1001 /* lock wanted, lock held, caller that took the held one */
#define KI_CHECK_INITIALIZED_TWICE 0x1005 /* object, thread that waits for it */
#define KI_CHECK_WAIT 0xE7000001          /* thread, lock held, caller that took it */
#define KI_CHECK_LOWERED 0xE7000002       /* new IRQL, lock held, caller that took it */
#define KI_CHECK_RETURNED 0xE7000003 /* routine that returned, lock held, caller that took it */

#if DBG

typedef struct _KI_LOCK_RANK {
    KSPIN_LOCK *Lock;
    const char *Name;
    ULONG64 Rank; /* LOCK_ORDER_* */
} KI_LOCK_RANK, *PKI_LOCK_RANK;

/* At file scope: Lock, a spin lock variable, has Rank. */
#define KI_RANKED_LOCK(LockName, RankValue)                                                        \
    static const KI_LOCK_RANK KiLockRank_##LockName                                                \
        __attribute__((used, aligned(8), section(".lockrank"))) = {&LockName, #LockName,           \
                                                                   RankValue}

/* Gives a lock inside an object its rank, until KiUnrankLock; Name is kept. Any IRQL. */
void KiRankLock(KSPIN_LOCK *Lock, const char *Name, ULONG Rank);
void KiUnrankLock(KSPIN_LOCK *Lock);
/* This processor is about to take a spin lock, for the caller at Caller: bugchecks when it holds
 * one of the same or a higher rank. IRQL >= DISPATCH_LEVEL or interrupts off. */
void KiNoteLock(KSPIN_LOCK *Lock, PVOID Caller);
/* It has got Lock without waiting, which may be done in any order. */
void KiNoteTriedLock(KSPIN_LOCK *Lock, PVOID Caller);
/* It does not hold Lock any more, or has not got it after all. */
void KiNoteUnlock(KSPIN_LOCK *Lock);
/* Locks that this processor holds. IRQL >= DISPATCH_LEVEL or interrupts off. */
ULONG KiCountHeldLocks(void);
/* A thread is about to wait, which it may not do while it holds a spin lock. Called
 * without locks of the kernel's own. Any IRQL. */
void KiCheckWaitLocks(void);
/* The current thread is left for another: only the dispatcher lock may be held. */
void KiCheckSwitchLocks(void);
/* Routine, called when Held locks were held, has returned: no more may be held now. */
void KiCheckReturnedLocks(PVOID Routine, ULONG Held);
/* Lowers the IRQL as KeLowerIrql does, and bugchecks when a spin lock is still held. */
void KiDropIrql(KIRQL NewIrql);
#define KeLowerIrql(NewIrql) KiDropIrql(NewIrql)

/* Bugchecks TIMER_OR_DPC_INVALID when [Start, Start + Length) holds an armed timer or a queued DPC.
 * Any IRQL. */
void KiCheckFreedMemory(PVOID Start, SIZE_T Length);
/* Bugchecks when the timer, DPC or event here, about to be initialised, is in use. Any IRQL. */
void KiCheckNewTimer(PKTIMER Timer);
void KiCheckNewDpc(PKDPC Dpc);
void KiCheckNewEvent(PKEVENT Event);

/* A point at which the seeded scheduler may choose to do something else first, as an interrupt
 * could at any instruction. Any IRQL. */
void KiPerturb(void);
/* From the dispatch interrupt, at DISPATCH_LEVEL, no locks: makes the switch chosen. */
void KiPerturbSwitch(struct _KPRCB *Prcb);
/* Interrupts off: when this processor's clock is to be armed for, not later than Next100ns. */
ULONG64 KiPerturbNextClock(struct _KPRCB *Prcb, ULONG64 Now100ns, ULONG64 Next100ns);
/* From the clock interrupt. */
void KiPerturbClock(struct _KPRCB *Prcb, ULONG64 Now100ns);
/* TRUE: a DPC that may wait for the next opportunity is to do so. DpcLock held. */
BOOLEAN KiPerturbDelaysDpc(void);
/* From here on locks are noted and checked. Once, PASSIVE_LEVEL. */
void KiStartLockChecks(void);
/* Starts the checks, and, if the command line has them, the schedule of `seed=N`, and with
 * `pageable=1` paged pool that vanishes. Phase 1, PASSIVE_LEVEL. */
void KiStartDebugging(void);

#else

#define KI_RANKED_LOCK(LockName, RankValue) C_ASSERT(RankValue != 0)
#define KiRankLock(Lock, Name, Rank) ((void)0)
#define KiUnrankLock(Lock) ((void)0)
#define KiNoteLock(Lock, Caller) ((void)0)
#define KiNoteTriedLock(Lock, Caller) ((void)0)
#define KiNoteUnlock(Lock) ((void)0)
#define KiCountHeldLocks() 0
#define KiCheckWaitLocks() ((void)0)
#define KiCheckSwitchLocks() ((void)0)
#define KiCheckReturnedLocks(Routine, Held) ((void)(Held))
#define KiCheckFreedMemory(Start, Length) ((void)0)
#define KiCheckNewTimer(Timer) ((void)0)
#define KiCheckNewDpc(Dpc) ((void)0)
#define KiCheckNewEvent(Event) ((void)0)
#define KiPerturb() ((void)0)
#define KiPerturbSwitch(Prcb) ((void)0)
#define KiPerturbNextClock(Prcb, Now100ns, Next100ns) (Next100ns)
#define KiPerturbClock(Prcb, Now100ns) ((void)0)
#define KiPerturbDelaysDpc() FALSE
#define KiStartDebugging() ((void)0)

#endif

#endif
