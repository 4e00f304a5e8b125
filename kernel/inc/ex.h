/*
 * ex.h - executive support inside the kernel: pool statistics, handle tables, work queues.
 */
#ifndef _EX_PRIVATE_H_
#define _EX_PRIVATE_H_

#include <ntddk.h>

/* Makes the pools usable. Once, right after MmInitSystem, interrupts off. */
void ExInitializePools(void);

/* Totals of one kind of pool (NonPagedPool or PagedPool), over all tags. Exact while nobody is
 * inside the pools. BytesInUse counts whole blocks, PagesInUse also what the kernel keeps for
 * reuse. Any IRQL. */
typedef struct _EX_POOL_STATISTICS {
    ULONG64 Allocations, Frees, BytesInUse, PagesInUse;
} EX_POOL_STATISTICS;
void ExQueryPoolStatistics(POOL_TYPE PoolType, EX_POOL_STATISTICS *Statistics);

/*
 * Calls Callback, which may be NULL, for each place in the module [Base, Base + Size) that has
 * allocated pool memory which is not freed yet: Count blocks, Bytes in whole blocks, under Tag, by
 * a call that returns to Caller. Returns the blocks of all of them. Exact while the module is not
 * inside the pools. Any IRQL, and the callback's.
 */
typedef void EX_POOL_CALLBACK(ULONG Tag, PVOID Caller, ULONG64 Count, ULONG64 Bytes, PVOID Context);
ULONG64 ExQueryModulePool(PVOID Base, SIZE_T Size, EX_POOL_CALLBACK *Callback, PVOID Context);
/* Whoever keeps blocks in stock takes them from the pools instead, and gives them back: there are
 * rules for failures, and the pools refuse what those say, or stacks are kept of who has what. */
extern volatile BOOLEAN ExStocksPassed;
/* A block of non-paged pool that no rule refuses: for who asks again until he gets it. NULL: memory
 * is exhausted. IRQL <= DISPATCH_LEVEL. */
PVOID ExAllocateUnrefused(SIZE_T Size, ULONG Tag);
/* The module at these addresses is gone: what it has allocated counts under its tags alone, and
 * nothing is held against the next module there. Before the addresses are given out again; any
 * IRQL. */
void ExForgetModulePool(PVOID Base, SIZE_T Size);

/* Pages that a driver has got from mm for Caller count like non-paged pool under a tag.
 * ExAccountPages returns what ExReleasePages wants to know. IRQL <= DISPATCH_LEVEL. */
USHORT ExAccountPages(ULONG Tag, PVOID Caller, SIZE_T Pages);
void ExReleasePages(USHORT Owner, SIZE_T Pages);

/* The block of pool that Address lies in, and the routine's return address that allocated it.
 * FALSE: in none that is in use. Its page must be there. For crashes: any IRQL, no locks. */
typedef struct _EX_POOL_BLOCK {
    PVOID Base;
    SIZE_T Size; /* bytes that it has room for */
    ULONG Tag;
    PVOID Caller;
} EX_POOL_BLOCK;
BOOLEAN ExQueryPoolBlock(PVOID Address, EX_POOL_BLOCK *Block);

/* A lookaside list in [Start, Start + Size) that has not been deleted, or NULL: the memory is about
 * to go. IRQL <= DISPATCH_LEVEL. */
PVOID ExFindLookasideList(PVOID Start, SIZE_T Size);
/* Has lookaside lists' depths set once a second from now on. Phase 1, once. */
void ExStartLookasideTuning(void);

/* Thread's object is about to go: resources that the thread owns do not look at it any more. IRQL
 * <= DISPATCH_LEVEL. */
void ExForgetOwner(PKTHREAD Thread);

/* Where ExpInterlockedPopEntrySList reads an entry that may be gone, and where it starts again: a
 * page fault at the first address is not an error but continues at the second. */
extern const UCHAR ExpInterlockedPopEntrySListFault[], ExpInterlockedPopEntrySListResume[];

