/*
 * blocktable.h - private to ex, debug kernel: a table of bounded size of what has become of blocks
 * of memory, by address. Pure: the caller has its memory and its lock.
 *
 * A block's record stays when the block is freed, for whoever uses or frees it again, until its
 * address is given out anew or its place is needed: the block that was freed first goes first. When
 * all records are of blocks in use, further blocks have none, which is counted.
 */
#ifndef _EX_BLOCKTABLE_H_
#define _EX_BLOCKTABLE_H_

#include <ntddk.h>

#define EX_STACK_FRAMES 16

/* Who did something, and how he got there: return addresses, the innermost first. */
typedef struct _EX_STACK {
    ULONG Process, Thread; /* ids */
    ULONG Count;
    PVOID Frames[EX_STACK_FRAMES];
} EX_STACK, *PEX_STACK;

typedef struct _EX_BLOCK {
    ULONG_PTR Address;
    SIZE_T Size;    /* as asked for */
    ULONG64 Number; /* of its last event; larger for later ones */
    ULONG Tag;
    ULONG NextInBucket; /* record's number + 1; 0: none */
    ULONG NextFreed, PreviousFreed;
    BOOLEAN Freed;
    EX_STACK Allocation, Free;
} EX_BLOCK, *PEX_BLOCK;

/* Lists of freed blocks: record's number + 1; 0: none. */
typedef struct _EX_BLOCK_TABLE {
    PEX_BLOCK Blocks;
    ULONG *Buckets;
    ULONG Capacity; /* a power of two */
    ULONG Used;     /* records that are or were some block's */
    ULONG Live;     /* of blocks in use */
    ULONG FirstFreed, LastFreed;
    ULONG64 Events;
    ULONG64 Lost; /* blocks that there was no record for */
} EX_BLOCK_TABLE, *PEX_BLOCK_TABLE;

#define EX_BLOCK_TABLE_BYTES(Capacity) ((Capacity) * (sizeof(EX_BLOCK) + sizeof(ULONG)))

/* Memory: EX_BLOCK_TABLE_BYTES of zeros. */
void ExpInitializeBlocks(PEX_BLOCK_TABLE Table, PVOID Memory, ULONG Capacity);
/* The record of the block at Address, now or last; NULL: there is none. */
PEX_BLOCK ExpFindBlock(const EX_BLOCK_TABLE *Table, ULONG_PTR Address);
/* A record for a block that begins to be; the stacks are the caller's to fill. NULL: there is no
 * room. */
PEX_BLOCK ExpEnterBlock(PEX_BLOCK_TABLE Table, ULONG_PTR Address, SIZE_T Size, ULONG Tag);
/* The block is freed, if it is not already. */
void ExpMarkFreed(PEX_BLOCK_TABLE Table, PEX_BLOCK Block);
/* The block that Address was in last, or whose header, of so many bytes, it was in; NULL: none that
 * is known. Changes nothing and believes nothing, so that it may be asked without the lock after a
 * crash. */
const EX_BLOCK *ExpFindBlockAround(const EX_BLOCK_TABLE *Table, ULONG_PTR Address, SIZE_T Header);

/* The same way to the same place. */
BOOLEAN ExpIsSameStack(const EX_STACK *A, const EX_STACK *B);

#endif
