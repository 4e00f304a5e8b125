/*
 * Promises: interlocked operations of every width lose nothing on any number of processors and
 * return what Windows' return; single lists and numbers under a spin lock do so, too; sequenced
 * lists keep their order, depth and sequence, also past 65535 operations.
 */
#include "kmt.h"

#define THREADS 4
#define STEPS 10000

typedef struct DECLSPEC_ALIGN(16) _PAIR {
    LONG64 Low, High;
} PAIR;

static PAIR Pair;
static SHORT Word;
static LONG64 Quad, Mask;
static LARGE_INTEGER Large, Statistic;
static ULONG Number;
static KSPIN_LOCK Lock;
static SINGLE_LIST_ENTRY Single;

static VOID TestValues(VOID)
{
    LONG Bits[2] = {0, 0};
    LONG64 Long = 10;
    PAIR Comparand = {1, 2};

    KMT_EQUAL(InterlockedIncrement16(&Word), 1, "incrementing returns the new value");
    KMT_EQUAL(InterlockedDecrement16(&Word), 0, "so does decrementing");
    KMT_EQUAL(InterlockedCompareExchange16(&Word, 7, 1), 0, "comparing returns the old one");
    KMT_EQUAL(InterlockedExchange16(&Word, 9), 0, "and has not changed it");
    KMT_EQUAL(InterlockedExchange16(&Word, 0), 9, "exchanging returns the old one");
    KMT_EQUAL(InterlockedExchangeAdd64(&Long, 5), 10, "so does exchange and add");
    KMT_EQUAL(InterlockedOr64(&Long, 0x100000000LL), 15, "and or");
    KMT_EQUAL(InterlockedAnd64(&Long, 0x10000000ELL), 0x10000000FLL, "and and");
    KMT_EQUAL(InterlockedXor64(&Long, 14), 0x10000000ELL, "and xor");
    KMT_EQUAL(InterlockedIncrementNoFence64(&Long), 0x100000001LL, "64 bits wide");
    KMT_CHECK(!InterlockedBitTestAndSet(Bits, 33) && Bits[1] == 2, "bits count past a word's end");
    KMT_CHECK(InterlockedBitTestAndSet(Bits, 33) && Bits[1] == 2, "a bit that is set says so");
    KMT_CHECK(InterlockedBitTestAndReset(Bits, 33) && Bits[1] == 0, "and is cleared");
    KMT_CHECK(!InterlockedBitTestAndSet64(&Mask, 63) && Mask < 0, "the top bit of 64, too");
    KMT_CHECK(InterlockedBitTestAndReset64(&Mask, 63) && Mask == 0, "both ways");
    KMT_CHECK(!InterlockedCompareExchange128(&Pair.Low, 4, 3, &Comparand.Low), "16 bytes differ");
    KMT_CHECK(Comparand.Low == 0 && Comparand.High == 0, "and are told");
    KMT_CHECK(InterlockedCompareExchange128(&Pair.Low, 4, 3, &Comparand.Low), "or are equal");
    KMT_CHECK(Pair.Low == 3 && Pair.High == 4, "and are exchanged");
    Pair.Low = Pair.High = 0;
}

static VOID TestSingleList(VOID)
{
    SINGLE_LIST_ENTRY A, B;

    Single.Next = NULL;
    KMT_CHECK(ExInterlockedPopEntryList(&Single, &Lock) == NULL, "an empty list has nothing");
    KMT_CHECK(ExInterlockedPushEntryList(&Single, &A, &Lock) == NULL, "the first finds nothing");
    KMT_CHECK(ExInterlockedPushEntryList(&Single, &B, &Lock) == &A, "the second finds the first");
    KMT_CHECK(ExInterlockedPopEntryList(&Single, &Lock) == &B, "last in, first out");
    KMT_CHECK(ExInterlockedPopEntryList(&Single, &Lock) == &A, "and the other");
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "the IRQL is what it was");
}

