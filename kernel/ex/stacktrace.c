/*
 * stacktrace.c - who allocated and freed each block of pool, opened and closed each handle: stacks,
 * kept by the debug kernel when the command line has `stacktraces=1`.
 *
 * A stack is walked before the lock is taken: the walk takes microseconds and needs nothing but the
 * stack. Blocks have a table (blocktable.h), handles a ring of their last events. With stacks on,
 * all allocations take the pools' general path, at whose end there is the one place where they are
 * noted; blocks are marked freed while their address is still nobody else's, so records come in the
 * order in which things happened. What was allocated before the start is not known.
 *
 * Memory is taken once, at the start; nothing here allocates, or calls into what allocates. Reports
 * are in tracereport.c, commands in tracecommand.c.
 */
#include <ntifs.h>
#include "pool.h"
#include "tracestore.h"

#if DBG

#define EX_TRACE_TAG 'kctS' /* "Stck" in memory */
#define EX_TRACED_BLOCKS 16384U
#define EX_HANDLE_EVENTS 8192U
/* Frames of the pools' own that may stand before the caller's. */
#define EX_OWN_FRAMES 8

static BOOLEAN ExpTracesOn;              /* set once */
static KSPIN_LOCK ExpTraceLock;          /* takes no other lock */
static EX_BLOCK_TABLE ExpTracedBlocks;   /* ExpTraceLock */
static PEX_HANDLE_EVENT ExpHandleEvents; /* ExpTraceLock; a ring */
static ULONG64 ExpHandleEventCount;      /* ExpTraceLock */
static const ULONG ExpHandleRoom __attribute__((used)) = EX_HANDLE_EVENTS; /* for gdb */
static PHANDLE_TABLE ExpSkippedTable; /* set once, before there are others */
KI_RANKED_LOCK(ExpTraceLock, LOCK_ORDER_EX_TRACE);

void ExStartStackTraces(void)
{
    SIZE_T BlockBytes = EX_BLOCK_TABLE_BYTES(EX_TRACED_BLOCKS);
    PVOID Blocks = ExAllocatePool2(POOL_FLAG_NON_PAGED, BlockBytes, EX_TRACE_TAG);
    PVOID Events = ExAllocatePool2(POOL_FLAG_NON_PAGED, EX_HANDLE_EVENTS * sizeof(EX_HANDLE_EVENT),
                                   EX_TRACE_TAG);

    if (Blocks == NULL || Events == NULL) {
        KdPrintf("stacktraces: there is too little memory\n");
        goto Failed;
    }
    ExpInitializeBlocks(&ExpTracedBlocks, Blocks, EX_TRACED_BLOCKS);
    ExpHandleEvents = Events;
    ExpTracesOn = TRUE;
    ExpChoosePoolPath();
    return;

Failed:
    if (Blocks != NULL) {
        ExFreePoolWithTag(Blocks, EX_TRACE_TAG);
    }
    if (Events != NULL) {
        ExFreePoolWithTag(Events, EX_TRACE_TAG);
    }
}

BOOLEAN ExAreStackTracesOn(void)
{
    return ExpTracesOn;
}

/* The stack from Caller outwards; NULL, or not found: without this routine and the one that calls
 * it. */
static __attribute__((noinline)) void ExpCaptureStack(PEX_STACK Stack, PVOID Caller)
{
    PVOID Frames[EX_STACK_FRAMES + EX_OWN_FRAMES];
    PKTHREAD Thread = KeGetCurrentThread();
    ULONG Count = RtlCaptureStackBackTrace(2, ARRAYSIZE(Frames), Frames, NULL);
    ULONG First = 0;

    while (First < Count && Frames[First] != Caller) {
        First++;
    }
    if (First == Count) {
        First = 0;
    }
    Stack->Process = (ULONG)(ULONG_PTR)Thread->Cid.UniqueProcess;
    Stack->Thread = (ULONG)(ULONG_PTR)Thread->Cid.UniqueThread;
    Stack->Count = min(Count - First, EX_STACK_FRAMES);
    memcpy(Stack->Frames, &Frames[First], Stack->Count * sizeof(PVOID));
}

