/*
 * Promises: contiguous memory lies in a row, within the limits and boundaries asked for, also when
 * free memory is scattered; uncached memory is uncached in every mapping; pages for an MDL lie
 * where they are asked for, in chunks if need be, zeroed unless unwanted; all of it comes back;
 * what cannot be is refused.
 * MEMORY: 64M
 */
#include "kmt.h"

#define TAG 'tseT'
#define RUN (16 * PAGE_SIZE)

static const PHYSICAL_ADDRESS Zero, Any = {.QuadPart = -1};

static PHYSICAL_ADDRESS At(LONGLONG Address)
{
    PHYSICAL_ADDRESS Result;
    Result.QuadPart = Address;
    return Result;
}

/* All pages of the block follow each other, within the bytes from Low to High. */
static BOOLEAN IsRun(PUCHAR Block, SIZE_T Bytes, LONGLONG Low, LONGLONG High)
{
    LONGLONG First = Block == NULL ? -1 : MmGetPhysicalAddress(Block).QuadPart;

    for (SIZE_T i = 0; First >= 0 && i < Bytes; i += PAGE_SIZE) {
        if (MmGetPhysicalAddress(Block + i).QuadPart != First + (LONGLONG)i) {
            return FALSE;
        }
    }
    return First >= Low && First + (LONGLONG)Bytes - 1 <= High && BYTE_OFFSET(Block) == 0;
}

static VOID TestRuns(VOID)
{
    PUCHAR Blocks[8];
    LONG Wrong = 0;

    for (ULONG i = 0; i < 8; i++) {
        Blocks[i] = MmAllocateContiguousMemory(RUN, Any);
        Wrong += !IsRun(Blocks[i], RUN, 0, MAXLONGLONG);
        RtlFillMemory(Blocks[i], RUN, i + 1);
    }
    for (ULONG i = 0; i < 8; i++) {
        Wrong += Blocks[i][0] != i + 1 || Blocks[i][RUN - 1] != i + 1;
        MmFreeContiguousMemory(Blocks[i]);
    }
    KMT_EQUAL(Wrong, 0, "runs of pages, each its own");
    Blocks[0] = MmAllocateContiguousMemory(100, At(0xFFFFF));
    KMT_CHECK(IsRun(Blocks[0], PAGE_SIZE, 1, 0xFFFFF), "below 1 MB");
    MmFreeContiguousMemory(Blocks[0]);
    Blocks[0] = MmAllocateContiguousMemorySpecifyCache(RUN, At(0x1000001), At(0x2000000 - 2), Zero,
                                                       MmCached);
    KMT_CHECK(IsRun(Blocks[0], RUN, 0x1001000, 0x1FFF000 - 1), "from 16 MB to 32 MB");
    MmFreeContiguousMemorySpecifyCache(Blocks[0], RUN, MmCached);
}

static VOID TestBoundaries(VOID)
{
    PUCHAR Blocks[24];
    LONG Wrong = 0;

    for (ULONG i = 0; i < 24; i++) {
        LONGLONG First;

        Blocks[i] = MmAllocateContiguousMemorySpecifyCacheNode(
            3 * PAGE_SIZE, Zero, Any, At(0x10000), MmCached, MM_ANY_NODE_OK);
        First = MmGetPhysicalAddress(Blocks[i]).QuadPart;
        Wrong += !IsRun(Blocks[i], 3 * PAGE_SIZE, 0, MAXLONGLONG) ||
                 First >> 16 != (First + 3 * PAGE_SIZE - 1) >> 16;
    }
    for (ULONG i = 0; i < 24; i++) {
        MmFreeContiguousMemory(Blocks[i]);
    }
    KMT_EQUAL(Wrong, 0, "none goes over 64 KB");
    KMT_CHECK(MmAllocateContiguousMemorySpecifyCache(0x20000, Zero, Any, At(0x10000), MmCached) ==
                  NULL,
              "what is longer than the boundary cannot be");
    KMT_CHECK(MmAllocateContiguousMemorySpecifyCache(RUN, Zero, Any, At(0x30000), MmCached) == NULL,
              "a boundary is a power of two");
    KMT_CHECK(MmAllocateContiguousMemory(0, Any) == NULL, "no bytes");
    KMT_CHECK(MmAllocateContiguousMemory(RUN, At(0xFFF)) == NULL, "page 0 is not given out");
    KMT_CHECK(MmAllocateContiguousMemory((SIZE_T)1 << 40, Any) == NULL, "a terabyte");
    KMT_CHECK(MmAllocateContiguousMemory(~(SIZE_T)0, Any) == NULL, "all there is");
    KMT_CHECK(MmAllocateContiguousMemorySpecifyCache(RUN, Any, Zero, Zero, MmCached) == NULL,
              "no range");
    KMT_CHECK(MmAllocateContiguousMemorySpecifyCache(RUN, Zero, Any, Zero, MmMaximumCacheType) ==
                  NULL,
              "no cache type");
    KMT_CHECK(MmAllocateContiguousNodeMemory(RUN, Zero, Any, Zero, PAGE_READWRITE, 7) == NULL,
              "no node");
    KMT_CHECK(MmAllocateContiguousNodeMemory(RUN, Zero, Any, Zero, PAGE_EXECUTE_READWRITE, 0) ==
                  NULL,
              "no writable code");
}

