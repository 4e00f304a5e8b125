/*
 * resource.c - executive resources: who gets one, who waits, who is next. The table of owners is in
 * resourceowner.c.
 *
 * Everything in an ERESOURCE is guarded by its SpinLock. Flag says whether the resource is owned by
 * one thread alone; ActiveEntries counts its owners, each with an entry of its own that counts
 * recursions. Waiters stand in two queues of wait blocks on their stacks. A resource is handed
 * over: whoever gives it back makes the next ones owners before it wakes them, so no passer-by
 * comes before them, and sharers and exclusive owners take turns under load.
 *
 * A sharer that is chosen from the queue is counted at once, but enters itself into the table when
 * it runs, because the table may have to grow. It will find the resource shared, as a counted owner
 * keeps it so.
 */
#include "resource.h"

#define EX_BOOST_AFTER_100NS (-500 * 10000LL)
#define EX_BOOST_PRIORITY (LOW_REALTIME_PRIORITY - 2)

typedef struct _EX_RESOURCE_WAITER {
    struct _EX_RESOURCE_WAITER *Next; /* towards those who came later */
    PKTHREAD Thread;
    KEVENT Granted;
} EX_RESOURCE_WAITER, *PEX_RESOURCE_WAITER;

typedef enum _EX_SHARED_RULE {
    ExBehindExclusive,       /* unless the caller is an owner already */
    ExStarveExclusive,       /* exclusive waiters do not matter */
    ExAlwaysBehindExclusive, /* owners, too */
} EX_SHARED_RULE;

/* Queues are circular; the resource's field is the last one, whose Next is the first. */
static VOID ExpAppendWaiter(volatile PVOID *Queue, PEX_RESOURCE_WAITER Waiter)
{
    PEX_RESOURCE_WAITER Last = *Queue;

    Waiter->Next = Last != NULL ? Last->Next : Waiter;
    if (Last != NULL) {
        Last->Next = Waiter;
    }
    *Queue = Waiter;
}

static PEX_RESOURCE_WAITER ExpRemoveFirstWaiter(volatile PVOID *Queue)
{
    PEX_RESOURCE_WAITER Last = *Queue, First = Last->Next;

    Last->Next = First->Next;
    *Queue = First == Last ? NULL : Last;
    First->Next = NULL;
    return First;
}

/* Takes all out, as a list that ends with NULL. */
static PEX_RESOURCE_WAITER ExpRemoveAllWaiters(volatile PVOID *Queue)
{
    PEX_RESOURCE_WAITER Last = *Queue, First;

    if (Last == NULL) {
        return NULL;
    }
    First = Last->Next;
    Last->Next = NULL;
    *Queue = NULL;
    return First;
}

static VOID NTAPI ExpWakeWaiters(PEX_RESOURCE_WAITER Waiter)
{
    while (Waiter != NULL) {
        PEX_RESOURCE_WAITER Next = Waiter->Next; /* the block is gone once its thread is awake */

        KeSetEvent(&Waiter->Granted, EVENT_INCREMENT, FALSE);
        Waiter = Next;
    }
}

static VOID ExpSetActive(PERESOURCE Resource, ULONG Owners)
{
    Resource->ActiveEntries = Owners;
    Resource->ActiveCount = (SHORT)min(Owners, 0x7FFFU);
}

/* Nobody has the resource: Owner is the first. */
static inline VOID ExpSetFirstOwner(PERESOURCE Resource, ERESOURCE_THREAD Owner)
{
    ((PKTHREAD)Owner)->OwnedResource = TRUE;
    Resource->OwnerEntry.OwnerThread = Owner;
    Resource->OwnerEntry.OwnerCount = 1;
    Resource->ActiveEntries = 1;
    Resource->ActiveCount = 1;
}

/* Nobody has the resource: Owner has it alone from now on. */
static VOID ExpGrantExclusive(PERESOURCE Resource, PKTHREAD Owner)
{
    Resource->Flag |= ResourceOwnedExclusive;
    ExpSetFirstOwner(Resource, (ERESOURCE_THREAD)Owner);
}

