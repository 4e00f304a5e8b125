/*
 * Promises: lookaside lists of both kinds serve what they keep first, and their allocators, the
 * pool's or the driver's, after that; they keep as many blocks as their depth, which follows how
 * they are used; flushed or deleted, they give back all.
 */
#include "kmt.h"

#define TAG 'ooLK' /* "KLoo" */
#define BLOCKS 600
#define SECONDS 60 /* for changes of depth, which come once in one */

static LOOKASIDE_LIST_EX List;
static PVOID Blocks[BLOCKS];
static LONG Allocated, Freed, Wrong;
static ULONG ExpectedType;

static PVOID NTAPI OwnAllocate(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                               PLOOKASIDE_LIST_EX Lookaside)
{
    Allocated++;
    Wrong +=
        (ULONG)PoolType != ExpectedType || NumberOfBytes != 100 || Tag != TAG || Lookaside != &List;
    return ExAllocatePoolWithTag((POOL_TYPE)((ULONG)PoolType & PagedPool), NumberOfBytes, Tag);
}

static VOID NTAPI OwnFree(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    Freed++;
    Wrong += Lookaside != &List;
    ExFreePoolWithTag(Buffer, TAG);
}

static NTSTATUS Initialize(ULONG Type, ULONG Flags)
{
    return ExInitializeLookasideListEx(&List, NULL, NULL, (POOL_TYPE)Type, Flags, 100, TAG, 0);
}

static VOID TestParameters(VOID)
{
    KMT_EQUAL(Initialize(PagedPool | 64, 0), STATUS_INVALID_PARAMETER_4, "no such pool");
    KMT_EQUAL(Initialize(NonPagedPoolMustSucceed, 0), STATUS_INVALID_PARAMETER_4, "nor that one");
    KMT_EQUAL(Initialize(PagedPool, 4), STATUS_INVALID_PARAMETER_5, "no such flag");
    KMT_EQUAL(Initialize(PagedPool, 3), STATUS_INVALID_PARAMETER_5,
              "flags that exclude each other");
    KMT_EQUAL(Initialize(PagedPool, EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE), STATUS_SUCCESS,
              "paged pool");
    ExDeleteLookasideListEx(&List);
    KMT_EQUAL(Initialize(NonPagedPoolNx, EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL), STATUS_SUCCESS,
              "non-paged pool");
    ExDeleteLookasideListEx(&List);
}

static VOID Take(ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        Blocks[i] = ExAllocateFromLookasideListEx(&List);
    }
}

static VOID Give(ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        ExFreeToLookasideListEx(&List, Blocks[i]);
    }
}

static VOID TestAllocators(VOID)
{
    ExpectedType = PagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE;
    ExInitializeLookasideListEx(&List, OwnAllocate, OwnFree, PagedPool,
                                EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL, 100, TAG, 0);
    Take(10);
    KMT_EQUAL(Allocated, 10, "an empty list asks its allocator");
    Give(10);
    KMT_EQUAL(Freed + ExQueryDepthSList(&List.L.ListHead), 10, "blocks go back somewhere");
    KMT_CHECK(ExQueryDepthSList(&List.L.ListHead) >= 4, "at least four are kept");
    Take(4);
    KMT_EQUAL(Allocated, 10, "what is kept is taken first");
    Give(4);
    ExFlushLookasideListEx(&List);
    KMT_CHECK(Freed == 10 && ExQueryDepthSList(&List.L.ListHead) == 0, "flushed, it keeps none");
    Take(1);
    Give(1);
    KMT_EQUAL(Allocated, 11, "but goes on");
    ExDeleteLookasideListEx(&List);
    KMT_EQUAL(Freed, 11, "deleted, it has given back all");
    KMT_EQUAL(Wrong, 0, "allocators are told type, size, tag and list");
}

/* Uses the list until it keeps Limit blocks, or rests until its depth is so low. What it keeps is
 * what its depth was when they were given: the depth sinks again whenever the host lets it rest. */
static BOOLEAN WaitForDepth(BOOLEAN Busy, USHORT Limit)
{
    for (ULONG i = 0; i < SECONDS * 20; i++) {
        if (Busy) {
            Take(BLOCKS);
            Give(BLOCKS);
        }
        if (Busy ? ExQueryDepthSList(&List.L.ListHead) >= Limit : List.L.Depth <= Limit) {
            return TRUE;
        }
        KmtSleep(50);
    }
    return FALSE;
}

static VOID TestTuning(VOID)
{
    Initialize(NonPagedPoolNx, 0);
    KMT_CHECK(WaitForDepth(TRUE, 10), "many misses make a list deeper, and so it keeps more");
    KMT_CHECK(List.L.Depth <= 256 && ExQueryDepthSList(&List.L.ListHead) <= 256,
              "but not too deep");
    KMT_CHECK(WaitForDepth(FALSE, 9), "rest makes it shallower");
    ExDeleteLookasideListEx(&List);
}

static VOID TestOldLists(VOID)
{
    static NPAGED_LOOKASIDE_LIST NonPaged;
    static PAGED_LOOKASIDE_LIST Paged;
    PVOID Block;

    ExInitializeNPagedLookasideList(&NonPaged, NULL, NULL, POOL_NX_ALLOCATION, 64, TAG, 0);
    ExInitializePagedLookasideList(&Paged, NULL, NULL, POOL_RAISE_IF_ALLOCATION_FAILURE, 64, TAG,
                                   0);
    Block = ExAllocateFromNPagedLookasideList(&NonPaged);
    ExFreeToNPagedLookasideList(&NonPaged, Block);
    KMT_CHECK(ExAllocateFromNPagedLookasideList(&NonPaged) == Block, "a block kept is taken");
    ExFreeToNPagedLookasideList(&NonPaged, Block);
    Block = ExAllocateFromPagedLookasideList(&Paged);
    ExFreeToPagedLookasideList(&Paged, Block);
    KMT_CHECK(ExAllocateFromPagedLookasideList(&Paged) == Block, "of paged pool, too");
    ExFreeToPagedLookasideList(&Paged, Block);
    ExDeleteNPagedLookasideList(&NonPaged);
    ExDeletePagedLookasideList(&Paged);
}

static VOID KmtRun(VOID)
{
    TestParameters();
    TestAllocators();
    TestOldLists();
    TestTuning();
}
