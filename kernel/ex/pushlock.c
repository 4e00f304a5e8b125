/*
 * pushlock.c - push locks: a shared or exclusive lock in one word.
 *
 * The word has bit 0 while somebody owns the lock alone, else the number of sharers from bit 2 up;
 * bit 1 says that threads wait. They stand in a table outside of the lock, hashed by its address,
 * each with an event on its stack. A bucket's spin lock guards its queue and bit 1 of all locks
 * that hash to it, so:
 *
 *   - bit 1 is set exactly while a thread waits for this lock in the bucket;
 *   - it is set only while the lock is held, or while a woken thread is on its way, so that
 * somebody comes to release the lock after the waiter has queued, and finds it.
 *
 * A release wakes the first waiter, or all sharers in front, without handing the lock over: whoever
 * comes by may be faster. A woken thread that has lost once goes to the front, and is handed the
 * lock the next time, so nobody starves. New sharers queue behind an exclusive waiter.
 */
#include "ke.h"

#define EX_PUSH_EXCLUSIVE ((ULONG_PTR)1)
#define EX_PUSH_WAITERS ((ULONG_PTR)2)
#define EX_PUSH_SHARE ((ULONG_PTR)4)

#define EX_PUSH_BUCKET_BITS 6

typedef struct _EX_PUSH_WAITER {
    struct _EX_PUSH_WAITER *Next; /* b  in the queue, then in the list of those to wake */
    PEX_PUSH_LOCK PushLock;       /* i */
    KEVENT Wake;
    BOOLEAN Exclusive; /* i */
    BOOLEAN HasLost;   /* b  was woken before, and too late */
    BOOLEAN Granted;   /* b  the lock was handed over */
} EX_PUSH_WAITER, *PEX_PUSH_WAITER;

/* b: guarded by Lock. */
typedef struct DECLSPEC_ALIGN(64) _EX_PUSH_BUCKET {
    KSPIN_LOCK Lock;
    PEX_PUSH_WAITER First; /* b  longest waiting first */
} EX_PUSH_BUCKET, *PEX_PUSH_BUCKET;

static EX_PUSH_BUCKET ExpPushBuckets[1 << EX_PUSH_BUCKET_BITS];

static PEX_PUSH_BUCKET ExpPushBucket(PEX_PUSH_LOCK PushLock)
{
    /* Multiplying by 2^64 divided by the golden ratio spreads neighbouring words over the table. */
    ULONG64 Hash = ((ULONG_PTR)PushLock >> 3) * 0x9E3779B97F4A7C15ULL;

    return &ExpPushBuckets[Hash >> (64 - EX_PUSH_BUCKET_BITS)];
}

