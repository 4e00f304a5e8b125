/*
 * Promise: small blocks keep what is written to them while all processors allocate and free them in
 * bursts, on whatever processor, so that slabs become empty and go back to the system all the time
 * and others take their places. What was used in a burst does not stay with the pools:
 * tests/host/test_pools.py looks.
 */
#include "kmt.h"

#define TAG 'balS'
#define WORKERS 4
#define BLOCKS 2500 /* of a worker at a time: some 8 MB of all */
#define ROUNDS 5
#define LARGEST 1500
#define SHARED 256

typedef struct _BLOCK {
    ULONG Size, Fill;
    UCHAR Bytes[1];
} BLOCK;

typedef struct _WORKER {
    PETHREAD Thread;
    ULONG Seed;
    BLOCK *Kept[BLOCKS];
} WORKER;

static WORKER Workers[WORKERS];
static BLOCK *volatile Shared[SHARED]; /* what one gives up, another frees */
static volatile LONG Damaged, Refused;

static BLOCK *NewBlock(PULONG Seed)
{
    ULONG Size = KmtRandom(Seed) % LARGEST + sizeof(BLOCK);
    POOL_TYPE Type = KmtRandom(Seed) % 4 == 0 ? PagedPool : NonPagedPoolNx;
    BLOCK *Block = ExAllocatePoolWithTag(Type, Size, TAG);

    if (Block == NULL) {
        InterlockedIncrement(&Refused);
        return NULL;
    }
    Block->Size = Size;
    Block->Fill = KmtRandom(Seed) & 0xFF;
    RtlFillMemory(Block->Bytes, Size - FIELD_OFFSET(BLOCK, Bytes), Block->Fill);
    return Block;
}

static VOID FreeBlock(BLOCK *Block)
{
    if (Block == NULL) {
        return;
    }
    for (ULONG i = 0; i < Block->Size - FIELD_OFFSET(BLOCK, Bytes); i++) {
        if (Block->Bytes[i] != (UCHAR)Block->Fill) {
            InterlockedIncrement(&Damaged);
            break;
        }
    }
    ExFreePoolWithTag(Block, TAG);
}

/* A third goes by way of a shared place: its slab is another's business then. */
static VOID GiveUp(WORKER *Worker, BLOCK *Block)
{
    ULONG Draw = KmtRandom(&Worker->Seed);

    if (Draw % 3 == 0) {
        Block = InterlockedExchangePointer((PVOID *)&Shared[Draw / 3 % SHARED], Block);
    }
    FreeBlock(Block);
}

static VOID NTAPI Work(PVOID Context)
{
    WORKER *Worker = Context;

    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        for (ULONG i = 0; i < BLOCKS; i++) {
            Worker->Kept[i] = NewBlock(&Worker->Seed);
        }
        for (ULONG i = 0; i < BLOCKS; i++) {
            GiveUp(Worker, Worker->Kept[i]);
        }
    }
}

static VOID KmtRun(VOID)
{
    for (ULONG i = 0; i < WORKERS; i++) {
        Workers[i].Seed = (i + 1) * 2654435761U | 1;
        Workers[i].Thread = KmtStartThread(Work, &Workers[i]);
    }
    for (ULONG i = 0; i < WORKERS; i++) {
        KmtJoin(Workers[i].Thread);
    }
    for (ULONG i = 0; i < SHARED; i++) {
        FreeBlock(Shared[i]);
    }
    KMT_EQUAL(Damaged, 0, "every block keeps what was written to it");
    KMT_EQUAL(Refused, 0, "there is always memory");
}
