/*
 * tracestore.h - private to ex, debug kernel: what stacktrace.c keeps, for tracecommand.c and
 * tracereport.c, which show it.
 */
#ifndef _EX_TRACESTORE_H_
#define _EX_TRACESTORE_H_

#include "blocktable.h"
#include "kd.h"
#include "stacktrace.h"

typedef struct _EX_HANDLE_EVENT {
    PHANDLE_TABLE Table; /* NULL: gone */
    HANDLE Handle;       /* its value in the table */
    BOOLEAN Opened;      /* else closed */
    EX_STACK Stack;
} EX_HANDLE_EVENT, *PEX_HANDLE_EVENT;

typedef struct _EX_TRACE_COUNTS {
    ULONG Live, Freed; /* blocks whose stacks are known */
    ULONG Capacity;
    ULONG64 Lost;         /* blocks that there was no room for */
    ULONG64 HandleEvents; /* since the start */
    ULONG HandleCapacity; /* the last of them are kept */
} EX_TRACE_COUNTS;

/* All of these take the lock for a moment. IRQL <= DISPATCH_LEVEL. */
void ExpQueryTraceCounts(EX_TRACE_COUNTS *Counts);
/* The Index-th record, of whatever block. FALSE: there are no more. */
BOOLEAN ExpCopyBlock(ULONG Index, PEX_BLOCK Copy);
/* The block that Address lies in, or lay in last. FALSE: none that is known. */
BOOLEAN ExpCopyBlockAround(ULONG_PTR Address, PEX_BLOCK Copy);
/* The Number-th event since the start. FALSE: it is not kept any more, or has not been yet. */
BOOLEAN ExpCopyHandleEvent(ULONG64 Number, PEX_HANDLE_EVENT Copy);

/* After a crash: the block around Address without the lock. */
const EX_BLOCK *ExpPeekBlockAround(ULONG_PTR Address);

/* Blocks in use that were allocated in the same way. */
typedef struct _EX_STACK_GROUP {
    ULONG Tag;
    ULONG Count;
    ULONG64 Bytes;
    EX_STACK Stack; /* of one of them */
} EX_STACK_GROUP, *PEX_STACK_GROUP;
#define EX_STACK_GROUPS 64

/* Which blocks are wanted. */
typedef struct _EX_BLOCK_FILTER {
    const char *Pattern; /* of tags; NULL: Tag alone */
    ULONG Tag;
    PVOID Caller; /* the innermost frame; NULL: any */
} EX_BLOCK_FILTER;

/* Fills in groups, those of most bytes first, and how many blocks there was no group left for.
 * Returns their number. The caller has room for EX_STACK_GROUPS. PASSIVE_LEVEL. */
ULONG ExpGroupBlocks(const EX_BLOCK_FILTER *Filter, PEX_STACK_GROUP Groups, PULONG Others);

/* A line for each frame; a block with its stacks. Console NULL: to the debug port. */
void ExpPrintStack(PKD_CONSOLE Console, const char *Indent, const EX_STACK *Stack);
void ExpPrintBlock(PKD_CONSOLE Console, const EX_BLOCK *Block);

#endif