static inline BOOLEAN ExpSwapPush(PEX_PUSH_LOCK PushLock, ULONG_PTR *Old, ULONG_PTR New)
{
    KiPerturb();
    return __atomic_compare_exchange_n(PushLock, Old, New, FALSE, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static ARCH_COLD VOID NTAPI ExpPushLevelTooHigh(PEX_PUSH_LOCK PushLock)
{
    KeBugCheckEx(KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL,
                 (ULONG_PTR)KeGetCurrentThread(), (ULONG_PTR)PushLock, KeGetCurrentIrql(), 0);
}

static ARCH_COLD VOID NTAPI ExpPushNotHeld(PEX_PUSH_LOCK PushLock)
{
    KeBugCheckEx(KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE, (ULONG_PTR)KeGetCurrentThread(),
                 (ULONG_PTR)PushLock, 0, 0);
}

/* Takes the lock if its state allows. Woken: the caller has queued before, and may pass those who
 * wait. */
static inline BOOLEAN ExpTryPush(PEX_PUSH_LOCK PushLock, BOOLEAN Exclusive, BOOLEAN Woken)
{
    ULONG_PTR Old = __atomic_load_n(PushLock, __ATOMIC_RELAXED);

    for (;;) {
        ULONG_PTR Barred = Exclusive ? ~EX_PUSH_WAITERS : EX_PUSH_EXCLUSIVE;

        if (!Exclusive && !Woken) {
            Barred |= EX_PUSH_WAITERS;
        }
        if ((Old & Barred) != 0) {
            return FALSE;
        }
        if (ExpSwapPush(PushLock, &Old, Old + (Exclusive ? EX_PUSH_EXCLUSIVE : EX_PUSH_SHARE))) {
            return TRUE;
        }
    }
}

static VOID ExpQueuePushWaiter(PEX_PUSH_BUCKET Bucket, PEX_PUSH_WAITER Waiter)
{
    PEX_PUSH_WAITER *Link = &Bucket->First;

    while (*Link != NULL && !Waiter->HasLost) {
        Link = &(*Link)->Next;
    }
    Waiter->Next = *Link;
    *Link = Waiter;
}

/* With the bucket's lock: takes the lock after all, TRUE, or queues the waiter. */
static BOOLEAN ExpTakePushOrQueue(PEX_PUSH_BUCKET Bucket, PEX_PUSH_WAITER Waiter)
{
    PEX_PUSH_LOCK PushLock = Waiter->PushLock;
    ULONG_PTR Old;

    do {
        if (ExpTryPush(PushLock, Waiter->Exclusive, Waiter->HasLost)) {
            return TRUE;
        }
        Old = __atomic_load_n(PushLock, __ATOMIC_RELAXED);
        /* The holder may be leaving just now: bit 1 is for a lock that is held, or has waiters
         * already. */
    } while (Old == 0 || !ExpSwapPush(PushLock, &Old, Old | EX_PUSH_WAITERS));
    ExpQueuePushWaiter(Bucket, Waiter);
    return FALSE;
}

static ARCH_COLD VOID NTAPI ExpWaitForPush(PEX_PUSH_LOCK PushLock, BOOLEAN Exclusive)
{
    PEX_PUSH_BUCKET Bucket = ExpPushBucket(PushLock);
    EX_PUSH_WAITER Waiter = {.PushLock = PushLock, .Exclusive = Exclusive};

    KeInitializeEvent(&Waiter.Wake, SynchronizationEvent, FALSE);
    while (!Waiter.Granted) {
        KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Bucket->Lock);
        BOOLEAN Taken = ExpTakePushOrQueue(Bucket, &Waiter);

        KeReleaseSpinLock(&Bucket->Lock, OldIrql);
        if (Taken) {
            return;
        }
        KeWaitForSingleObject(&Waiter.Wake, WrPushLock, KernelMode, FALSE, NULL);
        Waiter.HasLost = TRUE; /* if it turns out so */
    }
}

/* Takes the waiters out of the queue that are to be woken: one that wants the lock alone, or the
 * sharers up to the next such. *State is the lock's word without its holder: receives bit 1 for
 * those who remain, and the new holders when the lock is handed over. */
static PEX_PUSH_WAITER ExpChoosePushWaiters(PEX_PUSH_BUCKET Bucket, PEX_PUSH_LOCK PushLock,
                                            ULONG_PTR *State)
{
    PEX_PUSH_WAITER Chosen = NULL, *Link = &Bucket->First, *End = &Chosen;
    BOOLEAN Closed = FALSE, HandOver = FALSE;

    *State = 0;
    while (*Link != NULL) {
        PEX_PUSH_WAITER Waiter = *Link;

        if (Waiter->PushLock != PushLock) {
            Link = &Waiter->Next;
            continue;
        }
        Closed = Closed || (Chosen != NULL && Waiter->Exclusive);
        if (Closed) {
            *State |= EX_PUSH_WAITERS;
            break;
        }
        HandOver = HandOver || Waiter->HasLost;
        Waiter->Granted = HandOver;
        *State += !HandOver ? 0 : Waiter->Exclusive ? EX_PUSH_EXCLUSIVE : EX_PUSH_SHARE;
        Closed = Waiter->Exclusive;
        *Link = Waiter->Next;
        *End = Waiter;
        End = &Waiter->Next;
    }
    *End = NULL;
    return Chosen;
}

/* Gives back Held, one share or the whole lock, of a lock that threads wait for. */
static ARCH_COLD VOID NTAPI ExpReleasePushSlowly(PEX_PUSH_LOCK PushLock, ULONG_PTR Held)
{
    PEX_PUSH_BUCKET Bucket = ExpPushBucket(PushLock);
    PEX_PUSH_WAITER Chosen = NULL, Next;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Bucket->Lock);
    ULONG_PTR Left = __atomic_sub_fetch(PushLock, Held, __ATOMIC_ACQ_REL), State;

    /* Without a holder and with bit 1 set, only exclusive passers-by can change it: then they will
     * wake. */
    if (Left == EX_PUSH_WAITERS) {
        ULONG_PTR Expected = Left;

        if (ExpSwapPush(PushLock, &Expected, EX_PUSH_EXCLUSIVE | EX_PUSH_WAITERS)) {
            Chosen = ExpChoosePushWaiters(Bucket, PushLock, &State);
            __atomic_store_n(PushLock, State, __ATOMIC_RELEASE);
        }
    }
    KeReleaseSpinLock(&Bucket->Lock, OldIrql);
    for (; Chosen != NULL; Chosen = Next) {
        Next = Chosen->Next; /* it is gone once it is awake */
        KeSetEvent(&Chosen->Wake, EVENT_INCREMENT, FALSE);
    }
}

