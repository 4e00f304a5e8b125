/*
 * resource.h - what resource.c (acquire, release, wait) and resourceowner.c (who owns what) share.
 * All of it wants the resource's SpinLock held.
 */
#ifndef _EX_RESOURCE_PRIVATE_H_
#define _EX_RESOURCE_PRIVATE_H_

#include "ke.h"

#define EX_RESOURCE_NO_BOOST 0x08 /* ERESOURCE.Flag: ExDisableResourceBoostLite */

/* Fourth parameter of RESOURCE_NOT_OWNED. */
typedef enum _EX_NOT_OWNED {
    ExNotOwnedAlone = 1, /* not by this thread, in a routine for its only owner */
    ExNotShared = 2,
    ExNotOwnedAtAll = 3
} EX_NOT_OWNED;

/* The bugcheck RESOURCE_NOT_OWNED. */
DECLSPEC_NORETURN void NTAPI ExpResourceNotOwned(PERESOURCE Resource, ERESOURCE_THREAD Owner,
                                                 EX_NOT_OWNED Reason);
/* Does the current thread have the resource alone? */
static inline BOOLEAN ExpOwnsAlone(PERESOURCE Resource)
{
    return (Resource->Flag & ResourceOwnedExclusive) != 0 &&
           Resource->OwnerEntry.OwnerThread == ExGetCurrentResourceThread();
}
/* In an entry a thread's address stands for the thread until its object goes, which then is marked
 * there: neither is it looked at, nor is the next thread at this address taken for the owner. Other
 * owners have both low bits set. */
static inline ERESOURCE_THREAD ExpEndedOwner(ERESOURCE_THREAD Thread)
{
    return Thread | 1;
}
static inline BOOLEAN ExpIsLivingThread(ERESOURCE_THREAD Owner)
{
    return Owner != 0 && (Owner & 3) == 0;
}
/* Owner's entry, or NULL. Owner 0 finds a free entry. Mostly it is the first. */
POWNER_ENTRY NTAPI ExpFindOwnerInTable(PERESOURCE Resource, ERESOURCE_THREAD Owner);
static inline POWNER_ENTRY ExpFindOwner(PERESOURCE Resource, ERESOURCE_THREAD Owner)
{
    if (Resource->OwnerEntry.OwnerThread == Owner) {
        return &Resource->OwnerEntry;
    }
    return ExpFindOwnerInTable(Resource, Owner);
}
/* Adds Count acquisitions to Owner's entry, which is made if there is none: TRUE when there was
 * one. The table may have to grow: then the lock is dropped for a while, and *OldIrql is the level
 * to go back to afterwards. The caller is counted in ActiveEntries, so the resource stays
 * shared. */
BOOLEAN NTAPI ExpAddOwner(PERESOURCE Resource, ERESOURCE_THREAD Owner, ULONG Count, PKIRQL OldIrql);

/* For ExFindLeaks. */
struct _LDR_LEAKS;
void ExpFindResourceLeaks(struct _LDR_LEAKS *Leaks);

#endif
