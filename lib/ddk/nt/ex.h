/*
 * nt/ex.h - executive support: interlocked operations, SLISTs, pools, lookaside lists, fast
 * mutexes, work items. Layouts are those of Windows x64; the lookaside helpers are inlined into
 * drivers.
 */
#include <wdm.h>

#ifndef _NT_EX_
#define _NT_EX_

#define InterlockedIncrement(p) __atomic_add_fetch((volatile LONG *)(p), 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement(p) __atomic_sub_fetch((volatile LONG *)(p), 1, __ATOMIC_SEQ_CST)
#define InterlockedIncrement64(p) __atomic_add_fetch((volatile LONG64 *)(p), 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement64(p) __atomic_sub_fetch((volatile LONG64 *)(p), 1, __ATOMIC_SEQ_CST)
#define InterlockedExchange(p, v)                                                                  \
    __atomic_exchange_n((volatile LONG *)(p), (LONG)(v), __ATOMIC_SEQ_CST)
#define InterlockedExchange64(p, v)                                                                \
    __atomic_exchange_n((volatile LONG64 *)(p), (LONG64)(v), __ATOMIC_SEQ_CST)
#define InterlockedExchangePointer(p, v)                                                           \
    __atomic_exchange_n((PVOID volatile *)(p), (PVOID)(v), __ATOMIC_SEQ_CST)
#define InterlockedExchangeAdd(p, v)                                                               \
    __atomic_fetch_add((volatile LONG *)(p), (LONG)(v), __ATOMIC_SEQ_CST)
#define InterlockedAdd(p, v) __atomic_add_fetch((volatile LONG *)(p), (LONG)(v), __ATOMIC_SEQ_CST)
#define InterlockedAdd64(p, v)                                                                     \
    __atomic_add_fetch((volatile LONG64 *)(p), (LONG64)(v), __ATOMIC_SEQ_CST)
#define InterlockedOr(p, v) __atomic_fetch_or((volatile LONG *)(p), (LONG)(v), __ATOMIC_SEQ_CST)
#define InterlockedAnd(p, v) __atomic_fetch_and((volatile LONG *)(p), (LONG)(v), __ATOMIC_SEQ_CST)
#define InterlockedXor(p, v) __atomic_fetch_xor((volatile LONG *)(p), (LONG)(v), __ATOMIC_SEQ_CST)
#define InterlockedCompareExchange(p, v, c)                                                        \
    __sync_val_compare_and_swap((volatile LONG *)(p), (LONG)(c), (LONG)(v))
#define InterlockedCompareExchange64(p, v, c)                                                      \
    __sync_val_compare_and_swap((volatile LONG64 *)(p), (LONG64)(c), (LONG64)(v))
#define InterlockedCompareExchangePointer(p, v, c)                                                 \
    __sync_val_compare_and_swap((PVOID volatile *)(p), (PVOID)(c), (PVOID)(v))
#define KeMemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define YieldProcessor() __asm__ volatile("pause" ::: "memory")

/* SLISTs: lock-free LIFO, 16-byte compare-exchange. Entries are 16-byte aligned. */
typedef struct DECLSPEC_ALIGN(16) _SLIST_ENTRY {
    struct _SLIST_ENTRY *Next;
} SLIST_ENTRY, *PSLIST_ENTRY;

typedef union DECLSPEC_ALIGN(16) _SLIST_HEADER {
    struct {
        ULONGLONG Alignment;
        ULONGLONG Region;
    };
    struct {
        ULONGLONG Depth : 16;
        ULONGLONG Sequence : 48;
        ULONGLONG Reserved : 4;
        ULONGLONG NextEntry : 60; /* address >> 4 */
    } HeaderX64;
} SLIST_HEADER, *PSLIST_HEADER;

FORCEINLINE VOID InitializeSListHead(_Out_ PSLIST_HEADER SListHead)
{
    SListHead->Alignment = 0;
    SListHead->Region = 0;
}
#define ExInitializeSListHead InitializeSListHead
/* Takes the entry pushed last; NULL when the list is empty. Any IRQL. The memory of entries may be
 * freed once they are off the list. WDK: ExInterlockedPopEntrySList. */
