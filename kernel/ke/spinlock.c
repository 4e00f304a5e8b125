/*
 * Spin locks.
 *
 * A lock word is 0 when free, else the owning thread's address with bit 0 set: enough to tell a
 * thread that takes a lock it holds (it would spin for ever) and one that releases a lock it does
 * not hold. A DPC or ISR runs in the name of the thread it interrupted; that thread cannot hold a
 * lock taken at or above the interrupt's level, so the test has no false alarms.
 *
 * Waiting is test-and-test-and-set with PAUSE, so a waiter reads its own cache line copy and does
 * not eat an emulator's whole time slice.
 */
#include "ke.h"

static inline KSPIN_LOCK KiSpinLockOwnerWord(void)
{
    return (KSPIN_LOCK)KeGetCurrentThread() | 1;
}

static inline BOOLEAN KiTrySpinLock(PKSPIN_LOCK SpinLock)
{
    KSPIN_LOCK Free = 0;
    return __atomic_compare_exchange_n(SpinLock, &Free, KiSpinLockOwnerWord(), FALSE,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void KiSpinUntilOwned(PKSPIN_LOCK SpinLock)
{
    while (!KiTrySpinLock(SpinLock)) {
        if (*(volatile KSPIN_LOCK *)SpinLock == KiSpinLockOwnerWord()) {
            KeBugCheckEx(SPIN_LOCK_ALREADY_OWNED, (ULONG_PTR)SpinLock,
                         (ULONG_PTR)KeGetCurrentThread(), 0, 0);
        }
        while (*(volatile KSPIN_LOCK *)SpinLock != 0) {
            YieldProcessor();
        }
    }
}

static inline void KiFreeSpinLock(PKSPIN_LOCK SpinLock)
{
    if (*(volatile KSPIN_LOCK *)SpinLock != KiSpinLockOwnerWord()) {
        KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)SpinLock, *SpinLock,
                     (ULONG_PTR)KeGetCurrentThread(), 0);
    }
    __atomic_store_n(SpinLock, 0, __ATOMIC_RELEASE);
}

static inline void KiRequireDispatchLevel(void)
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, 0, KeGetCurrentIrql(), 0,
                     (ULONG_PTR)__builtin_return_address(0));
    }
}

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    if (OldIrql > DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)SpinLock, OldIrql, 0,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    KiSpinUntilOwned(SpinLock);
    return OldIrql;
}

VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    KiFreeSpinLock(SpinLock);
    KeLowerIrql(NewIrql);
}

VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    KiRequireDispatchLevel();
    KiSpinUntilOwned(SpinLock);
}

VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    KiFreeSpinLock(SpinLock);
}

BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    KiRequireDispatchLevel();
    return KiTrySpinLock(SpinLock);
}

BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    return (BOOLEAN)(*(volatile KSPIN_LOCK *)SpinLock == 0);
}