/* Takes all memory between 32 MB and 48 MB page by page, gives every page back but each eighth. */
static VOID TestScattered(VOID)
{
    PMDL Mdl = MmAllocatePagesForMdlEx(At(0x2000000), At(0x2FFFFFF), Zero, 0x1000000, MmCached,
                                       MM_DONT_ZERO_ALLOCATION);
    ULONG Pages = MmGetMdlByteCount(Mdl) >> PAGE_SHIFT;
    PPFN_NUMBER Pfn = MmGetMdlPfnArray(Mdl);
    PMDL Kept = ExAllocatePool2(POOL_FLAG_NON_PAGED, MmSizeOfMdl(NULL, 0x1000000), TAG);
    PUCHAR Block;
    ULONG Keep = 0, Free = 0;

    KMT_CHECK(Pages > 3000, "most of 16 MB is free");
    RtlCopyMemory(Kept, Mdl, sizeof(MDL));
    for (ULONG i = 0; i < Pages; i++) {
        if ((Pfn[i] & 7) == 7) {
            MmGetMdlPfnArray(Kept)[Keep++] = Pfn[i];
        } else {
            Pfn[Free++] = Pfn[i];
        }
    }
    Kept->ByteCount = Keep << PAGE_SHIFT;
    Mdl->ByteCount = Free << PAGE_SHIFT;
    MmFreePagesFromMdl(Mdl);
    Block = MmAllocateContiguousMemorySpecifyCache(7 * PAGE_SIZE, At(0x2000000), At(0x2FFFFFF),
                                                   Zero, MmCached);
    KMT_CHECK(IsRun(Block, 7 * PAGE_SIZE, 0x2000000, 0x2FFFFFF),
              "seven pages between those in use");
    KMT_CHECK(MmAllocateContiguousMemorySpecifyCache(8 * PAGE_SIZE, At(0x2100000), At(0x2FFFFFF),
                                                     Zero, MmCached) == NULL,
              "eight are not there");
    MmFreeContiguousMemory(Block);
    MmFreePagesFromMdl(Kept);
    Block = MmAllocateContiguousMemorySpecifyCache(1000 * PAGE_SIZE, At(0x2000000), At(0x2FFFFFF),
                                                   Zero, MmCached);
    KMT_CHECK(IsRun(Block, 1000 * PAGE_SIZE, 0x2000000, 0x2FFFFFF), "and later a thousand are");
    MmFreeContiguousMemory(Block);
    ExFreePoolWithTag(Kept, TAG);
    ExFreePool(Mdl);
}