NTKERNELAPI PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(_Inout_ PSLIST_HEADER ListHead);
/* Puts an entry, 16-byte aligned, first; returns the one that was first before, or NULL. At most
 * 65535 entries. Any IRQL. WDK: ExInterlockedPushEntrySList. */
NTKERNELAPI PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(_Inout_ PSLIST_HEADER ListHead,
                                                            _Inout_ PSLIST_ENTRY ListEntry);
/* Takes all entries, linked by Next from the one pushed last; NULL when the list is empty. Any
 * IRQL. WDK: ExInterlockedFlushSList. */
NTKERNELAPI PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(_Inout_ PSLIST_HEADER ListHead);
/* Entries on the list at this moment. Any IRQL. WDK: ExQueryDepthSList. */
NTKERNELAPI USHORT NTAPI ExQueryDepthSList(_In_ PSLIST_HEADER ListHead);
#define InterlockedPopEntrySList ExpInterlockedPopEntrySList
#define InterlockedPushEntrySList ExpInterlockedPushEntrySList
#define InterlockedFlushSList ExpInterlockedFlushSList
#define ExInterlockedPopEntrySList(Head, Lock) ExpInterlockedPopEntrySList(Head)
#define ExInterlockedPushEntrySList(Head, Entry, Lock) ExpInterlockedPushEntrySList(Head, Entry)
#define QueryDepthSList ExQueryDepthSList

/*
 * Lists shared at any IRQL under a spin lock, which must be used with nothing but these routines.
 * List and lock are resident memory.
 */
/* Inserts at the head; returns the entry that was first before, or NULL. Any IRQL.
 * WDK: ExInterlockedInsertHeadList; book ch. 3. */
NTKERNELAPI PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(_Inout_ PLIST_ENTRY ListHead,
                                                          _Inout_ PLIST_ENTRY ListEntry,
                                                          _Inout_ PKSPIN_LOCK Lock);
/* Inserts at the tail; returns the entry that was last before, or NULL. Any IRQL.
 * WDK: ExInterlockedInsertTailList; book ch. 3. */
NTKERNELAPI PLIST_ENTRY NTAPI ExInterlockedInsertTailList(_Inout_ PLIST_ENTRY ListHead,
                                                          _Inout_ PLIST_ENTRY ListEntry,
                                                          _Inout_ PKSPIN_LOCK Lock);
/* Removes the first entry and returns it; NULL when the list is empty. Any IRQL.
 * WDK: ExInterlockedRemoveHeadList; book ch. 3. */
NTKERNELAPI PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(_Inout_ PLIST_ENTRY ListHead,
                                                          _Inout_ PKSPIN_LOCK Lock);

typedef enum _POOL_TYPE {
    NonPagedPool = 0,
    NonPagedPoolExecute = 0,
    PagedPool = 1,
    NonPagedPoolMustSucceed = 2,
    DontUseThisType = 3,
    NonPagedPoolCacheAligned = 4,
    PagedPoolCacheAligned = 5,
    NonPagedPoolCacheAlignedMustS = 6,
    MaxPoolType = 7,
    NonPagedPoolNx = 512,
    NonPagedPoolNxCacheAligned = 516
} POOL_TYPE;
#define POOL_RAISE_IF_ALLOCATION_FAILURE 16
#define POOL_ZERO_ALLOCATION 1024

typedef ULONG64 POOL_FLAGS;
#define POOL_FLAG_USE_QUOTA 0x0000000000000001ULL
#define POOL_FLAG_UNINITIALIZED 0x0000000000000002ULL
#define POOL_FLAG_SESSION 0x0000000000000004ULL
#define POOL_FLAG_CACHE_ALIGNED 0x0000000000000008ULL
#define POOL_FLAG_RAISE_ON_FAILURE 0x0000000000000020ULL
#define POOL_FLAG_NON_PAGED 0x0000000000000040ULL
#define POOL_FLAG_NON_PAGED_EXECUTE 0x0000000000000080ULL
#define POOL_FLAG_PAGED 0x0000000000000100ULL

