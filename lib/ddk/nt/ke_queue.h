/*
 * nt/ke_queue.h - kernel queues (book ch. 6): work for a pool of threads, of which only so many run
 * at a time. An entry is any structure with a LIST_ENTRY; the queue keeps no memory of its own.
 */
#include <wdm.h>

#ifndef _NT_KE_QUEUE_
#define _NT_KE_QUEUE_

typedef struct _KQUEUE {
    DISPATCHER_HEADER Header; /* SignalState: entries in the list */
    LIST_ENTRY EntryListHead;
    volatile ULONG CurrentCount; /* threads of the queue that are not waiting */
    ULONG MaximumCount;
    LIST_ENTRY ThreadListHead;
} KQUEUE, *PKQUEUE, *PRKQUEUE;
C_ASSERT(sizeof(KQUEUE) == 0x40);

/* Makes a queue whose entries keep at most Count threads busy; 0: as many as processors. Any IRQL;
 * non-paged memory. WDK (ntifs): KeInitializeQueue; book ch. 6. */
NTKERNELAPI VOID NTAPI KeInitializeQueue(_Out_ PRKQUEUE Queue, _In_ ULONG Count);
/* Adds Entry at the end, or hands it to a thread that waits when fewer than the maximum are busy.
 * Returns the number of entries before. WDK (ntifs): KeInsertQueue. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeInsertQueue(_Inout_ PRKQUEUE Queue, _Inout_ PLIST_ENTRY Entry);
/* As KeInsertQueue, but at the front. WDK (ntifs): KeInsertHeadQueue. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeInsertHeadQueue(_Inout_ PRKQUEUE Queue, _Inout_ PLIST_ENTRY Entry);
/* Takes the first entry, waiting for one as KeWaitForSingleObject does; the calling thread belongs
 * to the queue from its first call until it calls for another queue or ends. Of several waiting
 * threads the last comes first. Returns the entry, or STATUS_TIMEOUT, STATUS_USER_APC or
 * STATUS_ABANDONED (the queue is being run down) as a pointer. IRQL <= APC_LEVEL, or DISPATCH_LEVEL
 * with a timeout of 0. WDK (ntifs): KeRemoveQueue. */
NTKERNELAPI PLIST_ENTRY NTAPI KeRemoveQueue(_Inout_ PRKQUEUE Queue, _In_ KPROCESSOR_MODE WaitMode,
                                            _In_opt_ PLARGE_INTEGER Timeout);
/* Entries in the list. Any IRQL. WDK (ntifs): KeReadStateQueue. */
NTKERNELAPI LONG NTAPI KeReadStateQueue(_In_ PRKQUEUE Queue);
/* Ends the queue: threads that wait get STATUS_ABANDONED, those that belong to it leave it. Returns
 * the entries left, linked in a circle without a head, or NULL. The memory is the caller's again.
 * WDK (ntifs): KeRundownQueue. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PLIST_ENTRY NTAPI KeRundownQueue(_Inout_ PRKQUEUE Queue);

#endif