static VOID TestUncached(VOID)
{
    PUCHAR Block = MmAllocateNonCachedMemory(3 * PAGE_SIZE + 1), Mapped;
    PUCHAR Combined = MmAllocateContiguousMemorySpecifyCache(RUN, Zero, Any, Zero, MmWriteCombined);
    PHYSICAL_ADDRESS Address = MmGetPhysicalAddress(Block);
    LONG Wrong = 0;

    for (ULONG i = 0; i < 4; i++) {
        Block[i * PAGE_SIZE] = (UCHAR)(i + 9);
        Wrong += MmGetPhysicalAddress(Block + i * PAGE_SIZE).QuadPart == 0;
    }
    KMT_CHECK(Wrong == 0 && Block[3 * PAGE_SIZE] == 12, "uncached memory keeps what is written");
    KMT_CHECK(MmMapIoSpace(Address, 100, MmCached) == NULL, "it is not mapped cached");
    Mapped = MmMapIoSpace(Address, 100, MmNonCached);
    KMT_CHECK(Mapped != NULL && Mapped[0] == 9, "but uncached");
    MmUnmapIoSpace(Mapped, 100);
    Mapped = MmMapIoSpaceEx(Address, 100, PAGE_READONLY | PAGE_NOCACHE);
    KMT_CHECK(Mapped != NULL && Mapped[0] == 9, "or read-only");
    MmUnmapIoSpace(Mapped, 100);
    KMT_CHECK(IsRun(Combined, RUN, 0, MAXLONGLONG), "write-combined memory");
    MmFreeContiguousMemory(Combined);
    MmFreeNonCachedMemory(Block, 3 * PAGE_SIZE + 1);
    Mapped = MmMapIoSpace(Address, 100, MmCached);
    KMT_CHECK(Mapped != NULL, "afterwards it is cached again");
    MmUnmapIoSpace(Mapped, 100);
    KMT_CHECK(MmMapIoSpaceEx(At(0xB8000), 100, PAGE_EXECUTE_READWRITE) == NULL &&
                  MmMapIoSpaceEx(At(0xB8000), 100,
                                 PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE) == NULL &&
                  MmMapIoSpaceEx(At(0xB8000), 100, 0) == NULL,
              "no such protections");
    KMT_CHECK(MmAllocateNonCachedMemory(0) == NULL, "no bytes");
    KMT_CHECK(MmAllocateNonCachedMemory((SIZE_T)1 << 38) == NULL, "too many");
}

/* The pages of an MDL lie between Low and High, and are zero. */
static LONG WrongPages(PMDL Mdl, ULONG64 Low, ULONG64 High)
{
    PUCHAR Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    LONG Wrong = Mapped == NULL;

    for (ULONG i = 0; i < MmGetMdlByteCount(Mdl) >> PAGE_SHIFT; i++) {
        ULONG64 Physical = (ULONG64)MmGetMdlPfnArray(Mdl)[i] << PAGE_SHIFT;

        Wrong += Physical < Low || Physical > High;
        for (ULONG j = 0; j < PAGE_SIZE; j += 64) {
            Wrong += Mapped[i * PAGE_SIZE + j] != 0;
        }
        Mapped[i * PAGE_SIZE] = 0xFF;
    }
    MmUnmapLockedPages(Mapped, Mdl);
    return Wrong;
}

static VOID TestPages(VOID)
{
    PMDL Mdl = MmAllocatePagesForMdl(Zero, At(0xFFFFFF), Zero, 50 * PAGE_SIZE - 5);

    KMT_EQUAL(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL), MDL_PAGES_LOCKED,
              "an MDL with pages of its own");
    KMT_EQUAL(MmGetMdlByteCount(Mdl), 50 * PAGE_SIZE, "as many as were asked for");
    KMT_EQUAL(WrongPages(Mdl, 0, 0xFFFFFF), 0, "below 16 MB, zeroed");
    MmFreePagesFromMdl(Mdl);
    KMT_EQUAL(Mdl->MdlFlags & MDL_PAGES_LOCKED, 0, "and given back");
    ExFreePool(Mdl);
    Mdl = MmAllocatePagesForMdl(At(0x1000000), At(0x1003FFF), At(0x1000000), 10 * PAGE_SIZE);
    KMT_CHECK(Mdl != NULL && MmGetMdlByteCount(Mdl) == 10 * PAGE_SIZE,
              "skipping from range to range");
    KMT_EQUAL(WrongPages(Mdl, 0x1000000, 0x7FFFFFFF), 0, "where there is RAM");
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
    Mdl = MmAllocatePagesForMdl(At(0x1000000), At(0x1003FFF), Zero, 10 * PAGE_SIZE);
    KMT_CHECK(Mdl != NULL && MmGetMdlByteCount(Mdl) <= 4 * PAGE_SIZE,
              "fewer, if there are no more");
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
    KMT_CHECK(MmAllocatePagesForMdlEx(At(0x1000000), At(0x1003FFF), Zero, 10 * PAGE_SIZE, MmCached,
                                      MM_ALLOCATE_FULLY_REQUIRED) == NULL,
              "or none, if all are required");
    KMT_CHECK(MmAllocatePagesForMdlEx(Zero, Any, Zero, PAGE_SIZE, MmCached, 0x8000) == NULL,
              "no such flag");
    KMT_CHECK(MmAllocatePagesForMdlEx(Zero, Any, Zero, 0, MmCached, 0) == NULL, "no bytes");
    KMT_CHECK(MmAllocatePagesForMdlEx(Zero, Any, Zero, (SIZE_T)1 << 32, MmCached, 0) == NULL,
              "4 GB are too much for an MDL");
}

