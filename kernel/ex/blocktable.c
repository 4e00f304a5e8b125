/*
 * blocktable.c - see blocktable.h. Records are found by a hash of their address, in buckets; freed
 * ones are in one more list, in the order in which they were freed.
 */
#include "blocktable.h"

#if DBG

void ExpInitializeBlocks(PEX_BLOCK_TABLE Table, PVOID Memory, ULONG Capacity)
{
    memset(Table, 0, sizeof(*Table));
    Table->Blocks = Memory;
    Table->Buckets = (ULONG *)(Table->Blocks + Capacity);
    Table->Capacity = Capacity;
}

static ULONG *ExpBucketOf(const EX_BLOCK_TABLE *Table, ULONG_PTR Address)
{
    return &Table->Buckets[(Address * 0x9E3779B97F4A7C15ULL >> 32) & (Table->Capacity - 1)];
}

static ULONG ExpNumberOf(const EX_BLOCK_TABLE *Table, const EX_BLOCK *Block)
{
    return (ULONG)(Block - Table->Blocks) + 1;
}

PEX_BLOCK ExpFindBlock(const EX_BLOCK_TABLE *Table, ULONG_PTR Address)
{
    ULONG Number = *ExpBucketOf(Table, Address);

    while (Number != 0 && Table->Blocks[Number - 1].Address != Address) {
        Number = Table->Blocks[Number - 1].NextInBucket;
    }
    return Number != 0 ? &Table->Blocks[Number - 1] : NULL;
}

/* Out of the list of freed blocks: it has come to life again. */
static void ExpRevive(PEX_BLOCK_TABLE Table, PEX_BLOCK Block)
{
    ULONG *Forward = Block->PreviousFreed != 0 ? &Table->Blocks[Block->PreviousFreed - 1].NextFreed
                                               : &Table->FirstFreed;
    ULONG *Backward = Block->NextFreed != 0 ? &Table->Blocks[Block->NextFreed - 1].PreviousFreed
                                            : &Table->LastFreed;

    *Forward = Block->NextFreed;
    *Backward = Block->PreviousFreed;
    Block->Freed = FALSE;
    Table->Live++;
}

/* The record of the block that was freed first, for another address; NULL: none is freed. */
static PEX_BLOCK ExpTakeOldest(PEX_BLOCK_TABLE Table)
{
    ULONG Oldest = Table->FirstFreed;
    ULONG *Link;
    PEX_BLOCK Block;

    if (Oldest == 0) {
        return NULL;
    }
    Block = &Table->Blocks[Oldest - 1];
    for (Link = ExpBucketOf(Table, Block->Address); *Link != Oldest;) {
        Link = &Table->Blocks[*Link - 1].NextInBucket;
    }
    *Link = Block->NextInBucket;
    ExpRevive(Table, Block);
    return Block;
}

static PEX_BLOCK ExpTakeRecord(PEX_BLOCK_TABLE Table)
{
    if (Table->Used == Table->Capacity) {
        return ExpTakeOldest(Table);
    }
    Table->Live++;
    return &Table->Blocks[Table->Used++];
}

PEX_BLOCK ExpEnterBlock(PEX_BLOCK_TABLE Table, ULONG_PTR Address, SIZE_T Size, ULONG Tag)
{
    PEX_BLOCK Block = ExpFindBlock(Table, Address);
    ULONG *Bucket = ExpBucketOf(Table, Address);

    if (Block != NULL && Block->Freed) {
        ExpRevive(Table, Block);
    } else if (Block == NULL) {
        Block = ExpTakeRecord(Table);
        if (Block == NULL) {
            Table->Lost++;
            return NULL;
        }
        Block->Address = Address;
        Block->NextInBucket = *Bucket;
        *Bucket = ExpNumberOf(Table, Block);
    }
    Block->Size = Size;
    Block->Tag = Tag;
    Block->Number = ++Table->Events;
    return Block;
}

void ExpMarkFreed(PEX_BLOCK_TABLE Table, PEX_BLOCK Block)
{
    ULONG Number = ExpNumberOf(Table, Block);

    if (Block->Freed) {
        return;
    }
    Block->Freed = TRUE;
    Block->Number = ++Table->Events;
    Block->NextFreed = 0;
    Block->PreviousFreed = Table->LastFreed;
    if (Table->LastFreed != 0) {
        Table->Blocks[Table->LastFreed - 1].NextFreed = Number;
    } else {
        Table->FirstFreed = Number;
    }
    Table->LastFreed = Number;
    Table->Live--;
}

const EX_BLOCK *ExpFindBlockAround(const EX_BLOCK_TABLE *Table, ULONG_PTR Address, SIZE_T Header)
{
    const EX_BLOCK *Found = NULL;

    for (ULONG i = 0; i < Table->Used; i++) {
        const EX_BLOCK *Block = &Table->Blocks[i];
        SIZE_T Bytes = Block->Size != 0 ? Block->Size : 1;

        if (Address - (Block->Address - Header) < Header + Bytes &&
            (Found == NULL || Block->Number > Found->Number)) {
            Found = Block;
        }
    }
    return Found;
}

BOOLEAN ExpIsSameStack(const EX_STACK *A, const EX_STACK *B)
{
    return A->Count == B->Count && memcmp(A->Frames, B->Frames, A->Count * sizeof(PVOID)) == 0;
}

#endif
