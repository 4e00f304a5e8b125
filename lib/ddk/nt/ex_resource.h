/*
 * nt/ex_resource.h - executive resources: reader-writer locks of threads, recursive (book ch. 6).
 *
 * A resource is resident memory, 8-byte aligned, from ExInitializeResourceLite to
 * ExDeleteResourceLite. Whoever is a thread that APCs may end or suspend disables normal kernel
 * APCs while it holds one, by a critical region; system threads need not. A call at a higher IRQL
 * than stated is the bugcheck IRQL_NOT_LESS_OR_EQUAL. Giving back or changing what is not held is
 * RESOURCE_NOT_OWNED.
 *
 * Wait = FALSE never waits: the routine returns FALSE when it would have to. When a resource is
 * given back after exclusive use, all waiting sharers get it together; after shared use, one
 * exclusive waiter.
 */
#include <wdm.h>

#ifndef _NT_EX_RESOURCE_
#define _NT_EX_RESOURCE_

typedef struct _OWNER_ENTRY {
    ERESOURCE_THREAD OwnerThread; /* 0: the entry is free */
    union {
        struct {
            ULONG IoPriorityBoosted : 1;
            ULONG OwnerReferenced : 1;
            ULONG IoQoSPriorityBoosted : 1;
            ULONG OwnerCount : 29; /* how often the owner has it */
        };
        ULONG TableSize; /* in the table's entry 0: entries, this one included */
    };
} OWNER_ENTRY, *POWNER_ENTRY;

typedef struct _ERESOURCE {
    LIST_ENTRY SystemResourcesList;
    POWNER_ENTRY OwnerTable; /* NULL, or owners that OwnerEntry has no room for */
    SHORT ActiveCount;       /* owners, as far as they can be counted in it */
    union {
        USHORT Flag;
        struct {
            UCHAR ReservedLowFlags;
            UCHAR WaiterPriority;
        };
    };
    volatile PVOID SharedWaiters;
    volatile PVOID ExclusiveWaiters;
    OWNER_ENTRY OwnerEntry;
    ULONG ActiveEntries; /* owners */
    ULONG ContentionCount;
    ULONG NumberOfSharedWaiters;
    ULONG NumberOfExclusiveWaiters;
    PVOID Reserved2;
    union {
        PVOID Address;
        ULONG_PTR CreatorBackTraceIndex;
    };
    KSPIN_LOCK SpinLock;
} ERESOURCE, *PERESOURCE;

/* ERESOURCE.Flag. */
#define ResourceNeverExclusive 0x10
#define ResourceReleaseByOtherThread 0x20
#define ResourceOwnedExclusive 0x80

