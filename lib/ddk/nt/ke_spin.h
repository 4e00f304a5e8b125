/*
 * nt/ke_spin.h - spin locks with a queue on the callers' stacks (book ch. 6).
 *
 * A lock is used with the queued routines or with the ordinary ones, never with both. Lock and
 * handle are resident memory; the handle, on the caller's stack, belongs to the lock until the
 * release.
 */
#include <wdm.h>

#ifndef _NT_KE_SPIN_
#define _NT_KE_SPIN_

/*
 * Raises to DISPATCH_LEVEL and takes the lock; processors get it in the order in which they came.
 * The handle notes the level before. The same processor taking it twice is SPIN_LOCK_ALREADY_OWNED;
 * a level above is IRQL_NOT_LESS_OR_EQUAL. WDK: KeAcquireInStackQueuedSpinLock; book ch. 6.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeAcquireInStackQueuedSpinLock(_Inout_ PKSPIN_LOCK SpinLock,
                                                      _Out_ PKLOCK_QUEUE_HANDLE LockHandle);
/* Passes the lock on to who waits longest, and lowers to the level before. A handle that does not
 * own the lock is SPIN_LOCK_NOT_OWNED. WDK: KeReleaseInStackQueuedSpinLock. */
_IRQL_requires_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeReleaseInStackQueuedSpinLock(_In_ PKLOCK_QUEUE_HANDLE LockHandle);
/* The same at DISPATCH_LEVEL or above (below: IRQL_NOT_GREATER_OR_EQUAL), leaving the IRQL alone.
 * WDK: KeAcquireInStackQueuedSpinLockAtDpcLevel. */
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(
    _Inout_ PKSPIN_LOCK SpinLock, _Out_ PKLOCK_QUEUE_HANDLE LockHandle);
/* Gives back what was taken at DPC level. WDK: KeReleaseInStackQueuedSpinLockFromDpcLevel. */
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(
    _In_ PKLOCK_QUEUE_HANDLE LockHandle);

/* For a DPC that may be threaded: takes the lock at DISPATCH_LEVEL, whatever the level of the DPC
 * is. WDK: KeAcquireInStackQueuedSpinLockForDpc. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeAcquireInStackQueuedSpinLockForDpc(_Inout_ PKSPIN_LOCK SpinLock,
                                                            _Out_ PKLOCK_QUEUE_HANDLE LockHandle);
/* Gives it back and restores the level. WDK: KeReleaseInStackQueuedSpinLockForDpc. */
_IRQL_requires_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeReleaseInStackQueuedSpinLockForDpc(_In_ PKLOCK_QUEUE_HANDLE LockHandle);
C_ASSERT(sizeof(KLOCK_QUEUE_HANDLE) == 0x18 && offsetof(KLOCK_QUEUE_HANDLE, OldIrql) == 0x10);

#endif
