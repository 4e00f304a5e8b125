/* ex.h - executive support inside the kernel: pool statistics, handle tables, work queues. */
#ifndef _EX_PRIVATE_H_
#define _EX_PRIVATE_H_

#include <ntddk.h>

/* Pools, usable after MmInitSystem. */
void ExInitializePools(void);
/* Pool figures per kind, for the `pool` command and leak tests. */
typedef struct _EX_POOL_STATISTICS {
    ULONG64 Allocations, Frees, BytesInUse, PagesInUse;
} EX_POOL_STATISTICS;
void ExQueryPoolStatistics(POOL_TYPE PoolType, EX_POOL_STATISTICS *Statistics);

/* Work queues and their threads; phase 1. */
void ExInitSystem(void);

/*
 * Handle tables: HANDLE (multiple of 4) -> pointer and 32 bits of attributes. Also used for process and thread ids.
 * IRQL <= APC_LEVEL. An entry found is locked until ExUnlockHandleTableEntry, so that a reference can be taken on
 * what it points to before somebody closes it.
 */
typedef struct _HANDLE_TABLE *PHANDLE_TABLE;
typedef struct _HANDLE_TABLE_ENTRY {
    PVOID Object; /* NULL: free */
    ULONG GrantedAccess;
    ULONG Attributes;
} HANDLE_TABLE_ENTRY, *PHANDLE_TABLE_ENTRY;

PHANDLE_TABLE ExCreateHandleTable(void);
void ExDestroyHandleTable(PHANDLE_TABLE Table); /* must be empty */
HANDLE ExCreateHandle(PHANDLE_TABLE Table, const HANDLE_TABLE_ENTRY *Entry); /* NULL when out of memory */
PHANDLE_TABLE_ENTRY ExLockHandleTableEntry(PHANDLE_TABLE Table, HANDLE Handle); /* NULL: no such handle */
void ExUnlockHandleTableEntry(PHANDLE_TABLE Table, PHANDLE_TABLE_ENTRY Entry);
/* Frees a locked entry (and unlocks it). */
void ExDestroyHandle(PHANDLE_TABLE Table, HANDLE Handle, PHANDLE_TABLE_ENTRY Entry);
ULONG ExQueryHandleCount(PHANDLE_TABLE Table);

#endif
