/*
 * exspinlock.c - spin locks that readers share.
 *
 * The word counts the readers; its top bit belongs to a writer. A writer takes the bit first and
 * then waits until the readers that are inside have left, and no reader enters while the bit is
 * set: readers in great number do not keep a writer away. So a processor that takes the lock shared
 * twice may wait for ever. The word has no room for owners; what can be told is a lock released
 * that is not held in that way.
 */
#include "ke.h"

#define EX_SPIN_EXCLUSIVE 0x80000000U

static ARCH_COLD DECLSPEC_NORETURN VOID NTAPI ExpSpinLockNotOwned(PEX_SPIN_LOCK SpinLock,
                                                                  ULONG Word)
{
    KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)SpinLock, Word, (ULONG_PTR)KeGetCurrentThread(),
                 0);
}

static ARCH_COLD DECLSPEC_NORETURN VOID NTAPI ExpSpinLevelTooLow(PEX_SPIN_LOCK SpinLock)
{
    KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, (ULONG_PTR)SpinLock, KeGetCurrentIrql(), 0,
                 (ULONG_PTR)__builtin_return_address(0));
}

static ARCH_COLD DECLSPEC_NORETURN VOID NTAPI ExpSpinLevelTooHigh(PEX_SPIN_LOCK SpinLock,
                                                                  KIRQL Irql)
{
    KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)SpinLock, Irql, 0,
                 (ULONG_PTR)__builtin_return_address(0));
}

static inline KIRQL ExpRaiseToSpin(PEX_SPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    if (OldIrql > DISPATCH_LEVEL) {
        ExpSpinLevelTooHigh(SpinLock, OldIrql);
    }
    return OldIrql;
}

static inline VOID ExpRequireDispatchLevel(PEX_SPIN_LOCK SpinLock)
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL) {
        ExpSpinLevelTooLow(SpinLock);
    }
}

static inline ULONG ExpReadSpin(PEX_SPIN_LOCK SpinLock)
{
    return __atomic_load_n((PULONG)SpinLock, __ATOMIC_RELAXED);
}

/* Changes the word from Old to New; FALSE when it was not Old. */
static inline BOOLEAN ExpSwapSpin(PEX_SPIN_LOCK SpinLock, ULONG Old, ULONG New)
{
    return __atomic_compare_exchange_n((PULONG)SpinLock, &Old, New, FALSE, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static ARCH_COLD VOID NTAPI ExpSpinForExclusive(PEX_SPIN_LOCK SpinLock)
{
    while ((__atomic_fetch_or((PULONG)SpinLock, EX_SPIN_EXCLUSIVE, __ATOMIC_ACQUIRE) &
            EX_SPIN_EXCLUSIVE) != 0) {
        while ((ExpReadSpin(SpinLock) & EX_SPIN_EXCLUSIVE) != 0) {
            YieldProcessor();
        }
    }
    while (__atomic_load_n((PULONG)SpinLock, __ATOMIC_ACQUIRE) != EX_SPIN_EXCLUSIVE) {
        YieldProcessor();
    }
}

static ARCH_COLD VOID NTAPI ExpSpinForShared(PEX_SPIN_LOCK SpinLock)
{
    for (;;) {
        ULONG Old = ExpReadSpin(SpinLock);

        if ((Old & EX_SPIN_EXCLUSIVE) != 0) {
            YieldProcessor();
        } else if (ExpSwapSpin(SpinLock, Old, Old + 1)) {
            return;
        }
    }
}

/* Debug kernels note who holds a lock by its address alone, so that its size does not matter. */
static inline VOID ExpTakeExclusive(PEX_SPIN_LOCK SpinLock)
{
    KiNoteLock((PKSPIN_LOCK)SpinLock, __builtin_return_address(0));
    if (!ExpSwapSpin(SpinLock, 0, EX_SPIN_EXCLUSIVE)) {
        ExpSpinForExclusive(SpinLock);
    }
}

static inline VOID ExpTakeShared(PEX_SPIN_LOCK SpinLock)
{
    ULONG Old = ExpReadSpin(SpinLock);

    if ((Old & EX_SPIN_EXCLUSIVE) != 0 || !ExpSwapSpin(SpinLock, Old, Old + 1)) {
        ExpSpinForShared(SpinLock);
    }
    KiNoteTriedLock((PKSPIN_LOCK)SpinLock, __builtin_return_address(0));
}

/* Another writer may have set the bit of a lock that is not ours: it is the readers that tell. */
static inline VOID ExpGiveExclusive(PEX_SPIN_LOCK SpinLock)
{
    ULONG Word = ExpReadSpin(SpinLock);

    if (Word != EX_SPIN_EXCLUSIVE) {
        ExpSpinLockNotOwned(SpinLock, Word);
    }
    KiNoteUnlock((PKSPIN_LOCK)SpinLock);
    __atomic_store_n((PULONG)SpinLock, 0, __ATOMIC_RELEASE);
    KiPerturb();
}

static inline VOID ExpGiveShared(PEX_SPIN_LOCK SpinLock)
{
    ULONG Old = __atomic_fetch_sub((PULONG)SpinLock, 1, __ATOMIC_RELEASE);

    if ((Old & ~EX_SPIN_EXCLUSIVE) == 0) {
        ExpSpinLockNotOwned(SpinLock, Old);
    }
    KiNoteUnlock((PKSPIN_LOCK)SpinLock);
    KiPerturb();
}

KIRQL NTAPI ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    KIRQL OldIrql = ExpRaiseToSpin(SpinLock);

    ExpTakeExclusive(SpinLock);
    return OldIrql;
}

VOID NTAPI ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    ExpGiveExclusive(SpinLock);
    KeLowerIrql(OldIrql);
}

VOID NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    ExpRequireDispatchLevel(SpinLock);
    ExpTakeExclusive(SpinLock);
}

VOID NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    ExpGiveExclusive(SpinLock);
}

KIRQL NTAPI ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock)
{
    KIRQL OldIrql = ExpRaiseToSpin(SpinLock);

    ExpTakeShared(SpinLock);
    return OldIrql;
}

VOID NTAPI ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    ExpGiveShared(SpinLock);
    KeLowerIrql(OldIrql);
}

VOID NTAPI ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    ExpRequireDispatchLevel(SpinLock);
    ExpTakeShared(SpinLock);
}

VOID NTAPI ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    ExpGiveShared(SpinLock);
}

/* Only while nobody else is inside: two readers that both want to become the writer would wait for
 * ever. */
LOGICAL NTAPI ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    ExpRequireDispatchLevel(SpinLock);
    return ExpSwapSpin(SpinLock, 1, EX_SPIN_EXCLUSIVE);
}
