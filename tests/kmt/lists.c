/*
 * Promises: sequenced lists and interlocked lists lose and double nothing on any number of
 * processors, even when what is taken off is freed at once; lookaside lists keep blocks and give
 * all of them back.
 */
#include "kmt.h"

#define TAG 'tseT'
#define THREADS 4
#define STEPS 20000

typedef struct DECLSPEC_ALIGN(16) _ITEM {
    SLIST_ENTRY Link;
    LIST_ENTRY Entry;
    volatile LONG Owners;
} ITEM;

static ITEM Items[300];
static SLIST_HEADER Stack;
static LIST_ENTRY List;
static KSPIN_LOCK ListLock;
static volatile LONG Wrong;

static VOID TestOrder(VOID)
{
    PSLIST_ENTRY Entry;
    LONG Count = 0;

    ExInitializeSListHead(&Stack);
    KMT_CHECK(ExInterlockedPopEntrySList(&Stack, NULL) == NULL, "an empty list has nothing");
    KMT_CHECK(ExInterlockedPushEntrySList(&Stack, &Items[0].Link, NULL) == NULL,
              "the first push finds nothing");
    KMT_CHECK(ExInterlockedPushEntrySList(&Stack, &Items[1].Link, NULL) == &Items[0].Link,
              "the next one finds the one before");
    KMT_EQUAL(ExQueryDepthSList(&Stack), 2, "depth counts");
    KMT_CHECK(ExInterlockedPopEntrySList(&Stack, NULL) == &Items[1].Link, "last in, first out");
    ExInterlockedPushEntrySList(&Stack, &Items[2].Link, NULL);
    for (Entry = InterlockedFlushSList(&Stack); Entry != NULL; Entry = Entry->Next) {
        Count++;
    }
    KMT_EQUAL(Count, 2, "a flush gives all");
    KMT_EQUAL(ExQueryDepthSList(&Stack), 0, "and leaves none");
}

static VOID TestInterlocked(VOID)
{
    InitializeListHead(&List);
    KeInitializeSpinLock(&ListLock);
    KMT_CHECK(ExInterlockedRemoveHeadList(&List, &ListLock) == NULL, "an empty list has no head");
    KMT_CHECK(ExInterlockedInsertTailList(&List, &Items[0].Entry, &ListLock) == NULL,
              "the first entry finds nothing before it");
    KMT_CHECK(ExInterlockedInsertHeadList(&List, &Items[1].Entry, &ListLock) == &Items[0].Entry,
              "inserting at the head returns the old head");
    KMT_CHECK(ExInterlockedInsertTailList(&List, &Items[2].Entry, &ListLock) == &Items[0].Entry,
              "inserting at the tail returns the old tail");
    KMT_CHECK(ExInterlockedRemoveHeadList(&List, &ListLock) == &Items[1].Entry,
              "the head comes off");
    ExInterlockedRemoveHeadList(&List, &ListLock);
    ExInterlockedRemoveHeadList(&List, &ListLock);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "the IRQL is what it was");
}

static VOID Own(ITEM *Item, LONG Change)
{
    if (InterlockedAdd(&Item->Owners, Change) != (Change > 0)) {
        InterlockedIncrement(&Wrong);
    }
}

static VOID NTAPI Juggle(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (LONG i = 0; i < STEPS; i++) {
        PSLIST_ENTRY Link = ExInterlockedPopEntrySList(&Stack, NULL);
        PLIST_ENTRY Entry = ExInterlockedRemoveHeadList(&List, &ListLock);

        if (Link != NULL) {
            ITEM *Item = CONTAINING_RECORD(Link, ITEM, Link);

            Own(Item, 1);
            Own(Item, -1);
            ExInterlockedPushEntrySList(&Stack, Link, NULL);
        }
        if (Entry != NULL) {
            ITEM *Item = CONTAINING_RECORD(Entry, ITEM, Entry);

            Own(Item, 1);
            Own(Item, -1);
            if (i & 1) {
                ExInterlockedInsertTailList(&List, Entry, &ListLock);
            } else {
                ExInterlockedInsertHeadList(&List, Entry, &ListLock);
            }
        }
    }
}