void ExTraceAllocation(PVOID Block, SIZE_T Size, ULONG Tag, PVOID Caller)
{
    EX_STACK Stack;
    PEX_BLOCK Record;
    KIRQL OldIrql;

    if (!ExpTracesOn) {
        return;
    }
    ExpCaptureStack(&Stack, Caller);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpTraceLock);
    Record = ExpEnterBlock(&ExpTracedBlocks, (ULONG_PTR)Block, Size, Tag);
    if (Record != NULL) {
        Record->Allocation = Stack;
    }
    KeReleaseSpinLock(&ExpTraceLock, OldIrql);
}

void ExTraceFree(PVOID Block, PVOID Caller)
{
    EX_STACK Stack;
    PEX_BLOCK Record;
    KIRQL OldIrql;

    if (!ExpTracesOn) {
        return;
    }
    ExpCaptureStack(&Stack, Caller);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpTraceLock);
    Record = ExpFindBlock(&ExpTracedBlocks, (ULONG_PTR)Block);
    if (Record != NULL && !Record->Freed) {
        Record->Free = Stack;
        ExpMarkFreed(&ExpTracedBlocks, Record);
    }
    KeReleaseSpinLock(&ExpTraceLock, OldIrql);
}

void ExTraceHandle(PHANDLE_TABLE Table, HANDLE Handle, BOOLEAN Opened, PVOID Caller)
{
    EX_HANDLE_EVENT Event = {.Table = Table, .Handle = Handle, .Opened = Opened};
    KIRQL OldIrql;

    if (!ExpTracesOn || Table == ExpSkippedTable) {
        return;
    }
    ExpCaptureStack(&Event.Stack, Caller);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpTraceLock);
    ExpHandleEvents[ExpHandleEventCount++ % EX_HANDLE_EVENTS] = Event;
    KeReleaseSpinLock(&ExpTraceLock, OldIrql);
}

/* Before its memory may become another table. */
void ExForgetHandleTraces(PHANDLE_TABLE Table)
{
    KIRQL OldIrql;

    if (!ExpTracesOn) {
        return;
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpTraceLock);
    for (ULONG i = 0; i < EX_HANDLE_EVENTS; i++) {
        if (ExpHandleEvents[i].Table == Table) {
            ExpHandleEvents[i].Table = NULL;
        }
    }
    KeReleaseSpinLock(&ExpTraceLock, OldIrql);
}

void ExSkipHandleTraces(PHANDLE_TABLE Table)
{
    ExpSkippedTable = Table;
}

/*** For who shows it. ***/

void ExpQueryTraceCounts(EX_TRACE_COUNTS *Counts)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpTraceLock);

    *Counts = (EX_TRACE_COUNTS){.Live = ExpTracedBlocks.Live,
                                .Freed = ExpTracedBlocks.Used - ExpTracedBlocks.Live,
                                .Capacity = ExpTracedBlocks.Capacity,
                                .Lost = ExpTracedBlocks.Lost,
                                .HandleEvents = ExpHandleEventCount,
                                .HandleCapacity = EX_HANDLE_EVENTS};
    KeReleaseSpinLock(&ExpTraceLock, OldIrql);
}

BOOLEAN ExpCopyBlock(ULONG Index, PEX_BLOCK Copy)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpTraceLock);
    BOOLEAN Known = (BOOLEAN)(Index < ExpTracedBlocks.Used);

    if (Known) {
        *Copy = ExpTracedBlocks.Blocks[Index];
    }
    KeReleaseSpinLock(&ExpTraceLock, OldIrql);
    return Known;
}

const EX_BLOCK *ExpPeekBlockAround(ULONG_PTR Address)
{
    return ExpFindBlockAround(&ExpTracedBlocks, Address, sizeof(POOL_HEADER));
}

BOOLEAN ExpCopyBlockAround(ULONG_PTR Address, PEX_BLOCK Copy)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpTraceLock);
    const EX_BLOCK *Block = ExpPeekBlockAround(Address);

    if (Block != NULL) {
        *Copy = *Block;
    }
    KeReleaseSpinLock(&ExpTraceLock, OldIrql);
    return (BOOLEAN)(Block != NULL);
}

BOOLEAN ExpCopyHandleEvent(ULONG64 Number, PEX_HANDLE_EVENT Copy)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpTraceLock);
    BOOLEAN Known =
        (BOOLEAN)(Number < ExpHandleEventCount && Number + EX_HANDLE_EVENTS >= ExpHandleEventCount);

    if (Known) {
        *Copy = ExpHandleEvents[Number % EX_HANDLE_EVENTS];
    }
    KeReleaseSpinLock(&ExpTraceLock, OldIrql);
    return Known;
}

#endif