/*
 * Pool memory is 16-byte aligned, from PAGE_SIZE bytes on page aligned, and never executable,
 * whatever type is asked for. It is the caller's until it is freed. Non-paged pool: IRQL <=
 * DISPATCH_LEVEL; paged pool, resident in this system: IRQL <= APC_LEVEL; a higher IRQL bugchecks
 * BAD_POOL_CALLER (8 to allocate, 9 to free). Tag: up to four characters, in reverse, that `pool`
 * accounts the memory under; 0 bugchecks.
 */

/*
 * Allocates NumberOfBytes, zeroed unless POOL_FLAG_UNINITIALIZED says else.
 *   Flags   exactly one of POOL_FLAG_NON_PAGED and POOL_FLAG_PAGED, and any of CACHE_ALIGNED,
 *           UNINITIALIZED, USE_QUOTA (there are no quotas: it changes nothing), RAISE_ON_FAILURE
 *           (failing bugchecks, because no handler could run)
 * NULL: memory is exhausted, or flags that are not listed here, such as
 * POOL_FLAG_NON_PAGED_EXECUTE; unknown flags from bit 32 up are ignored. WDK: ExAllocatePool2; book
 * ch. 3 and 8.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePool2(_In_ POOL_FLAGS Flags, _In_ SIZE_T NumberOfBytes,
                                        _In_ ULONG Tag);

/* Allocates NumberOfBytes, contents undefined unless PoolType has POOL_ZERO_ALLOCATION; NULL when
 * memory is exhausted, or a bugcheck with POOL_RAISE_IF_ALLOCATION_FAILURE. 0 bytes give a smallest
 * block. The must-succeed types bugcheck BAD_POOL_CALLER (9Ah). WDK: ExAllocatePoolWithTag. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePoolWithTag(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes,
                                              _In_ ULONG Tag);

/* ExAllocatePoolWithTag with the tag "None". WDK: ExAllocatePool. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePool(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes);

/*
 * Frees a block of any of the routines above. Tag is the one it was allocated with, or 0 for any.
 * Bugchecks BAD_POOL_CALLER: 7 freed twice, Ah another tag, 46h not the start of an allocation; and
 * BAD_POOL_HEADER (20h) when the block's header, or the one behind the block, has been overwritten.
 * WDK: ExFreePoolWithTag.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExFreePoolWithTag(_In_ PVOID P, _In_ ULONG Tag);

/* ExFreePoolWithTag with tag 0. WDK: ExFreePool. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExFreePool(_In_ PVOID P);

typedef PVOID NTAPI ALLOCATE_FUNCTION(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes,
                                      _In_ ULONG Tag);
typedef ALLOCATE_FUNCTION *PALLOCATE_FUNCTION;
typedef VOID NTAPI FREE_FUNCTION(_In_ PVOID Buffer);
typedef FREE_FUNCTION *PFREE_FUNCTION;

typedef struct DECLSPEC_ALIGN(64) _GENERAL_LOOKASIDE {
    union {
        SLIST_HEADER ListHead;
        SINGLE_LIST_ENTRY SingleListHead;
    };
    USHORT Depth;
    USHORT MaximumDepth;
    ULONG TotalAllocates;
    union {
        ULONG AllocateMisses;
        ULONG AllocateHits;
    };
    ULONG TotalFrees;
    union {
        ULONG FreeMisses;
        ULONG FreeHits;
    };
    POOL_TYPE Type;
    ULONG Tag;
    ULONG Size;
    PALLOCATE_FUNCTION Allocate;
    PFREE_FUNCTION Free;
    LIST_ENTRY ListEntry;
    ULONG LastTotalAllocates;
    union {
        ULONG LastAllocateMisses;
        ULONG LastAllocateHits;
    };
    ULONG Future[2];
} GENERAL_LOOKASIDE, *PGENERAL_LOOKASIDE;

typedef struct _NPAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
} NPAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST;
typedef struct _PAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
} PAGED_LOOKASIDE_LIST, *PPAGED_LOOKASIDE_LIST;

/*
 * Makes a lookaside list for blocks of Size bytes, empty. The list itself is resident memory,
 * 16-byte aligned.
 *   Allocate, Free  where blocks come from and go to; NULL: the pool
 *   Flags           0 or POOL_RAISE_IF_ALLOCATION_FAILURE
 *   Tag             of the blocks, when they are from the pool
 *   Depth           0; reserved
 * Ends with ExDelete...; WDK: ExInitializePagedLookasideList; book ch. 8.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExInitializePagedLookasideList(_Out_ PPAGED_LOOKASIDE_LIST Lookaside,
                                                      _In_opt_ PALLOCATE_FUNCTION Allocate,
                                                      _In_opt_ PFREE_FUNCTION Free,
                                                      _In_ ULONG Flags, _In_ SIZE_T Size,
                                                      _In_ ULONG Tag, _In_ USHORT Depth);
/* Frees the blocks that the list holds; blocks taken from it are to be freed by their owner before.
 * Nobody uses the list any more. WDK: ExDeletePagedLookasideList. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExDeletePagedLookasideList(_Inout_ PPAGED_LOOKASIDE_LIST Lookaside);
/* The same for blocks of non-paged pool. WDK: ExInitializeNPagedLookasideList. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExInitializeNPagedLookasideList(_Out_ PNPAGED_LOOKASIDE_LIST Lookaside,
                                                       _In_opt_ PALLOCATE_FUNCTION Allocate,
                                                       _In_opt_ PFREE_FUNCTION Free,
                                                       _In_ ULONG Flags, _In_ SIZE_T Size,
                                                       _In_ ULONG Tag, _In_ USHORT Depth);
/* As ExDeletePagedLookasideList. WDK: ExDeleteNPagedLookasideList. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExDeleteNPagedLookasideList(_Inout_ PNPAGED_LOOKASIDE_LIST Lookaside);

/* Takes an entry from the list, or from the list's allocator when it is empty; NULL when that
 * fails. Shared by both kinds of list. Not part of the WDK's interface. */
