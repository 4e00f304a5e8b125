/*
 * dispatcherlock.h - taking and dropping KiDispatcherLock. Included by ke.h.
 *
 * Nearly every service of the kernel begins and ends with these, and nearly always the lock is free
 * and no other thread is to run. So this case is inline, and what else there is to do is behind a
 * call with the driver interface's calling convention, which lets routines of that interface do
 * without saved registers.
 */
#ifndef _DISPATCHERLOCK_H_
#define _DISPATCHERLOCK_H_

extern KSPIN_LOCK KiDispatcherLock;

/* The rest of KiLockDispatcher when the lock is taken, or the caller's IRQL too high (bugcheck). */
__attribute__((cold)) KIRQL NTAPI KiLockDispatcherSlowly(KIRQL OldIrql);
/* KiUnlockDispatcher in full; returns Value. */
LONG_PTR NTAPI KiUnlockDispatcherSlowly(KIRQL OldIrql, LONG_PTR Value);

/* Raises to DISPATCH_LEVEL and takes KiDispatcherLock; returns the old IRQL. */
static inline KIRQL KiLockDispatcher(void)
{
    KIRQL OldIrql;

    KiPerturb();
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    if (OldIrql > DISPATCH_LEVEL ||
        (__atomic_fetch_or(&KiDispatcherLock, 1, __ATOMIC_ACQUIRE) & 1) != 0) {
        return KiLockDispatcherSlowly(OldIrql);
    }
    KiNoteLock(&KiDispatcherLock, __builtin_return_address(0));
    return OldIrql;
}

/* Releases it, switching first to a thread that has become due here when OldIrql allows; lowers.
 * Value is passed on: a routine that ends with this call needs nothing after it. */
static inline LONG_PTR KiUnlockDispatcherReturning(KIRQL OldIrql, LONG_PTR Value)
{
    if (OldIrql >= DISPATCH_LEVEL || KeGetCurrentPrcb()->NextThread != NULL) {
        return KiUnlockDispatcherSlowly(OldIrql, Value);
    }
    KiNoteUnlock(&KiDispatcherLock);
    __atomic_store_n(&KiDispatcherLock, 0, __ATOMIC_RELEASE);
    KeLowerIrql(OldIrql);
    return Value;
}

static inline void KiUnlockDispatcher(KIRQL OldIrql)
{
    KiUnlockDispatcherReturning(OldIrql, 0);
}

#endif