VOID NTAPI ExInitializePushLock(PEX_PUSH_LOCK PushLock)
{
    *PushLock = 0;
}

VOID NTAPI ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ULONG_PTR Free = 0;

    UNREFERENCED_PARAMETER(Flags);
    if (KeGetCurrentIrql() > APC_LEVEL) {
        ExpPushLevelTooHigh(PushLock);
        return;
    }
    if (!ExpSwapPush(PushLock, &Free, EX_PUSH_EXCLUSIVE)) {
        ExpWaitForPush(PushLock, TRUE);
    }
}

VOID NTAPI ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    if (KeGetCurrentIrql() > APC_LEVEL) {
        ExpPushLevelTooHigh(PushLock);
        return;
    }
    if (!ExpTryPush(PushLock, FALSE, FALSE)) {
        ExpWaitForPush(PushLock, FALSE);
    }
}

BOOLEAN NTAPI ExTryAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    if (KeGetCurrentIrql() > APC_LEVEL) {
        ExpPushLevelTooHigh(PushLock);
        return FALSE;
    }
    return ExpTryPush(PushLock, TRUE, FALSE);
}

BOOLEAN NTAPI ExTryAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    if (KeGetCurrentIrql() > APC_LEVEL) {
        ExpPushLevelTooHigh(PushLock);
        return FALSE;
    }
    return ExpTryPush(PushLock, FALSE, FALSE);
}

VOID NTAPI ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ULONG_PTR Held = EX_PUSH_EXCLUSIVE;

    UNREFERENCED_PARAMETER(Flags);
    if (ExpSwapPush(PushLock, &Held, 0)) {
        return;
    }
    if ((Held & EX_PUSH_EXCLUSIVE) == 0) {
        ExpPushNotHeld(PushLock);
        return;
    }
    ExpReleasePushSlowly(PushLock, EX_PUSH_EXCLUSIVE);
}

VOID NTAPI ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ULONG_PTR Old = __atomic_load_n(PushLock, __ATOMIC_RELAXED);

    UNREFERENCED_PARAMETER(Flags);
    do {
        if ((Old & EX_PUSH_EXCLUSIVE) != 0 || Old < EX_PUSH_SHARE) {
            ExpPushNotHeld(PushLock);
            return;
        }
        if (Old == (EX_PUSH_SHARE | EX_PUSH_WAITERS)) {
            ExpReleasePushSlowly(PushLock, EX_PUSH_SHARE);
            return;
        }
    } while (!ExpSwapPush(PushLock, &Old, Old - EX_PUSH_SHARE));
}

VOID NTAPI ExReleasePushLockEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    if ((__atomic_load_n(PushLock, __ATOMIC_RELAXED) & EX_PUSH_EXCLUSIVE) != 0) {
        ExReleasePushLockExclusiveEx(PushLock, Flags);
    } else {
        ExReleasePushLockSharedEx(PushLock, Flags);
    }
}
