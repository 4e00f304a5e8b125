/*
 * nt/ex_lock.h - guarded mutexes, push locks, shared spin locks, rundown protection (book ch. 6).
 *
 * All of them are resident memory of the caller's and need no clean-up while nobody holds or waits
 * for them. A call at a higher IRQL than stated is the bugcheck IRQL_NOT_LESS_OR_EQUAL, except
 * where another one is named.
 */
#include <wdm.h>

#ifndef _NT_EX_LOCK_
#define _NT_EX_LOCK_

/*
 * Guarded mutexes: not recursive. Taking one twice is DRIVER_VERIFIER_DETECTED_VIOLATION (1000h),
 * giving back another thread's THREAD_NOT_MUTEX_OWNER.
 */
#define GM_LOCK_BIT 0x1
typedef FAST_MUTEX KGUARDED_MUTEX, *PKGUARDED_MUTEX;
/* Makes a guarded mutex, free. Any IRQL. WDK: KeInitializeGuardedMutex. */
NTKERNELAPI VOID NTAPI KeInitializeGuardedMutex(_Out_ PKGUARDED_MUTEX Mutex);
/* Enters a guarded region and waits until the mutex is the caller's. WDK: KeAcquireGuardedMutex;
 * book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeAcquireGuardedMutex(_Inout_ PKGUARDED_MUTEX Mutex);
/* Frees the mutex and leaves the guarded region. WDK: KeReleaseGuardedMutex. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeReleaseGuardedMutex(_Inout_ PKGUARDED_MUTEX Mutex);
/* TRUE: the mutex was free and is the caller's now, in a guarded region; else nothing has changed.
 * WDK: KeTryToAcquireGuardedMutex. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeTryToAcquireGuardedMutex(_Inout_ PKGUARDED_MUTEX Mutex);
/* For callers that have all APCs disabled already, by a guarded region or APC_LEVEL; else
 * DRIVER_VERIFIER_DETECTED_VIOLATION (39h). WDK: KeAcquireGuardedMutexUnsafe. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeAcquireGuardedMutexUnsafe(_Inout_ PKGUARDED_MUTEX Mutex);
/* The counterpart; APCs enabled: DRIVER_VERIFIER_DETECTED_VIOLATION (3Ah). WDK:
 * KeReleaseGuardedMutexUnsafe. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeReleaseGuardedMutexUnsafe(_Inout_ PKGUARDED_MUTEX Mutex);

/*
 * Push locks: one word, shared or exclusive, not recursive. The holder has normal kernel APCs
 * disabled. Above APC_LEVEL: KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL. A lock given back
 * that is not held in that way: KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE. Flags are
 * EX_DEFAULT_PUSH_LOCK_FLAGS, or EX_PUSH_LOCK_FLAG_DISABLE_AUTOBOOST, which changes nothing because
 * push locks do not boost.
 */