static VOID RunThreads(PKSTART_ROUTINE Routine)
{
    PETHREAD Threads[THREADS];

    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Routine, NULL);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
}

static VOID TestConcurrency(VOID)
{
    LONG Left = 0;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Items) / 2; i++) {
        ExInterlockedPushEntrySList(&Stack, &Items[i].Link, NULL);
        ExInterlockedInsertTailList(&List, &Items[i + RTL_NUMBER_OF(Items) / 2].Entry, &ListLock);
    }
    RunThreads(Juggle);
    KMT_EQUAL(Wrong, 0, "no entry was with two at once");
    KMT_EQUAL(ExQueryDepthSList(&Stack), RTL_NUMBER_OF(Items) / 2, "all are on the list again");
    while (ExInterlockedRemoveHeadList(&List, &ListLock) != NULL) {
        Left++;
    }
    KMT_EQUAL(Left, RTL_NUMBER_OF(Items) / 2, "and on the other one");
    InterlockedFlushSList(&Stack);
}

/* Whole pages, which are unmapped when they are freed. */
static VOID NTAPI PopAndFree(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (LONG i = 0; i < STEPS; i++) {
        PSLIST_ENTRY Entry = ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, TAG);

        if (Entry != NULL) {
            ExInterlockedPushEntrySList(&Stack, Entry, NULL);
        }
        Entry = ExInterlockedPopEntrySList(&Stack, NULL);
        if (Entry != NULL) {
            ExFreePoolWithTag(Entry, TAG);
        }
    }
}

static VOID TestFreedEntries(VOID)
{
    PSLIST_ENTRY Entry;

    RunThreads(PopAndFree);
    while ((Entry = ExInterlockedPopEntrySList(&Stack, NULL)) != NULL) {
        ExFreePoolWithTag(Entry, TAG);
    }
    KMT_CHECK(TRUE, "entries may be unmapped while another processor pops");
}

static volatile LONG Made, Unmade;

static PVOID NTAPI Make(POOL_TYPE Type, SIZE_T Size, ULONG Tag)
{
    InterlockedIncrement(&Made);
    return ExAllocatePoolWithTag(Type, Size, Tag);
}

static VOID NTAPI Unmake(PVOID Block)
{
    InterlockedIncrement(&Unmade);
    ExFreePoolWithTag(Block, TAG);
}

static VOID TestLookaside(VOID)
{
    static NPAGED_LOOKASIDE_LIST NonPaged;
    static PAGED_LOOKASIDE_LIST Paged;
    PVOID First, Second;

    ExInitializeNPagedLookasideList(&NonPaged, Make, Unmake, 0, 100, TAG, 0);
    First = ExAllocateFromNPagedLookasideList(&NonPaged);
    Second = ExAllocateFromNPagedLookasideList(&NonPaged);
    KMT_CHECK(First != NULL && Second != NULL && First != Second, "blocks are different");
    KMT_EQUAL(Made, 2, "an empty list calls the allocator");
    ExFreeToNPagedLookasideList(&NonPaged, First);
    KMT_EQUAL(Unmade, 0, "a freed block stays");
    KMT_CHECK(ExAllocateFromNPagedLookasideList(&NonPaged) == First, "and is used again");
    ExFreeToNPagedLookasideList(&NonPaged, First);
    ExFreeToNPagedLookasideList(&NonPaged, Second);
    ExDeleteNPagedLookasideList(&NonPaged);
    KMT_EQUAL(Unmade, 2, "deleting the list frees what it holds");
    ExInitializePagedLookasideList(&Paged, NULL, NULL, 0, 3, TAG, 0);
    First = ExAllocateFromPagedLookasideList(&Paged);
    KMT_CHECK(First != NULL, "the pool is the default allocator, for small blocks too");
    ExFreeToPagedLookasideList(&Paged, First);
    ExDeletePagedLookasideList(&Paged);
}

static VOID KmtRun(VOID)
{
    TestOrder();
    TestInterlocked();
    TestConcurrency();
    TestFreedEntries();
    TestLookaside();
}
