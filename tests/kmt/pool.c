/*
 * Promises: pool memory is aligned, zeroed and refused as documented, belongs to one owner at a
 * time on any number of processors, and comes back when it is freed.
 */
#include "kmt.h"

#define TAG 'tseT'
#define THREADS 6
#define SLOTS 200
#define STEPS 20000

static ULONG_PTR Low(PVOID Block, ULONG Mask)
{
    return (ULONG_PTR)Block & Mask;
}

static VOID TestAlignment(VOID)
{
    LONG Wrong = 0, Aligned = 0;

    for (SIZE_T Size = 0; Size < 9000; Size += 7) {
        PVOID Block = ExAllocatePoolWithTag(NonPagedPoolNx, Size, TAG);
        PVOID Line = ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned, Size, TAG);

        Wrong += Block == NULL || Low(Block, 15) != 0;
        Wrong += Size >= PAGE_SIZE && Low(Block, PAGE_SIZE - 1) != 0;
        Aligned += Line != NULL && Low(Line, 63) == 0;
        RtlFillMemory(Block, Size, 0xAA);
        RtlFillMemory(Line, Size, 0x55);
        ExFreePoolWithTag(Block, TAG);
        ExFreePool(Line);
    }
    KMT_EQUAL(Wrong, 0, "blocks are aligned on 16 bytes, on pages from a page on");
    KMT_EQUAL(Aligned, (9000 + 6) / 7, "cache-aligned blocks are");
}

/* Bytes of a block that are not Value. */
static LONG Differ(const UCHAR *Block, SIZE_T Size, UCHAR Value)
{
    LONG Count = 0;

    while (Size-- != 0) {
        Count += Block[Size] != Value;
    }
    return Count;
}

static VOID TestZeroing(VOID)
{
    static const SIZE_T Sizes[] = {1, 64, 500, 2000, 4016, 4017, 4096, 20000};
    LONG Dirty = 0;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        for (ULONG Round = 0; Round < 3; Round++) {
            UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, Sizes[i], TAG);
            UCHAR *Old =
                ExAllocatePoolWithTag(NonPagedPoolNx | POOL_ZERO_ALLOCATION, Sizes[i], TAG);

            Dirty += Differ(Block, Sizes[i], 0) + Differ(Old, Sizes[i], 0);
            RtlFillMemory(Block, Sizes[i], 0xEE);
            RtlFillMemory(Old, Sizes[i], 0xEE);
            ExFreePoolWithTag(Block, TAG);
            ExFreePoolWithTag(Old, TAG);
        }
    }
    KMT_EQUAL(Dirty, 0, "what is asked for zeroed is zeroed, also when it is used again");
}

static VOID TestFlags(VOID)
{
    PVOID Block;

    KMT_CHECK(ExAllocatePool2(0, 64, TAG) == NULL, "no kind of pool: refused");
    KMT_CHECK(ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_NON_PAGED, 64, TAG) == NULL,
              "two kinds of pool: refused");
    KMT_CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SESSION, 64, TAG) == NULL,
              "there are no sessions: refused");
    KMT_CHECK(ExAllocatePoolWithTag(PagedPoolSession, 64, TAG) == NULL,
              "there are no sessions, by type: refused");
    KMT_CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED | 0x80000000ULL, 64, TAG) == NULL,
              "an unknown flag: refused");
    Block = ExAllocatePool2(POOL_FLAG_NON_PAGED | 0x200000000ULL, 64, TAG);
    KMT_CHECK(Block != NULL, "an unknown optional flag: ignored");
    ExFreePool(Block);
    Block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, 3000, TAG);
    KMT_CHECK(Block != NULL && Low(Block, 63) == 0, "the cache-aligned flag aligns");
    ExFreePool(Block);
    Block = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 64, TAG);
    KMT_CHECK(Block != NULL, "asking to raise does no harm");
    ExFreePool(Block);
}

