/*
 * guardedmutex.c - guarded mutexes: fast mutexes whose holder keeps its IRQL and is in a guarded
 * region instead, which keeps all APCs away as APC_LEVEL does. The mutex itself is that of
 * fastmutex.h.
 */
#include "fastmutex.h"

VOID NTAPI KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    ExInitializeFastMutex(Mutex);
}

VOID NTAPI KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    KeEnterGuardedRegion();
    ExpLockMutex(Mutex);
}

VOID NTAPI KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExpUnlockMutex(Mutex);
    KeLeaveGuardedRegion();
}

BOOLEAN NTAPI KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    KeEnterGuardedRegion();
    if (!ExpTryMutex(Mutex)) {
        KeLeaveGuardedRegion();
        return FALSE;
    }
    Mutex->Owner = KeGetCurrentThread();
    return TRUE;
}

static void ExpRequireNoApcs(PKGUARDED_MUTEX Mutex, ULONG What)
{
    if (!KeAreAllApcsDisabled()) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, What, KeGetCurrentIrql(),
                     (ULONG_PTR)KeGetCurrentThread()->SpecialApcDisable, (ULONG_PTR)Mutex);
    }
}

VOID NTAPI KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExpRequireNoApcs(Mutex, EX_UNSAFE_ACQUIRE_WITH_APCS);
    ExpLockMutex(Mutex);
}

VOID NTAPI KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExpRequireNoApcs(Mutex, EX_UNSAFE_RELEASE_WITH_APCS);
    ExpUnlockMutex(Mutex);
}