typedef ULONG_PTR EX_PUSH_LOCK, *PEX_PUSH_LOCK;
#define EX_DEFAULT_PUSH_LOCK_FLAGS 0
#define EX_PUSH_LOCK_FLAG_DISABLE_AUTOBOOST 0x1
/* Makes a push lock, free. Any IRQL. WDK: ExInitializePushLock. */
NTKERNELAPI VOID NTAPI ExInitializePushLock(_Out_ PEX_PUSH_LOCK PushLock);
/* Waits until the lock is the caller's alone. WDK: ExAcquirePushLockExclusive; book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExAcquirePushLockExclusiveEx(_Inout_ PEX_PUSH_LOCK PushLock,
                                                    _In_ ULONG Flags);
/* Waits until the caller has the lock together with others that share it; who waits for it
 * exclusively comes before later sharers. WDK: ExAcquirePushLockShared; book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExAcquirePushLockSharedEx(_Inout_ PEX_PUSH_LOCK PushLock, _In_ ULONG Flags);
/* TRUE: taken, without waiting. Not documented in the WDK. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExTryAcquirePushLockExclusiveEx(_Inout_ PEX_PUSH_LOCK PushLock,
                                                          _In_ ULONG Flags);
/* TRUE: shared, without waiting. Not documented in the WDK. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExTryAcquirePushLockSharedEx(_Inout_ PEX_PUSH_LOCK PushLock,
                                                       _In_ ULONG Flags);
/* Gives back a lock held exclusively. WDK: ExReleasePushLockExclusive. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExReleasePushLockExclusiveEx(_Inout_ PEX_PUSH_LOCK PushLock,
                                                    _In_ ULONG Flags);
/* Gives back a lock held shared. WDK: ExReleasePushLockShared. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExReleasePushLockSharedEx(_Inout_ PEX_PUSH_LOCK PushLock, _In_ ULONG Flags);
/* Gives back a lock held in either way. Not documented in the WDK. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExReleasePushLockEx(_Inout_ PEX_PUSH_LOCK PushLock, _In_ ULONG Flags);
#define ExAcquirePushLockExclusive(Lock)                                                           \
    ExAcquirePushLockExclusiveEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExAcquirePushLockShared(Lock) ExAcquirePushLockSharedEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExReleasePushLockExclusive(Lock)                                                           \
    ExReleasePushLockExclusiveEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExReleasePushLockShared(Lock) ExReleasePushLockSharedEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExReleasePushLock(Lock) ExReleasePushLockEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)

/*
 * Spin locks that readers share: 0 is free. Not recursive, not even for readers: a writer that
 * waits keeps new readers out. Released when not held that way: SPIN_LOCK_NOT_OWNED. The routines
 * at DPC level need DISPATCH_LEVEL or above, or it is IRQL_NOT_GREATER_OR_EQUAL.
 */
typedef volatile LONG EX_SPIN_LOCK, *PEX_SPIN_LOCK;
/* Raises to DISPATCH_LEVEL and takes the lock alone; returns the old IRQL. WDK:
 * ExAcquireSpinLockExclusive; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockExclusive(_Inout_ PEX_SPIN_LOCK SpinLock);
/* Frees a lock taken alone and lowers to OldIrql. WDK: ExReleaseSpinLockExclusive. */
_IRQL_requires_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseSpinLockExclusive(_Inout_ PEX_SPIN_LOCK SpinLock,
                                                  _In_ KIRQL OldIrql);
/* Takes and frees the lock alone, leaving the IRQL alone too. WDK:
 * ExAcquireSpinLockExclusiveAtDpcLevel, ExReleaseSpinLockExclusiveFromDpcLevel. */
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(_Inout_ PEX_SPIN_LOCK SpinLock);
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(_Inout_ PEX_SPIN_LOCK SpinLock);
/* Raises to DISPATCH_LEVEL and takes the lock together with other readers; returns the old IRQL.
 * WDK: ExAcquireSpinLockShared; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockShared(_Inout_ PEX_SPIN_LOCK SpinLock);
/* Gives up a share and lowers to OldIrql. WDK: ExReleaseSpinLockShared. */
_IRQL_requires_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseSpinLockShared(_Inout_ PEX_SPIN_LOCK SpinLock, _In_ KIRQL OldIrql);
/* Takes and gives up a share, leaving the IRQL alone. WDK: ExAcquireSpinLockSharedAtDpcLevel,
 * ExReleaseSpinLockSharedFromDpcLevel. */
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExAcquireSpinLockSharedAtDpcLevel(_Inout_ PEX_SPIN_LOCK SpinLock);
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseSpinLockSharedFromDpcLevel(_Inout_ PEX_SPIN_LOCK SpinLock);
/* The only reader, and nobody waits to write: its share becomes exclusive, TRUE. Else FALSE, and it
 * has its share still. WDK: ExTryConvertSharedSpinLockExclusive. */
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI LOGICAL NTAPI ExTryConvertSharedSpinLockExclusive(_Inout_ PEX_SPIN_LOCK SpinLock);

#include <nt/ex_rundown.h>

#endif