/* mov eax, ecx; add eax, 1; ret */
static const UCHAR Code[] = {0x89, 0xC8, 0x83, 0xC0, 0x01, 0xC3};
typedef ULONG NTAPI CODE(ULONG Number);

static VOID TestExecutable(VOID)
{
    static const SIZE_T Sizes[] = {sizeof(Code), 1000, 4096, 20000};
    LONG Wrong = 0;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED_EXECUTE, Sizes[i], TAG);

        RtlCopyMemory(Block, Code, sizeof(Code));
        Wrong += ((CODE *)(ULONG_PTR)Block)(41) != 42;
        RtlCopyMemory(Block + Sizes[i] - sizeof(Code), Code, sizeof(Code));
        Wrong += ((CODE *)(ULONG_PTR)(Block + Sizes[i] - sizeof(Code)))(i) != i + 1;
        ExFreePoolWithTag(Block, TAG);
    }
    KMT_EQUAL(Wrong, 0, "executable pool executes, from its first byte to its last");
}

static VOID TestPriorities(VOID)
{
    static const EX_POOL_PRIORITY Priorities[] = {LowPoolPriority, NormalPoolPriority,
                                                  HighPoolPriority};
    LONG Wrong = 0;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Priorities); i++) {
        UCHAR *Block = ExAllocatePoolPriorityZero(NonPagedPoolNx, 100, TAG, Priorities[i]);

        Wrong += Block == NULL || Block[0] != 0 || Block[99] != 0;
        ExFreePoolWithTag(Block, TAG);
        Wrong +=
            ExAllocatePoolWithTagPriority(PagedPool, (SIZE_T)1 << 40, TAG, Priorities[i]) != NULL;
    }
    KMT_EQUAL(Wrong, 0, "with enough memory every priority gets some");
}

static VOID TestSizes(VOID)
{
    PVOID Empty = ExAllocatePoolWithTag(PagedPool, 0, TAG);
    PVOID Other = ExAllocatePoolWithTag(PagedPool, 0, TAG);

    KMT_CHECK(Empty != NULL && Other != NULL && Empty != Other, "zero bytes are a block too");
    ExFreePoolWithTag(Empty, 0);
    ExFreePoolWithTag(Other, TAG);
    KMT_CHECK(ExAllocatePoolWithTag(NonPagedPoolNx, ~(SIZE_T)0, TAG) == NULL,
              "2^64-1 bytes: refused");
    KMT_CHECK(ExAllocatePoolWithTag(NonPagedPoolNx, (SIZE_T)1 << 63, TAG) == NULL,
              "2^63 bytes: refused");
    KMT_CHECK(ExAllocatePool2(POOL_FLAG_PAGED, ~(SIZE_T)0 - 4095, TAG) == NULL,
              "what overflows when it is rounded: refused");
    KMT_CHECK(ExAllocatePoolWithTag(PagedPool, (SIZE_T)64 << 30, TAG) == NULL,
              "more than there is: refused");
}

static VOID TestTags(VOID)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG | 0x80000000U);

    ExFreePoolWithTag(Block, TAG);
    Block = ExAllocatePool(PagedPool, 64);
    ExFreePoolWithTag(Block, 'enoN');
    Block = ExAllocatePoolWithTag(NonPagedPoolNx, 100000, TAG);
    ExFreePoolWithTag(Block, TAG | 0x80000000U);
    KMT_CHECK(TRUE, "a protected tag is the same tag, no tag is None");
}

/* Many times all memory there is, a piece at a time and all pieces together. */
static VOID TestReturn(VOID)
{
    static PVOID Blocks[64];
    LONG Missing = 0;

    for (ULONG Round = 0; Round < 200; Round++) {
        for (ULONG i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
            Blocks[i] = ExAllocatePoolWithTag((i & 1) ? PagedPool : NonPagedPoolNx,
                                              (SIZE_T)(i + 1) * 5000, TAG);
            Missing += Blocks[i] == NULL;
        }
        for (ULONG i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
            ExFreePoolWithTag(Blocks[i], TAG);
        }
    }
    KMT_EQUAL(Missing, 0, "2 GB in pieces, 10 MB at a time");
}

