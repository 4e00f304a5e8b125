/*
 * In-stack queued spin locks.
 *
 * The lock word is the tail of a queue of the callers' handles, 0 when the lock is free. Who comes
 * puts its handle at the tail in one exchange, links it behind the one that was there, and spins on
 * its own handle, so that a release disturbs one processor only; the order of the exchanges is the
 * order of owners, first come first served. A flag in the low bits of a handle's Lock tells its
 * state. Such a lock must not be used with the ordinary routines at the same time.
 *
 * A handle also notes its processor, in a byte that the public structure leaves unused: whoever
 * queues directly behind a handle of its own processor would spin for ever.
 */
#include "ke.h"

#define KI_QUEUE_WAITING 1 /* in the queue, not yet the owner */
#define KI_QUEUE_OWNER 2

/* Offset of the unused byte that holds the processor's number. */
#define KI_QUEUE_PROCESSOR (sizeof(KLOCK_QUEUE_HANDLE) - 1)
C_ASSERT(KI_QUEUE_PROCESSOR > offsetof(KLOCK_QUEUE_HANDLE, OldIrql));
C_ASSERT(offsetof(KLOCK_QUEUE_HANDLE, LockQueue) == 0 && KI_MAX_PROCESSORS <= 256);

static inline PUCHAR KiProcessorOf(PKSPIN_LOCK_QUEUE Queue)
{
    return (PUCHAR)Queue + KI_QUEUE_PROCESSOR;
}

static ARCH_COLD VOID NTAPI KiQueueLevelTooHigh(PKSPIN_LOCK SpinLock, KIRQL Irql)
{
    KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)SpinLock, Irql, 0,
                 (ULONG_PTR)__builtin_return_address(0));
}

static ARCH_COLD VOID NTAPI KiQueueLevelTooLow(PKSPIN_LOCK SpinLock)
{
    KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, (ULONG_PTR)SpinLock, KeGetCurrentIrql(), 0,
                 (ULONG_PTR)__builtin_return_address(0));
}

static ARCH_COLD VOID NTAPI KiNotQueueOwner(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)LockHandle->LockQueue.Lock, (ULONG_PTR)LockHandle,
                 (ULONG_PTR)KeGetCurrentThread(), 0);
}

/* Behind a handle that had the lock or waits for it. That one stays until it has found us in its
 * Next. */
static ARCH_COLD VOID NTAPI KiWaitInQueue(PKSPIN_LOCK SpinLock, PKSPIN_LOCK_QUEUE Queue,
                                          PKSPIN_LOCK_QUEUE Before)
{
    if (*KiProcessorOf(Before) == *KiProcessorOf(Queue)) {
        KeBugCheckEx(SPIN_LOCK_ALREADY_OWNED, (ULONG_PTR)SpinLock, (ULONG_PTR)KeGetCurrentThread(),
                     (ULONG_PTR)Before, 0);
    }
    KI_TRACE_POINT(LockWait, SpinLock, 0, 0);
    __atomic_store_n(&Before->Next, Queue, __ATOMIC_RELEASE);
    while (((ULONG_PTR)__atomic_load_n(&Queue->Lock, __ATOMIC_ACQUIRE) & KI_QUEUE_WAITING) != 0) {
        YieldProcessor();
    }
    KI_TRACE_POINT(LockGot, SpinLock, 0, 0);
}

/* At DISPATCH_LEVEL or above. */
static inline VOID KiEnterQueue(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    PKSPIN_LOCK_QUEUE Queue = &LockHandle->LockQueue, Before;

    KiNoteLock(SpinLock, __builtin_return_address(0));
    Queue->Next = NULL;
    Queue->Lock = (PKSPIN_LOCK)((ULONG_PTR)SpinLock | KI_QUEUE_WAITING);
    *KiProcessorOf(Queue) = (UCHAR)KeGetCurrentPrcb()->Number;
    Before = (PKSPIN_LOCK_QUEUE)__atomic_exchange_n(SpinLock, (KSPIN_LOCK)Queue, __ATOMIC_ACQ_REL);
    if (Before != NULL) {
        KiWaitInQueue(SpinLock, Queue, Before);
    } else {
        Queue->Lock = (PKSPIN_LOCK)((ULONG_PTR)SpinLock | KI_QUEUE_OWNER);
    }
}