FORCEINLINE PVOID ExpAllocateFromGeneralLookaside(_Inout_ PGENERAL_LOOKASIDE L)
{
    PVOID Entry;
    L->TotalAllocates += 1;
    Entry = InterlockedPopEntrySList(&L->ListHead);
    if (Entry == NULL) {
        L->AllocateMisses += 1;
        Entry = L->Allocate(L->Type, L->Size, L->Tag);
    }
    return Entry;
}
/* Gives an entry back to the list, or to the list's allocator when the list is full. */
FORCEINLINE VOID ExpFreeToGeneralLookaside(_Inout_ PGENERAL_LOOKASIDE L, _In_ PVOID Entry)
{
    L->TotalFrees += 1;
    if (L->ListHead.HeaderX64.Depth >= L->Depth) {
        L->FreeMisses += 1;
        L->Free(Entry);
    } else {
        InterlockedPushEntrySList(&L->ListHead, (PSLIST_ENTRY)Entry);
    }
}
#define ExAllocateFromPagedLookasideList(List) ExpAllocateFromGeneralLookaside(&(List)->L)
#define ExFreeToPagedLookasideList(List, Entry) ExpFreeToGeneralLookaside(&(List)->L, Entry)
#define ExAllocateFromNPagedLookasideList(List) ExpAllocateFromGeneralLookaside(&(List)->L)
#define ExFreeToNPagedLookasideList(List, Entry) ExpFreeToGeneralLookaside(&(List)->L, Entry)

typedef struct _FAST_MUTEX {
    LONG Count; /* 1 free, 0 owned, < 0 owned with waiters */
    PVOID Owner;
    ULONG Contention;
    KEVENT Event;
    ULONG OldIrql;
} FAST_MUTEX, *PFAST_MUTEX;

#define FM_LOCK_BIT 0x1
/* Makes a fast mutex, free. Any IRQL; memory must be non-paged. WDK: ExInitializeFastMutex. */
FORCEINLINE VOID ExInitializeFastMutex(_Out_ PFAST_MUTEX FastMutex)
{
    FastMutex->Count = FM_LOCK_BIT;
    FastMutex->Owner = NULL;
    FastMutex->Contention = 0;
    KeInitializeEvent(&FastMutex->Event, SynchronizationEvent, FALSE);
}

