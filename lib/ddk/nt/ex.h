/*
 * nt/ex.h - executive support: interlocked operations, SLISTs, fast mutexes, work items. Layouts
 * are those of Windows x64.
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

/* Makes a list head, empty. The head is 16-byte aligned and resident. Any IRQL.
 * WDK: ExInitializeSListHead; book ch. 3. */
NTKERNELAPI VOID NTAPI InitializeSListHead(_Out_ PSLIST_HEADER SListHead);
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
C_ASSERT(sizeof(WORK_QUEUE_ITEM) == 0x20);

#endif