static VOID TestChunks(VOID)
{
    PMDL Mdl = MmAllocatePagesForMdlEx(Zero, Any, At(0x8000), 0x40000, MmNonCached,
                                       MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
    PPFN_NUMBER Pfn = MmGetMdlPfnArray(Mdl);
    LONG Wrong = 0;

    for (ULONG i = 0; i < 0x40; i++) {
        Wrong += (i & 7) == 0 ? (Pfn[i] & 7) != 0 : Pfn[i] != Pfn[i - 1] + 1;
    }
    KMT_EQUAL(Wrong, 0, "chunks of 32 KB, aligned");
    KMT_EQUAL(WrongPages(Mdl, 0, ~0ULL), 0, "uncached and zeroed");
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
    KMT_CHECK(MmAllocatePagesForMdlEx(Zero, Any, At(0x3000), 0x30000, MmCached,
                                      MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) == NULL &&
                  MmAllocatePagesForMdlEx(Zero, Any, At(0x8000), 0x41000, MmCached,
                                          MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) == NULL,
              "chunks are powers of two, and whole");
    Mdl =
        MmAllocatePagesForMdlEx(Zero, Any, Zero, 0x40000, MmCached, MM_ALLOCATE_PREFER_CONTIGUOUS);
    Pfn = MmGetMdlPfnArray(Mdl);
    KMT_EQUAL(Pfn[63] - Pfn[0], 63, "in a row, if possible");
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
}

static volatile LONG Errors;

static VOID NTAPI Worker(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context * 99 + 1;

    for (ULONG i = 0; i < 32; i++) {
        SIZE_T Bytes = (KmtRandom(&Seed) % 20 + 1) * PAGE_SIZE;
        PULONG Block = (i & 15) == 0 ? MmAllocateNonCachedMemory(Bytes)
                                     : MmAllocateContiguousMemory(Bytes, Any);

        if (Block == NULL) {
            InterlockedIncrement(&Errors);
            continue;
        }
        Block[0] = Block[Bytes / 4 - 1] = Seed;
        if ((i & 15) != 0 && !IsRun((PUCHAR)Block, Bytes, 0, MAXLONGLONG)) {
            InterlockedIncrement(&Errors);
        }
        if (Block[0] != Seed || Block[Bytes / 4 - 1] != Seed) {
            InterlockedIncrement(&Errors);
        }
        if ((i & 15) == 0) {
            MmFreeNonCachedMemory(Block, Bytes);
        } else {
            MmFreeContiguousMemory(Block);
        }
    }
}

static VOID TestManyThreads(VOID)
{
    PETHREAD Threads[16];
    ULONG Count = min(KmtProcessors() * 2, 16U);

    for (ULONG i = 0; i < Count; i++) {
        Threads[i] = KmtStartThread(Worker, (PVOID)(ULONG_PTR)(i + 1));
    }
    for (ULONG i = 0; i < Count; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Errors, 0, "threads on all processors");
}

static VOID KmtRun(VOID)
{
    TestRuns();
    TestBoundaries();
    TestScattered();
    TestUncached();
    TestPages();
    TestChunks();
    TestManyThreads();
}