/* Takes the mutex, waiting for it, and raises to APC_LEVEL. Taking it twice bugchecks
 * DRIVER_VERIFIER_DETECTED_VIOLATION (1000h). WDK: ExAcquireFastMutex; book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExAcquireFastMutex(_Inout_ PFAST_MUTEX FastMutex);

/* Gives it back and returns to the IRQL from before. At APC_LEVEL. A thread that does not own it
 * bugchecks THREAD_NOT_MUTEX_OWNER. WDK: ExReleaseFastMutex. */
_IRQL_requires_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseFastMutex(_Inout_ PFAST_MUTEX FastMutex);

/* As ExAcquireFastMutex, but FALSE at once, with the IRQL as it was, when somebody has the mutex.
 * WDK: ExTryToAcquireFastMutex. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExTryToAcquireFastMutex(_Inout_ PFAST_MUTEX FastMutex);

/* Take and give back without touching the IRQL: at APC_LEVEL, or in a critical or guarded region;
 * elsewhere they bugcheck. WDK: ExAcquireFastMutexUnsafe, ExReleaseFastMutexUnsafe. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExAcquireFastMutexUnsafe(_Inout_ PFAST_MUTEX FastMutex);
/* The counterpart of ExAcquireFastMutexUnsafe. WDK: ExReleaseFastMutexUnsafe. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseFastMutexUnsafe(_Inout_ PFAST_MUTEX FastMutex);

typedef enum _WORK_QUEUE_TYPE {
    CriticalWorkQueue,
    DelayedWorkQueue,
    HyperCriticalWorkQueue,
    NormalWorkQueue,
    BackgroundWorkQueue,
    RealTimeWorkQueue,
    SuperCriticalWorkQueue,
    MaximumWorkQueue,
    CustomPriorityWorkQueue = 32
} WORK_QUEUE_TYPE;

typedef VOID NTAPI WORKER_THREAD_ROUTINE(_In_ PVOID Parameter);
typedef WORKER_THREAD_ROUTINE *PWORKER_THREAD_ROUTINE;
typedef struct _WORK_QUEUE_ITEM {
    LIST_ENTRY List;
    PWORKER_THREAD_ROUTINE WorkerRoutine;
    PVOID Parameter;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;
/* Makes a work item for Routine(Context). Once; it may be queued again as soon as its routine
 * runs. */
#define ExInitializeWorkItem(Item, Routine, Context)                                               \
    {                                                                                              \
        (Item)->WorkerRoutine = (Routine);                                                         \
        (Item)->Parameter = (Context);                                                             \
        (Item)->List.Flink = NULL;                                                                 \
    }

/*
 * Has the item's routine called at PASSIVE_LEVEL by a system worker thread. The item, resident
 * memory, belongs to the queue until the routine runs; the routine may free it.
 *   QueueType   a queue, or CustomPriorityWorkQueue + priority (0..31): the worker's priority
 * The routine returns at PASSIVE_LEVEL and outside of critical regions, else
 * WORKER_THREAD_RETURNED_AT_BAD_IRQL or APC_INDEX_MISMATCH. WORKER_INVALID: 1 the item is queued
 * already, 4 its routine is no kernel address, 6 no such queue. WDK: ExQueueWorkItem; book ch. 6.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExQueueWorkItem(_Inout_ PWORK_QUEUE_ITEM WorkItem,
                                       _In_ WORK_QUEUE_TYPE QueueType);

C_ASSERT(sizeof(SLIST_HEADER) == 16 && sizeof(FAST_MUTEX) == 0x38);
C_ASSERT(sizeof(GENERAL_LOOKASIDE) == 0x80 && offsetof(GENERAL_LOOKASIDE, ListEntry) == 0x40);
C_ASSERT(sizeof(WORK_QUEUE_ITEM) == 0x20);

#endif