static PEX_RESOURCE_WAITER ExpGrantToSharers(PERESOURCE Resource)
{
    ExpSetActive(Resource, Resource->ActiveEntries + Resource->NumberOfSharedWaiters);
    Resource->NumberOfSharedWaiters = 0;
    return ExpRemoveAllWaiters(&Resource->SharedWaiters);
}

static inline BOOLEAN ExpAreWaiters(PERESOURCE Resource)
{
    return Resource->SharedWaiters != NULL || Resource->ExclusiveWaiters != NULL;
}

/* The last owner has gone; returns those to wake. */
static __attribute__((noinline)) PEX_RESOURCE_WAITER NTAPI ExpPassOn(PERESOURCE Resource,
                                                                     BOOLEAN WasExclusive)
{
    PEX_RESOURCE_WAITER Next;

    if (Resource->SharedWaiters != NULL && (WasExclusive || Resource->ExclusiveWaiters == NULL)) {
        return ExpGrantToSharers(Resource);
    }
    if (Resource->ExclusiveWaiters == NULL) {
        return NULL;
    }
    Next = ExpRemoveFirstWaiter(&Resource->ExclusiveWaiters);
    Resource->NumberOfExclusiveWaiters -= 1;
    ExpGrantExclusive(Resource, Next->Thread);
    return Next;
}

/* The owner shall soon be done: it runs at the waiter's priority. */
static VOID ExpBoostOwner(ERESOURCE_THREAD Owner, KPRIORITY Priority)
{
    PKTHREAD Thread = (PKTHREAD)Owner;

    if (ExpIsLivingThread(Owner) && KeQueryPriorityThread(Thread) < Priority) {
        KeSetPriorityThread(Thread, Priority);
    }
}

/* Under the lock, without which no owner's thread object goes. */
static VOID ExpBoostOwners(PERESOURCE Resource)
{
    KPRIORITY Priority = min(KeQueryPriorityThread(KeGetCurrentThread()), EX_BOOST_PRIORITY);
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    POWNER_ENTRY Table = Resource->OwnerTable;

    if ((Resource->Flag & EX_RESOURCE_NO_BOOST) == 0) {
        ExpBoostOwner(Resource->OwnerEntry.OwnerThread, Priority);
        for (ULONG i = 1; Table != NULL && i < Table->TableSize; i++) {
            ExpBoostOwner(Table[i].OwnerThread, Priority);
        }
    }
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

/* With the spin lock, which is released: waits in the queue until the resource has been granted. */
static __attribute__((noinline)) VOID NTAPI ExpWaitForResource(PERESOURCE Resource,
                                                               volatile PVOID *Queue,
                                                               PULONG Waiters, KIRQL OldIrql)
{
    LARGE_INTEGER BoostAfter = {.QuadPart = EX_BOOST_AFTER_100NS};
    EX_RESOURCE_WAITER Waiter;

    Waiter.Thread = KeGetCurrentThread();
    KeInitializeEvent(&Waiter.Granted, SynchronizationEvent, FALSE);
    ExpAppendWaiter(Queue, &Waiter);
    *Waiters += 1;
    Resource->ContentionCount += 1;
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    while (KeWaitForSingleObject(&Waiter.Granted, WrResource, KernelMode, FALSE, &BoostAfter) ==
           STATUS_TIMEOUT) {
        ExpBoostOwners(Resource);
    }
}

BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    BOOLEAN Granted = TRUE;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    if (Resource->ActiveEntries == 0) {
        ExpGrantExclusive(Resource, KeGetCurrentThread());
    } else if (ExpOwnsAlone(Resource)) {
        Resource->OwnerEntry.OwnerCount += 1;
    } else if (Wait) {
        ExpWaitForResource(Resource, &Resource->ExclusiveWaiters,
                           &Resource->NumberOfExclusiveWaiters, OldIrql);
        return TRUE;
    } else {
        Granted = FALSE;
    }
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Granted;
}

