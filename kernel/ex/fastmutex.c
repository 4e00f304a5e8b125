/*
 * fastmutex.c - fast mutexes: a word, an owner, and an event for those who find it taken.
 *
 * Count has bit 0 set while the mutex is free, and one FM_WAITER for each waiter that has not been
 * chosen to be woken. Releasing with waiters chooses one: takes its FM_WAITER away, sets FM_WOKEN,
 * and sets the event, once; the woken thread clears FM_WOKEN when it tries again. While FM_WOKEN is
 * set nobody else is woken, so the event never counts too few or too many. The woken thread may
 * lose to one that comes by, and waits again: mutexes are not handed over, which keeps them fast.
 *
 * A holder runs with normal kernel APCs off (APC_LEVEL, or the caller's critical region), or an APC
 * of the same thread could wait for the mutex for ever.
 */
#include "ke.h"

#define FM_WOKEN 0x2
#define FM_WAITER 0x4
#define EX_SELF_DEADLOCK 0x1000 /* DRIVER_VERIFIER_DETECTED_VIOLATION: taken by its owner again */

static BOOLEAN ExpTryLock(PFAST_MUTEX Mutex)
{
    LONG Old = InterlockedAnd(&Mutex->Count, ~FM_LOCK_BIT);

    return (Old & FM_LOCK_BIT) != 0;
}

/* Takes the mutex if it is free, else counts this thread as a waiter. Woken: it was chosen
 * before. */
static BOOLEAN ExpLockOrWait(PFAST_MUTEX Mutex, BOOLEAN Woken)
{
    for (;;) {
        LONG Old = *(volatile LONG *)&Mutex->Count;
        LONG New = Woken ? Old & ~FM_WOKEN : Old;

        New = (Old & FM_LOCK_BIT) != 0 ? New & ~FM_LOCK_BIT : New + FM_WAITER;
        if (InterlockedCompareExchange(&Mutex->Count, New, Old) == Old) {
            return (Old & FM_LOCK_BIT) != 0;
        }
    }
}

static __attribute__((noinline)) void ExpLockContended(PFAST_MUTEX Mutex)
{
    BOOLEAN Woken = FALSE;

    if (Mutex->Owner == KeGetCurrentThread()) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, EX_SELF_DEADLOCK, (ULONG_PTR)Mutex, 0, 0);
    }
    InterlockedIncrement(&Mutex->Contention);
    while (!ExpLockOrWait(Mutex, Woken)) {
        KeWaitForSingleObject(&Mutex->Event, WrFastMutex, KernelMode, FALSE, NULL);
        Woken = TRUE;
    }
}

static void ExpLock(PFAST_MUTEX Mutex)
{
    if (!ExpTryLock(Mutex)) {
        ExpLockContended(Mutex);
    }
    Mutex->Owner = KeGetCurrentThread();
}

static void ExpUnlock(PFAST_MUTEX Mutex)
{
    LONG Old, New;

    if (Mutex->Owner != KeGetCurrentThread()) {
        KeBugCheckEx(THREAD_NOT_MUTEX_OWNER, (ULONG_PTR)KeGetCurrentThread(), (ULONG_PTR)Mutex,
                     (ULONG_PTR)Mutex->Owner, 0);
    }
    Mutex->Owner = NULL;
    do {
        Old = *(volatile LONG *)&Mutex->Count;
        New = Old | FM_LOCK_BIT;
        if (Old >= FM_WAITER && (Old & FM_WOKEN) == 0) {
            New = (New - FM_WAITER) | FM_WOKEN;
        }
    } while (InterlockedCompareExchange(&Mutex->Count, New, Old) != Old);
    if ((Old ^ New) & FM_WOKEN) {
        KeSetEvent(&Mutex->Event, EVENT_INCREMENT, FALSE);
    }
}

VOID NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    OldIrql = KfRaiseIrql(APC_LEVEL);
    ExpLock(FastMutex);
    FastMutex->OldIrql = OldIrql;
}

VOID NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = (KIRQL)FastMutex->OldIrql;

    KI_ASSERT(KeGetCurrentIrql() == APC_LEVEL);
    ExpUnlock(FastMutex);
    KeLowerIrql(OldIrql);
}

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    OldIrql = KfRaiseIrql(APC_LEVEL);
    if (!ExpTryLock(FastMutex)) {
        KeLowerIrql(OldIrql);
        return FALSE;
    }
    FastMutex->Owner = KeGetCurrentThread();
    FastMutex->OldIrql = OldIrql;
    return TRUE;
}

VOID NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    KI_ASSERT(KeGetCurrentIrql() == APC_LEVEL || KeAreApcsDisabled());
    ExpLock(FastMutex);
}

VOID NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    KI_ASSERT(KeGetCurrentIrql() == APC_LEVEL || KeAreApcsDisabled());
    ExpUnlock(FastMutex);
}