typedef struct _SLOT {
    UCHAR *Block;
    SIZE_T Size;
} SLOT;

static volatile LONG Damaged;
/* Blocks cross from thread to thread here, so they are freed on other processors. */
static SLOT *Shared;
static FAST_MUTEX SharedMutex;

static VOID Exchange(SLOT *Slot, ULONG Index)
{
    SLOT Old = *Slot;

    ExAcquireFastMutex(&SharedMutex);
    *Slot = Shared[Index];
    Shared[Index] = Old;
    ExReleaseFastMutex(&SharedMutex);
}

static UCHAR Pattern(const SLOT *Slot)
{
    return (UCHAR)((ULONG_PTR)Slot->Block >> 4 ^ Slot->Size);
}

static VOID FreeSlot(SLOT *Slot)
{
    if (Slot->Block != NULL) {
        if (Differ(Slot->Block, Slot->Size, Pattern(Slot)) != 0) {
            InterlockedIncrement(&Damaged);
        }
        ExFreePoolWithTag(Slot->Block, TAG);
        Slot->Block = NULL;
    }
}

static VOID FillSlot(SLOT *Slot, PULONG Seed)
{
    ULONG Kind = KmtRandom(Seed) % 100;

    Slot->Size = Kind < 80 ? KmtRandom(Seed) % 300 : KmtRandom(Seed) % (Kind < 98 ? 4200 : 30000);
    Slot->Block = ExAllocatePoolWithTag((Kind & 1) ? PagedPool : NonPagedPoolNx, Slot->Size, TAG);
    if (Slot->Block != NULL) {
        RtlFillMemory(Slot->Block, Slot->Size, Pattern(Slot));
    }
}

static VOID NTAPI Stress(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;
    SLOT *Slots = ExAllocatePool2(POOL_FLAG_PAGED, SLOTS * sizeof(SLOT), TAG);

    for (ULONG Step = 0; Step < STEPS; Step++) {
        SLOT *Slot = &Slots[KmtRandom(&Seed) % SLOTS];

        if (Slot->Block != NULL) {
            FreeSlot(Slot);
        } else {
            FillSlot(Slot, &Seed);
        }
        if (Step % 8 == 0) {
            Exchange(Slot, KmtRandom(&Seed) % SLOTS);
        }
    }
    for (ULONG i = 0; i < SLOTS; i++) {
        FreeSlot(&Slots[i]);
    }
    ExFreePoolWithTag(Slots, TAG);
}

static VOID TestStress(VOID)
{
    PETHREAD Threads[THREADS];

    ExInitializeFastMutex(&SharedMutex);
    Shared = ExAllocatePool2(POOL_FLAG_NON_PAGED, SLOTS * sizeof(SLOT), TAG);
    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Stress, (PVOID)(ULONG_PTR)(i + 1));
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    for (ULONG i = 0; i < SLOTS; i++) {
        FreeSlot(&Shared[i]);
    }
    ExFreePoolWithTag(Shared, TAG);
    KMT_EQUAL(Damaged, 0, "no block had two owners");
}

static VOID TestRaisedIrql(VOID)
{
    PVOID Blocks[100];
    LONG Missing = 0;
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
        Blocks[i] = ExAllocatePoolWithTag(NonPagedPoolNx, i * 90, TAG);
        Missing += Blocks[i] == NULL;
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
        ExFreePoolWithTag(Blocks[i], TAG);
    }
    KeLowerIrql(OldIrql);
    KMT_EQUAL(Missing, 0, "non-paged pool at DISPATCH_LEVEL");
}

static VOID KmtRun(VOID)
{
    TestAlignment();
    TestZeroing();
    TestFlags();
    TestExecutable();
    TestPriorities();
    TestSizes();
    TestTags();
    TestReturn();
    TestStress();
    TestRaisedIrql();
}