/* Reads like that one, inline: where each is, and where it goes on when there is a page fault. */
typedef struct _EX_READ_FIXUP {
    ULONG64 Read, Otherwise;
} EX_READ_FIXUP;
extern const EX_READ_FIXUP KiReadFixupsStart[], KiReadFixupsEnd[];

/* Starts the work queues' threads, and the memory conditions. Phase 1, PASSIVE_LEVEL. Bugchecks
 * PHASE1_INITIALIZATION_FAILED. */
void ExInitSystem(void);

/* Makes the memory condition events in \KernelObjects and keeps them from then on. Phase 1,
 * PASSIVE_LEVEL. Bugchecks PHASE1_INITIALIZATION_FAILED. */
void ExInitializeConditions(void);

/* The tag of a small pool block in use and, in the upper half, its bytes. Any IRQL. */
ULONG64 ExDescribePoolBlock(PVOID Block);

/* A worker thread's Routine, called for Item with Parameter, has returned: bugchecks
 * WORKER_THREAD_RETURNED_AT_BAD_IRQL or, when it stayed in a critical or guarded region or kept a
 * mutex, APC_INDEX_MISMATCH, when it stayed attached, INVALID_PROCESS_ATTACH_ATTEMPT; and takes
 * back a system affinity. */
void ExCheckWorkerState(PVOID Routine, PVOID Parameter, PVOID Item);

/*
 * Handle tables: HANDLE (a multiple of 4, from 4 up, at most 8M handles) -> pointer and 64 bits
 * that belong to the table's owner. Also used for process and thread ids. IRQL <= APC_LEVEL for all
 * of them.
 */
typedef struct _HANDLE_TABLE *PHANDLE_TABLE;
#define EX_ENTRY_USED 0x1
#define EX_ENTRY_LOCKED 0x2
#define EX_ENTRY_WAITED 0x4
typedef struct _HANDLE_TABLE_ENTRY {
    PVOID Object;
    ULONG GrantedAccess;
    ULONG Attributes;
    volatile LONG State; /* ex's: EX_ENTRY_* */
    union {
        ULONG NextFree; /* ex's, of an entry that is not in use */
        ULONG Opener;   /* the owner's, as Attributes */
    };
} HANDLE_TABLE_ENTRY, *PHANDLE_TABLE_ENTRY;

/* A new table, empty; NULL when memory is exhausted. Ends with ExDestroyHandleTable, which requires
 * that every handle has been destroyed and nobody uses the table any more. */
PHANDLE_TABLE ExCreateHandleTable(void);
void ExDestroyHandleTable(PHANDLE_TABLE Table);

/* Makes a handle for a copy of *Entry, whose State is 0; NULL when memory is exhausted or the table
 * is full. The value that was free longest is used again first. */
HANDLE ExCreateHandle(PHANDLE_TABLE Table, const HANDLE_TABLE_ENTRY *Entry);

/* The same with a given value, not below those made before; of a table that nobody else knows.
 * FALSE: memory is exhausted. */
BOOLEAN ExInsertHandleAt(PHANDLE_TABLE Table, HANDLE Handle, const HANDLE_TABLE_ENTRY *Entry);

/*
 * The entry of a handle, locked: it stays, and nobody else gets it, until ExUnlockHandleTableEntry
 * or ExDestroyHandle, so that a reference can be taken on what it points to before somebody closes
 * it. NULL: no such handle. Waits while another thread has it locked. The thread is in a critical
 * region as long as it holds the lock. ExUnlockHandleTableEntry is in handleunlock.h.
 */
PHANDLE_TABLE_ENTRY ExLockHandleTableEntry(PHANDLE_TABLE Table, HANDLE Handle);
/* Frees the locked entry of Handle, which ends the lock. */
void ExDestroyHandle(PHANDLE_TABLE Table, HANDLE Handle, PHANDLE_TABLE_ENTRY Entry);
/* The next handle in use after *Handle, in order of their values; NULL begins. It may be closed by
 * now. FALSE: there is none. */
BOOLEAN ExNextHandle(PHANDLE_TABLE Table, HANDLE *Handle);
/* Handles in use. Any IRQL. */
ULONG ExQueryHandleCount(PHANDLE_TABLE Table);

#endif
