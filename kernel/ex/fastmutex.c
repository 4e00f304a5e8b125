/*
 * fastmutex.c - fast mutexes. What they share with guarded mutexes is in fastmutex.h, with the
 * model.
 *
 * A holder runs with normal kernel APCs off (APC_LEVEL, or the caller's critical region), or an APC
 * of the same thread could wait for the mutex for ever. The paths of an uncontended mutex have no
 * frame: everything else is a jump to a routine of its own.
 */
#include "fastmutex.h"

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

void ExpLockMutexSlowly(PFAST_MUTEX Mutex)
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

void ExpUnlockMutexSlowly(PFAST_MUTEX Mutex)
{
    LONG Old, New;

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

void NTAPI ExpNotMutexOwner(PFAST_MUTEX Mutex)
{
    KeBugCheckEx(THREAD_NOT_MUTEX_OWNER, (ULONG_PTR)KeGetCurrentThread(), (ULONG_PTR)Mutex,
                 (ULONG_PTR)Mutex->Owner, 0);
}

static DECLSPEC_NORETURN ARCH_COLD VOID NTAPI ExpMutexLevelTooHigh(PFAST_MUTEX Mutex)
{
    KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Mutex, KeGetCurrentIrql(), 0,
                 (ULONG_PTR)__builtin_return_address(0));
}

static ARCH_COLD VOID NTAPI ExpMutexViolation(PFAST_MUTEX Mutex, ULONG What)
{
    PKTHREAD Thread = KeGetCurrentThread();

    if (What == EX_RELEASE_NOT_AT_APC_LEVEL) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, What, KeGetCurrentIrql(), (ULONG_PTR)Mutex,
                     0);
    }
    KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, What, KeGetCurrentIrql(),
                 (ULONG_PTR)Thread->KernelApcDisable, (ULONG_PTR)Mutex);
}

static ARCH_COLD VOID NTAPI ExpAcquireFastMutexSlowly(PFAST_MUTEX FastMutex, KIRQL OldIrql)
{
    ExpLockMutexSlowly(FastMutex);
    FastMutex->Owner = KeGetCurrentThread();
    FastMutex->OldIrql = OldIrql;
}

VOID NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    ULONG64 OldIrql = __readcr8();

    if (OldIrql > APC_LEVEL) {
        ExpMutexLevelTooHigh(FastMutex);
    }
    KiWriteRaisedIrql(APC_LEVEL);
    if (!ExpTryMutex(FastMutex)) {
        ExpAcquireFastMutexSlowly(FastMutex, (KIRQL)OldIrql);
        return;
    }
    FastMutex->Owner = KeGetCurrentThread();
    FastMutex->OldIrql = (ULONG)OldIrql;
}

static ARCH_COLD VOID NTAPI ExpReleaseFastMutexSlowly(PFAST_MUTEX FastMutex, KIRQL OldIrql)
{
    ExpUnlockMutexSlowly(FastMutex);
    KeLowerIrql(OldIrql);
}

/* The level before is read while the mutex is ours: the next owner writes its own over it. */
VOID NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    ULONG OldIrql = FastMutex->OldIrql;

    if (__readcr8() != APC_LEVEL) {
        ExpMutexViolation(FastMutex, EX_RELEASE_NOT_AT_APC_LEVEL);
        return;
    }
    if (FastMutex->Owner != KeGetCurrentThread()) {
        ExpNotMutexOwner(FastMutex);
        return;
    }
    FastMutex->Owner = NULL;
    if (!ExpTryUnlockMutex(FastMutex)) {
        ExpReleaseFastMutexSlowly(FastMutex, (KIRQL)OldIrql);
        return;
    }
    KiWriteLoweredIrql(OldIrql);
}

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    ULONG64 OldIrql = __readcr8();

    if (OldIrql > APC_LEVEL) {
        ExpMutexLevelTooHigh(FastMutex);
    }
    KiWriteRaisedIrql(APC_LEVEL);
    if (!ExpTryMutex(FastMutex)) {
        KiWriteLoweredIrql(OldIrql);
        return FALSE;
    }
    FastMutex->Owner = KeGetCurrentThread();
    FastMutex->OldIrql = (ULONG)OldIrql;
    return TRUE;
}

VOID NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (KeGetCurrentIrql() != APC_LEVEL && !KeAreApcsDisabled()) {
        ExpMutexViolation(FastMutex, EX_UNSAFE_ACQUIRE_WITH_APCS);
    }
    ExpLockMutex(FastMutex);
}

VOID NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (KeGetCurrentIrql() != APC_LEVEL && !KeAreApcsDisabled()) {
        ExpMutexViolation(FastMutex, EX_UNSAFE_RELEASE_WITH_APCS);
    }
    ExpUnlockMutex(FastMutex);
}