static VOID TestSequence(VOID)
{
    static SLIST_HEADER Head;
    static DECLSPEC_ALIGN(16) SLIST_ENTRY Entries[3];
    SLIST_HEADER Before;
    LONG Bad = 0;

    InitializeSListHead(&Head);
    Before = Head;
    for (ULONG i = 0; i < 70000; i++) {
        InterlockedPushEntrySList(&Head, &Entries[i % 3]);
        Bad += ExQueryDepthSList(&Head) != 1;
        Bad += InterlockedPopEntrySList(&Head) != &Entries[i % 3];
    }
    KMT_EQUAL(Bad, 0, "a sequenced list serves past 65535 operations");
    KMT_EQUAL(ExQueryDepthSList(&Head), 0, "its depth does not overflow");
    KMT_CHECK(Head.HeaderX64.Sequence != Before.HeaderX64.Sequence, "its sequence has moved");
    KMT_CHECK(ExInterlockedFlushSList(&Head) == NULL, "flushing an empty list gives nothing");
    for (ULONG i = 0; i < 3; i++) {
        InterlockedPushEntrySList(&Head, &Entries[i]);
    }
    KMT_EQUAL((ULONG_PTR)Head.HeaderX64.NextEntry << 4, (ULONG_PTR)&Entries[2],
              "the header holds the first entry's address");
    KMT_CHECK(ExInterlockedFlushSList(&Head) == &Entries[2] && Entries[2].Next == &Entries[1] &&
                  Entries[1].Next == &Entries[0] && Entries[0].Next == NULL,
              "flushing gives all, in order");
}

static VOID NTAPI Count(PVOID Context)
{
    LARGE_INTEGER Three = {.QuadPart = 3};
    SINGLE_LIST_ENTRY *Mine = Context;

    for (LONG i = 0; i < STEPS; i++) {
        PAIR Old = Pair;

        InterlockedIncrement16(&Word);
        InterlockedExchangeAdd64(&Quad, 0x100000001LL);
        InterlockedXor64(&Mask, 1LL << (i % 63));
        while (!InterlockedCompareExchange128(&Pair.Low, Old.High + 2, Old.Low + 1, &Old.Low)) {
        }
        ExInterlockedAddLargeInteger(&Large, Three, &Lock);
        ExInterlockedAddLargeStatistic(&Statistic, 2);
        ExInterlockedAddUlong(&Number, 5, &Lock);
        if (Mine != NULL) {
            ExInterlockedPushEntryList(&Single, Mine, &Lock);
        }
        Mine = ExInterlockedPopEntryList(&Single, &Lock);
    }
    if (Mine != NULL) {
        ExInterlockedPushEntryList(&Single, Mine, &Lock);
    }
}

static VOID TestConcurrency(VOID)
{
    SINGLE_LIST_ENTRY Entries[THREADS];
    PETHREAD Threads[THREADS];
    LONG Left = 0;

    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Count, &Entries[i]);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    while (ExInterlockedPopEntryList(&Single, &Lock) != NULL) {
        Left++;
    }
    KMT_EQUAL(Word, (SHORT)(THREADS * STEPS), "16 bits");
    KMT_EQUAL(Quad, THREADS * STEPS * 0x100000001LL, "64 bits");
    KMT_EQUAL(Mask, 0, "bits");
    KMT_CHECK(Pair.Low == THREADS * STEPS && Pair.High == 2 * THREADS * STEPS, "128 bits");
    KMT_EQUAL(Large.QuadPart, 3 * THREADS * STEPS, "large integers");
    KMT_EQUAL(Statistic.QuadPart, 2 * THREADS * STEPS, "statistics");
    KMT_EQUAL(Number, 5 * THREADS * STEPS, "and ulongs under a lock");
    KMT_EQUAL(Left, THREADS, "no entry of a single list is lost");
}

static VOID KmtRun(VOID)
{
    LARGE_INTEGER One = {.QuadPart = 1};
    LONG64 Exchange = 8, Comparand = 0;

    KeInitializeSpinLock(&Lock);
    TestValues();
    KMT_EQUAL(ExInterlockedAddUlong(&Number, 0, &Lock), 0, "adding returns the value before");
    KMT_EQUAL(ExInterlockedAddLargeInteger(&Large, One, &Lock).QuadPart, 0, "of both kinds");
    KMT_EQUAL(ExInterlockedCompareExchange64(&Quad, &Exchange, &Comparand, &Lock), 0,
              "and compares");
    KMT_EQUAL(Quad, 8, "with effect");
    Large.QuadPart = Quad = 0;
    TestSingleList();
    TestSequence();
    TestConcurrency();
}