BOOLEAN NTAPI ExTryToAcquireResourceExclusiveLite(PERESOURCE Resource)
{
    return ExAcquireResourceExclusiveLite(Resource, FALSE);
}

/* May the caller share a resource that is not free, now? */
static BOOLEAN ExpMayShare(PERESOURCE Resource, EX_SHARED_RULE Rule)
{
    if ((Resource->Flag & ResourceOwnedExclusive) != 0) {
        return FALSE;
    }
    if (Resource->NumberOfExclusiveWaiters == 0 || Rule == ExStarveExclusive) {
        return TRUE;
    }
    return Rule == ExBehindExclusive &&
           ExpFindOwner(Resource, ExGetCurrentResourceThread()) != NULL;
}

static BOOLEAN NTAPI ExpAcquireShared(PERESOURCE Resource, BOOLEAN Wait, EX_SHARED_RULE Rule)
{
    ERESOURCE_THREAD Me = ExGetCurrentResourceThread();
    BOOLEAN Granted = TRUE, Counted = FALSE;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    if (Resource->ActiveEntries == 0) {
        ExpSetFirstOwner(Resource, Me);
    } else if (ExpOwnsAlone(Resource)) {
        Resource->OwnerEntry.OwnerCount += 1;
    } else if (ExpMayShare(Resource, Rule)) {
        ExpSetActive(Resource, Resource->ActiveEntries + 1);
        Counted = TRUE;
    } else if (Wait) {
        ExpWaitForResource(Resource, &Resource->SharedWaiters, &Resource->NumberOfSharedWaiters,
                           OldIrql);
        OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
        Counted = TRUE;
    } else {
        Granted = FALSE;
    }
    if (Counted && ExpAddOwner(Resource, Me, 1, &OldIrql)) {
        ExpSetActive(Resource, Resource->ActiveEntries - 1); /* it was an owner already */
    }
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Granted;
}

BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, ExBehindExclusive);
}

BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, ExStarveExclusive);
}

BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, ExAlwaysBehindExclusive);
}

VOID NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    PEX_RESOURCE_WAITER Waiters;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    if (!ExpOwnsAlone(Resource)) {
        ExpResourceNotOwned(Resource, ExGetCurrentResourceThread(), ExNotOwnedAlone);
    }
    Resource->Flag &= ~ResourceOwnedExclusive;
    Waiters = ExpGrantToSharers(Resource);
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    ExpWakeWaiters(Waiters);
}

static VOID NTAPI ExpRelease(PERESOURCE Resource, ERESOURCE_THREAD Owner)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    BOOLEAN WasExclusive = (Resource->Flag & ResourceOwnedExclusive) != 0;
    POWNER_ENTRY Entry = ExpFindOwner(Resource, Owner);
    PEX_RESOURCE_WAITER Waiters = NULL;

    if (Entry == NULL) {
        Entry = ExpFindOwner(Resource, ExpEndedOwner(Owner));
    }
    if (Entry == NULL || Owner == 0) {
        ExpResourceNotOwned(Resource, Owner, WasExclusive ? ExNotOwnedAlone : ExNotShared);
    }
    Entry->OwnerCount -= 1;
    if (Entry->OwnerCount == 0) {
        Entry->OwnerThread = 0;
        Resource->Flag &= ~ResourceOwnedExclusive;
        ExpSetActive(Resource, Resource->ActiveEntries - 1);
        if (Resource->ActiveEntries == 0 && ExpAreWaiters(Resource)) {
            Waiters = ExpPassOn(Resource, WasExclusive);
        }
    }
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    if (Waiters != NULL) {
        ExpWakeWaiters(Waiters);
    }
}

VOID NTAPI ExReleaseResourceLite(PERESOURCE Resource)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    ExpRelease(Resource, ExGetCurrentResourceThread());
}

VOID NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    ExpRelease(Resource, ResourceThreadId);
}

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    return NULL;
}

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
    return NULL;
}

PVOID NTAPI ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireSharedWaitForExclusive(Resource, TRUE);
    return NULL;
}

VOID NTAPI ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}