/* Makes a resource, free. Returns STATUS_SUCCESS. WDK: ExInitializeResourceLite; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ExInitializeResourceLite(_Out_ PERESOURCE Resource);
/* Makes an existing resource, which nobody holds or waits for, like new. Returns STATUS_SUCCESS.
 * WDK: ExReinitializeResourceLite. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ExReinitializeResourceLite(_Inout_ PERESOURCE Resource);
/* Ends a resource that nobody waits for; its memory may go. Returns STATUS_SUCCESS. WDK:
 * ExDeleteResourceLite; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ExDeleteResourceLite(_Inout_ PERESOURCE Resource);

/* TRUE: the resource is the caller's alone, once more if it was already. A caller that shares it
 * waits for itself, for ever. WDK: ExAcquireResourceExclusiveLite; book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExAcquireResourceExclusiveLite(_Inout_ PERESOURCE Resource,
                                                         _In_ BOOLEAN Wait);
/* The same without waiting. WDK: ExTryToAcquireResourceExclusiveLite. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExTryToAcquireResourceExclusiveLite(_Inout_ PERESOURCE Resource);
/* TRUE: the caller shares the resource, or, when it had it alone, has it alone once more. Who comes
 * new waits while others have it alone or wait for that. WDK: ExAcquireResourceSharedLite; book
 * ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExAcquireResourceSharedLite(_Inout_ PERESOURCE Resource,
                                                      _In_ BOOLEAN Wait);
/* The same, but does not care who waits to have it alone. WDK: ExAcquireSharedStarveExclusive. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExAcquireSharedStarveExclusive(_Inout_ PERESOURCE Resource,
                                                         _In_ BOOLEAN Wait);
/* The same, but lets those go first who wait to have it alone, even if the caller shares it
 * already: then it waits until somebody else gives back its share. WDK:
 * ExAcquireSharedWaitForExclusive. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(_Inout_ PERESOURCE Resource,
                                                          _In_ BOOLEAN Wait);
/* The caller, who has the resource alone, shares it from now on with all who wait to share. It has
 * it as often as before. WDK: ExConvertExclusiveToSharedLite. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExConvertExclusiveToSharedLite(_Inout_ PERESOURCE Resource);

/* Gives back one acquisition of the caller's. WDK: ExReleaseResourceLite; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseResourceLite(_Inout_ PERESOURCE Resource);
/* Gives back one acquisition of the owner, a thread (ExGetCurrentResourceThread) or what
 * ExSetResourceOwnerPointer has set. WDK: ExReleaseResourceForThreadLite. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseResourceForThreadLite(_Inout_ PERESOURCE Resource,
                                                      _In_ ERESOURCE_THREAD ResourceThreadId);
/* Makes OwnerPointer the owner of the caller's acquisitions: the address of system memory, with its
 * two lowest bits set. They are given back by ExReleaseResourceForThreadLite, by any thread. WDK:
 * ExSetResourceOwnerPointer. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExSetResourceOwnerPointer(_Inout_ PERESOURCE Resource,
                                                 _In_ PVOID OwnerPointer);
#define FLAG_OWNER_POINTER_IS_THREAD 0x1
/* The same; with FLAG_OWNER_POINTER_IS_THREAD OwnerPointer is a thread, who becomes the owner. WDK:
 * ExSetResourceOwnerPointerEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExSetResourceOwnerPointerEx(_Inout_ PERESOURCE Resource,
                                                   _In_ PVOID OwnerPointer, _In_ ULONG Flags);

/* TRUE: the caller has the resource alone. WDK: ExIsResourceAcquiredExclusiveLite. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(_In_ PERESOURCE Resource);
/* How often the caller has the resource, shared or alone; 0: not at all. WDK:
 * ExIsResourceAcquiredSharedLite. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI ULONG NTAPI ExIsResourceAcquiredSharedLite(_In_ PERESOURCE Resource);
/* How many wait to have it alone, and to share it, at this moment. Any IRQL. WDK:
 * ExGetExclusiveWaiterCount, ExGetSharedWaiterCount. */
NTKERNELAPI ULONG NTAPI ExGetExclusiveWaiterCount(_In_ PERESOURCE Resource);
NTKERNELAPI ULONG NTAPI ExGetSharedWaiterCount(_In_ PERESOURCE Resource);
/* Whoever has waited for half a second lends the owners its priority, up to 14, until their quantum
 * ends; not for this resource any more. WDK: ExDisableResourceBoostLite. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExDisableResourceBoostLite(_Inout_ PERESOURCE Resource);

/* Enters a critical region and acquires the resource, waiting for it. Returns what Windows'
 * graphics system keeps for the thread: NULL. WDK:
 * ExEnterCriticalRegionAndAcquireResourceExclusive, ExEnterCriticalRegionAndAcquireResourceShared,
 * ExEnterCriticalRegionAndAcquireSharedWaitForExclusive. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(
    _Inout_ PERESOURCE Resource);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(_Inout_ PERESOURCE Resource);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI PVOID NTAPI ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(
    _Inout_ PERESOURCE Resource);
/* Gives back the resource and leaves the critical region. WDK:
 * ExReleaseResourceAndLeaveCriticalRegion. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseResourceAndLeaveCriticalRegion(_Inout_ PERESOURCE Resource);

#define ExIsResourceAcquiredLite ExIsResourceAcquiredSharedLite
#define ExDisableResourceBoost ExDisableResourceBoostLite
#define ExGetCurrentResourceThread() ((ERESOURCE_THREAD)KeGetCurrentThread())

C_ASSERT(sizeof(ERESOURCE) == 0x68 && sizeof(OWNER_ENTRY) == 0x10);
C_ASSERT(offsetof(ERESOURCE, ActiveCount) == 0x18 && offsetof(ERESOURCE, Flag) == 0x1A);
C_ASSERT(offsetof(ERESOURCE, OwnerEntry) == 0x30 && offsetof(ERESOURCE, SpinLock) == 0x60);

#endif
