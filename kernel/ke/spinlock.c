/*
 * Spin locks.
 *
 * A lock word is 0 when free, else the address of the owning thread: enough to tell a thread that
 * takes a lock it holds (it would spin for ever) and one that releases a lock it does not hold. A
 * DPC or ISR runs in the name of the thread it interrupted; that thread cannot hold a lock taken at
 * or above the interrupt's level, so the test has no false alarms.
 *
 * These are the routines that run most often in the system, so the paths that everybody takes have
 * no frame and no instruction to spare; what is rare is behind a jump. Two turns make the checks
 * nearly free. The level before is PASSIVE_LEVEL most often, and that is the very 0 of a free word:
 * one compare-exchange asks for both, and whoever came from another level starts again slowly. And
 * a release subtracts the owner: 0 remains, which frees the lock, or else the caller was not the
 * owner.
 *
 * Waiting is test-and-test-and-set with PAUSE, so a waiter reads its own cache line copy and does
 * not eat an emulator's whole time slice.
 */
#include "ke.h"

static inline BOOLEAN KiTrySpinLock(PKSPIN_LOCK SpinLock)
{
    KSPIN_LOCK Free = 0;
    return __atomic_compare_exchange_n(SpinLock, &Free, (KSPIN_LOCK)KeGetCurrentThread(), FALSE,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static ARCH_COLD VOID NTAPI KiSpinUntilOwned(PKSPIN_LOCK SpinLock)
{
    KI_TRACE_POINT(LockWait, SpinLock, 0, 0);
    do {
        if (*(volatile KSPIN_LOCK *)SpinLock == (KSPIN_LOCK)KeGetCurrentThread()) {
            KeBugCheckEx(SPIN_LOCK_ALREADY_OWNED, (ULONG_PTR)SpinLock,
                         (ULONG_PTR)KeGetCurrentThread(), 0, 0);
        }
        while (*(volatile KSPIN_LOCK *)SpinLock != 0) {
            YieldProcessor();
        }
    } while (!KiTrySpinLock(SpinLock));
    KI_TRACE_POINT(LockGot, SpinLock, 0, 0);
}

/* The caller came from a level above PASSIVE_LEVEL, or the lock is taken. */
static ARCH_COLD KIRQL NTAPI KiAcquireSpinLockSlowly(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    if (OldIrql > DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)SpinLock, OldIrql, 0,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    if (!KiTrySpinLock(SpinLock)) {
        KiSpinUntilOwned(SpinLock);
    }
    return OldIrql;
}

static DECLSPEC_NORETURN ARCH_COLD VOID NTAPI KiReleasedByStranger(PKSPIN_LOCK SpinLock)
{
    PKTHREAD Thread = KeGetCurrentThread();

    KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)SpinLock, *SpinLock + (KSPIN_LOCK)Thread,
                 (ULONG_PTR)Thread, 0);
}

static DECLSPEC_NORETURN ARCH_COLD VOID NTAPI KiLevelTooLow(PKSPIN_LOCK SpinLock)
{
    KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, (ULONG_PTR)SpinLock, KeGetCurrentIrql(), 0,
                 (ULONG_PTR)__builtin_return_address(0));
}

/* FALSE: the caller did not own it. Not a locked instruction: nobody else changes a word that is
 * taken, a failing compare-exchange writes back what it has read. */
static inline BOOLEAN KiFreeSpinLock(PKSPIN_LOCK SpinLock)
{
    KiNoteUnlock(SpinLock);
    __asm__ volatile("" ::: "memory"); /* x86 keeps stores in order; the compiler shall, too */
    *SpinLock -= (KSPIN_LOCK)KeGetCurrentThread();
    return *SpinLock == 0;
}

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    ULONG64 OldIrql = __readcr8(), Word = OldIrql;

    KiPerturb();
    KiWriteRaisedIrql(DISPATCH_LEVEL);
    KiNoteLock(SpinLock, __builtin_return_address(0));
    if (!__atomic_compare_exchange_n(SpinLock, &Word, (KSPIN_LOCK)KeGetCurrentThread(), FALSE,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return KiAcquireSpinLockSlowly(SpinLock, (KIRQL)OldIrql);
    }
    return (KIRQL)Word; /* still the old level, and in the right register */
}

VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    if (!KiFreeSpinLock(SpinLock)) {
        KiReleasedByStranger(SpinLock);
    }
    KeLowerIrql(NewIrql);
}

VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL) {
        KiLevelTooLow(SpinLock);
    }
    KiNoteLock(SpinLock, __builtin_return_address(0));
    if (!KiTrySpinLock(SpinLock)) {
        KiSpinUntilOwned(SpinLock);
    }
}

VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    if (!KiFreeSpinLock(SpinLock)) {
        KiReleasedByStranger(SpinLock);
    }
    KiPerturb();
}

BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL) {
        KiLevelTooLow(SpinLock);
    }
    if (*(volatile KSPIN_LOCK *)SpinLock != 0 || !KiTrySpinLock(SpinLock)) {
        return FALSE;
    }
    KiNoteTriedLock(SpinLock, __builtin_return_address(0));
    return TRUE;
}

BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    return (BOOLEAN)(*(volatile KSPIN_LOCK *)SpinLock == 0);
}
