/*
 * pool.h - private to ex: how pool memory is laid out.
 *
 * A small block is a POOL_HEADER and the caller's bytes behind it. Blocks of one size fill a slab, one
 * page that starts with EX_POOL_SLAB and ends with a header of its own (BlockSize 0), so every block
 * has a header behind it that an overrun hits first. Larger requests are whole pages without a
 * header; what starts on a page boundary is such a run, what does not is a small block.
 */
#ifndef _EX_POOL_H_
#define _EX_POOL_H_

#include "ke.h"
#include "mm.h"
#include "ex.h"

#define EX_POOL_KINDS 2 /* 0 non-paged, 1 paged */
#define EX_POOL_UNIT 16

/* PoolType of a block. Anything else is damage. */
#define EX_POOL_FREE 0x00
#define EX_POOL_IN_USE 0x04 /* | kind */
#define EX_POOL_END 0x80    /* the header behind the last block of a slab */

/* Windows' fields; sizes in units. Check covers them and the header's address. */
typedef struct _POOL_HEADER {
    union {
        struct {
            UCHAR PreviousSize; /* of the block before it in the slab; 0: it is the first */
            UCHAR PoolIndex;    /* size class */
            UCHAR BlockSize;    /* with the header; 0: end of the slab */
            volatile UCHAR PoolType;
        };
        ULONG Ulong1;
    };
    ULONG PoolTag;
    ULONG64 Check;
} POOL_HEADER, *PPOOL_HEADER;
C_ASSERT(sizeof(POOL_HEADER) == 16);

/* At the start of a slab. Fields belong to the lock of the slab's size class. */
typedef struct _EX_POOL_SLAB {
    LIST_ENTRY Link; /* of the class's slabs with a free block; when empty of the free slabs */
    PSLIST_ENTRY FreeBlocks; /* linked by Next */
    ULONG64 Check;
    USHORT FreeCount;
    USHORT Blocks;
    UCHAR Class;
    UCHAR Kind;
} EX_POOL_SLAB, *PEX_POOL_SLAB;

/* First block's offset: its bytes then start at 64, so classes of whole cache lines are aligned. */
#define EX_SLAB_FIRST 48
#define EX_SLAB_ROOM (PAGE_SIZE - EX_SLAB_FIRST - (ULONG)sizeof(POOL_HEADER))
C_ASSERT(sizeof(EX_POOL_SLAB) <= EX_SLAB_FIRST);

/*** sizeclass.c: pure, tested on the host ***/

#define EX_POOL_CLASSES 28
extern const USHORT ExpClassBytes[EX_POOL_CLASSES];
/* Largest request that a small block can hold. */
#define EX_POOL_MAXIMUM_SMALL 4016
/* Class for Size bytes of the caller, at most EX_POOL_MAXIMUM_SMALL. */
ULONG ExpClassOfSize(SIZE_T Size);
/* The same for bytes that must start on a cache line; EX_POOL_CLASSES when no class fits. */
ULONG ExpAlignedClassOfSize(SIZE_T Size);
/* Blocks of a class in a slab; how many free ones a processor keeps for itself. */
ULONG ExpBlocksPerSlab(ULONG Class);
ULONG ExpCacheDepth(ULONG Class);

/*** poolslab.c ***/

extern ULONG64 ExpPoolCookie;
/* What Check of a header holds, given the fields it has now. */
static inline ULONG64 ExpHeaderCheck(const POOL_HEADER *Header)
{
    return ExpPoolCookie ^ (ULONG64)Header ^ (Header->Ulong1 & 0x00FFFFFF);
}
/* A processor's free blocks: sequenced lists, so that nothing has to be locked or raised. */
typedef struct _EX_POOL_CACHE {
    SLIST_HEADER Blocks[EX_POOL_KINDS][EX_POOL_CLASSES];
} EX_POOL_CACHE, *PEX_POOL_CACHE;

/* A free block from the slabs, filling this processor's list too; NULL: memory is exhausted. */
PVOID ExpRefillPool(ULONG Kind, ULONG Class);
/* Gives a free block back to its slab, with half of what this processor's list holds. */
void ExpDrainPool(ULONG Kind, ULONG Class, PVOID Block);
ULONG64 ExpQuerySlabPages(ULONG Kind);

/*** pooltag.c ***/

typedef struct _EX_POOL_COUNTS {
    volatile LONG64 Allocations, Frees, Bytes;
} EX_POOL_COUNTS, *PEX_POOL_COUNTS;

/* The counters of Tag in one kind of pool. Never NULL. Any IRQL. */
PEX_POOL_COUNTS ExpFindTag(ULONG Tag, ULONG Kind);
/* Pages in runs without headers, by kind. */
extern volatile LONG64 ExpLargePages[EX_POOL_KINDS];

/* Where the pools' second-level misuse goes: BAD_POOL_CALLER subcodes, as Windows numbers them. */
#define EX_BAD_DOUBLE_FREE 0x7
#define EX_BAD_ALLOCATE_IRQL 0x8
#define EX_BAD_FREE_IRQL 0x9
#define EX_BAD_TAG 0xA
#define EX_BAD_ADDRESS 0x46
#define EX_BAD_MUST_SUCCEED 0x9A
#define EX_BAD_ZERO_TAG 0x9B
#define EX_BAD_BIG_TAG 0x9C
/* BAD_POOL_HEADER subcode: a block, or the one behind it, does not look as it was made. */
#define EX_BAD_HEADER 0x20
#define EX_BAD_SLAB 0x21

#endif
