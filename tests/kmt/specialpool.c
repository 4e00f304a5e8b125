/*
 * Promises: a block of special pool ends where its page ends, or begins where it begins, is as
 * usable as any other, in both pools, and its memory and addresses come back, whoever frees it on
 * whatever processor.
 */
#include "kmt.h"

#define TAG 'psPK' /* "KPsp" */
#define THREADS 4
#define SLOTS 16
#define STEPS 60 /* each frees a block, and for each all processors are interrupted */

static PVOID Allocate(POOL_FLAGS Kind, SIZE_T Size)
{
    return ExAllocatePool2(Kind | POOL_FLAG_SPECIAL_POOL, Size, TAG);
}

static SIZE_T RoundUp(SIZE_T Size, SIZE_T Unit)
{
    return (Size + Unit - 1) & ~(Unit - 1);
}

static LONG NotZero(const UCHAR *Block, SIZE_T Size)
{
    LONG Count = 0;

    while (Size-- != 0) {
        Count += Block[Size] != 0;
    }
    return Count;
}

static VOID TestPlaces(VOID)
{
    LONG Early = 0, Late = 0, Dirty = 0, Open = 0;

    for (SIZE_T Size = 1; Size <= PAGE_SIZE - 16; Size += Size < 40 ? 1 : 211) {
        UCHAR *End = Allocate(Size % 2 == 0 ? POOL_FLAG_PAGED : POOL_FLAG_NON_PAGED, Size);
        UCHAR *Start = ExAllocatePoolPriorityZero(NonPagedPoolNx, Size, TAG,
                                                  NormalPoolPrioritySpecialPoolUnderrun);

        Late += ((ULONG_PTR)End + RoundUp(Size, 16)) % PAGE_SIZE != 0;
        Early += (ULONG_PTR)Start % PAGE_SIZE != 0;
        Dirty += NotZero(End, Size) + NotZero(Start, Size);
        Open += MmIsAddressValid(End + RoundUp(Size, 16)) || MmIsAddressValid(Start - 1);
        RtlFillMemory(End, Size, 0x5A);
        RtlFillMemory(Start, Size, 0xA5);
        ExFreePoolWithTag(End, TAG);
        ExFreePool(Start);
        Open += MmIsAddressValid(End) || MmIsAddressValid(Start);
    }
    KMT_EQUAL(Late, 0, "blocks end where their page ends");
    KMT_EQUAL(Early, 0, "or begin where it begins");
    KMT_EQUAL(Dirty, 0, "they are zeroed");
    KMT_EQUAL(Open, 0, "what is beyond them, or has been freed, is not there");
}

static VOID TestLimits(VOID)
{
    PVOID Block = Allocate(POOL_FLAG_NON_PAGED, PAGE_SIZE - 15);

    KMT_CHECK(Block != NULL && ((ULONG_PTR)Block + PAGE_SIZE - 15) % PAGE_SIZE != 0,
              "what does not fit is ordinary pool");
    ExFreePoolWithTag(Block, TAG);
    Block = Allocate(POOL_FLAG_NON_PAGED, 0);
    KMT_CHECK(Block != NULL && (ULONG_PTR)Block % PAGE_SIZE == PAGE_SIZE - 16,
              "zero bytes are one");
    ExFreePoolWithTag(Block, TAG);
    Block = Allocate(POOL_FLAG_PAGED | POOL_FLAG_CACHE_ALIGNED, 65);
    KMT_CHECK(Block != NULL && (ULONG_PTR)Block % PAGE_SIZE == PAGE_SIZE - 128, "on a cache line");
    ExFreePoolWithTag(Block, TAG);
    Block = Allocate(POOL_FLAG_PAGED | POOL_FLAG_USE_QUOTA, 10);
    KMT_CHECK(Block != NULL, "charged to a process");
    ExFreePoolWithTag(Block, TAG);
}

/* Blocks go from thread to thread here. */
static PVOID volatile Shared[SLOTS];
static volatile LONG Damaged;

static VOID NTAPI Stress(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;

    for (ULONG Step = 0; Step < STEPS; Step++) {
        ULONG Slot = KmtRandom(&Seed) % SLOTS;
        SIZE_T Size = 16 * (Slot + 1);
        UCHAR *Block = Allocate(POOL_FLAG_NON_PAGED, Size);
        UCHAR *Old;

        if (Block != NULL) {
            RtlFillMemory(Block, Size, Slot);
        }
        Old = InterlockedExchangePointer(&Shared[Slot], Block);
        if (Old != NULL) {
            if (Old[0] != Slot || Old[Size - 1] != Slot) {
                InterlockedIncrement(&Damaged);
            }
            ExFreePoolWithTag(Old, TAG);
        }
    }
}

static VOID TestStress(VOID)
{
    PETHREAD Threads[THREADS];

    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Stress, (PVOID)(ULONG_PTR)(i + 1));
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    for (ULONG i = 0; i < SLOTS; i++) {
        if (Shared[i] != NULL) {
            ExFreePoolWithTag(Shared[i], TAG);
        }
    }
    KMT_EQUAL(Damaged, 0, "freed by others, on other processors");
}

static VOID KmtRun(VOID)
{
    TestPlaces();
    TestLimits();
    TestStress();
}
