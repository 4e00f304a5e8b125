/*
 * fastmutex.h - the word, the owner and the event that fast and guarded mutexes share: taking and
 * giving back a FAST_MUTEX, whatever keeps APCs away. What is rare is out of line, in fastmutex.c.
 *
 * Count has bit 0 set while the mutex is free, and one FM_WAITER for each waiter that has not been
 * chosen to be woken. Releasing with waiters chooses one: takes its FM_WAITER away, sets FM_WOKEN,
 * and sets the event, once; the woken thread clears FM_WOKEN when it tries again. While FM_WOKEN is
 * set nobody else is woken, so the event never counts too few or too many. The woken thread may
 * lose to one that comes by, and waits again: mutexes are not handed over, which keeps them fast.
 */
#ifndef _EX_FASTMUTEX_H_
#define _EX_FASTMUTEX_H_

#include "ke.h"

#define FM_WOKEN 0x2
#define FM_WAITER 0x4

/* Second parameters of DRIVER_VERIFIER_DETECTED_VIOLATION. */
#define EX_RELEASE_NOT_AT_APC_LEVEL 0x34
#define EX_UNSAFE_ACQUIRE_WITH_APCS 0x39
#define EX_UNSAFE_RELEASE_WITH_APCS 0x3A
#define EX_SELF_DEADLOCK 0x1000 /* taken by its owner again */

/* Waits until the mutex, found taken, is the caller's. Bugchecks when it is already. */
ARCH_COLD void ExpLockMutexSlowly(PFAST_MUTEX Mutex);
/* Frees a mutex that may have waiters, and wakes one. */
ARCH_COLD void ExpUnlockMutexSlowly(PFAST_MUTEX Mutex);
/* The bugcheck THREAD_NOT_MUTEX_OWNER. Not declared as one that does not return, because compilers
 * then call it, which takes a frame, where a jump is as good. */
ARCH_COLD void NTAPI ExpNotMutexOwner(PFAST_MUTEX Mutex);

static inline BOOLEAN ExpTryMutex(PFAST_MUTEX Mutex)
{
    KiPerturb();
    return (InterlockedAnd(&Mutex->Count, ~FM_LOCK_BIT) & FM_LOCK_BIT) != 0;
}

static inline void ExpLockMutex(PFAST_MUTEX Mutex)
{
    if (!ExpTryMutex(Mutex)) {
        ExpLockMutexSlowly(Mutex);
    }
    Mutex->Owner = KeGetCurrentThread();
}

/* Gives up ownership; the mutex itself is still taken. */
static inline void ExpDisownMutex(PFAST_MUTEX Mutex)
{
    if (Mutex->Owner != KeGetCurrentThread()) {
        ExpNotMutexOwner(Mutex);
    }
    Mutex->Owner = NULL;
}

/* Frees a mutex that nobody waits for; FALSE: somebody does. */
static inline BOOLEAN ExpTryUnlockMutex(PFAST_MUTEX Mutex)
{
    LONG Taken = 0;

    KiPerturb();
    return __atomic_compare_exchange_n(&Mutex->Count, &Taken, FM_LOCK_BIT, FALSE, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED);
}

static inline void ExpUnlockMutex(PFAST_MUTEX Mutex)
{
    ExpDisownMutex(Mutex);
    if (!ExpTryUnlockMutex(Mutex)) {
        ExpUnlockMutexSlowly(Mutex);
    }
}

#endif