/* The successor's flag is what it spins on. */
static inline VOID KiHandOver(PKSPIN_LOCK_QUEUE Next, PKSPIN_LOCK SpinLock)
{
    __atomic_store_n(&Next->Lock, (PKSPIN_LOCK)((ULONG_PTR)SpinLock | KI_QUEUE_OWNER),
                     __ATOMIC_RELEASE);
}

/* Somebody has become the tail, and may be about to link itself behind Queue. */
static ARCH_COLD VOID NTAPI KiAwaitSuccessor(PKSPIN_LOCK_QUEUE Queue, PKSPIN_LOCK SpinLock)
{
    PKSPIN_LOCK_QUEUE Next;

    while ((Next = __atomic_load_n(&Queue->Next, __ATOMIC_ACQUIRE)) == NULL) {
        YieldProcessor();
    }
    KiHandOver(Next, SpinLock);
}

/* The caller is the owner. */
static inline VOID KiLeaveQueue(PKLOCK_QUEUE_HANDLE LockHandle)
{
    PKSPIN_LOCK_QUEUE Queue = &LockHandle->LockQueue;
    PKSPIN_LOCK SpinLock = (PKSPIN_LOCK)((ULONG_PTR)Queue->Lock - KI_QUEUE_OWNER);
    KSPIN_LOCK Tail = (KSPIN_LOCK)Queue;

    KiNoteUnlock(SpinLock);
    Queue->Lock = SpinLock; /* a second release of this handle is noticed */
    if (Queue->Next != NULL) {
        KiHandOver(Queue->Next, SpinLock);
    } else if (!__atomic_compare_exchange_n(SpinLock, &Tail, 0, FALSE, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED)) {
        KiAwaitSuccessor(Queue, SpinLock);
    }
}

static inline BOOLEAN KiOwnsQueue(PKLOCK_QUEUE_HANDLE LockHandle)
{
    return ((ULONG_PTR)LockHandle->LockQueue.Lock & KI_QUEUE_OWNER) != 0;
}

VOID NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    KIRQL OldIrql = (KIRQL)__readcr8();

    KiPerturb();
    KiWriteRaisedIrql(DISPATCH_LEVEL);
    LockHandle->OldIrql = OldIrql;
    if (OldIrql > DISPATCH_LEVEL) {
        KiQueueLevelTooHigh(SpinLock, OldIrql);
        return;
    }
    KiEnterQueue(SpinLock, LockHandle);
}

VOID NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    if (!KiOwnsQueue(LockHandle)) {
        KiNotQueueOwner(LockHandle);
        return;
    }
    KiLeaveQueue(LockHandle);
    KeLowerIrql(LockHandle->OldIrql);
}

VOID NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock,
                                                    PKLOCK_QUEUE_HANDLE LockHandle)
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL) {
        KiQueueLevelTooLow(SpinLock);
        return;
    }
    KiEnterQueue(SpinLock, LockHandle);
}

VOID NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    if (!KiOwnsQueue(LockHandle)) {
        KiNotQueueOwner(LockHandle);
        return;
    }
    KiLeaveQueue(LockHandle);
    KiPerturb();
}

/* As with spin locks: raising suits a threaded DPC at PASSIVE_LEVEL and a DPC at DISPATCH_LEVEL. */
VOID NTAPI KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock,
                                                PKLOCK_QUEUE_HANDLE LockHandle)
{
    KeAcquireInStackQueuedSpinLock(SpinLock, LockHandle);
}

VOID NTAPI KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KeReleaseInStackQueuedSpinLock(LockHandle);
}
