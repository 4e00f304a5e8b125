/*
 * Promises: rundown protection counts its users; the wait ends when the last one has left, and not
 * before; from its beginning on nobody gets in; it can be used again after reinitialisation. The
 * cache-aware kind does the same, wherever its users come and leave.
 */
#include "kmt.h"

#define THREADS 6
#define ROUNDS 12
#define TAG 'nuRT'

static EX_RUNDOWN_REF Ref;
static PEX_RUNDOWN_REF_CACHE_AWARE Aware;
static volatile LONG Waited;

static VOID NTAPI WaitForRelease(PVOID Context)
{
    if (Context != NULL) {
        ExWaitForRundownProtectionRelease(&Ref);
    } else {
        ExWaitForRundownProtectionReleaseCacheAware(Aware);
    }
    InterlockedIncrement(&Waited);
}

static VOID TestCounting(VOID)
{
    PETHREAD Waiter;

    ExInitializeRundownProtection(&Ref);
    KMT_CHECK(ExAcquireRundownProtection(&Ref), "users come");
    KMT_CHECK(ExAcquireRundownProtectionEx(&Ref, 3), "several at once, too");
    KMT_EQUAL(Ref.Count, 4 * EX_RUNDOWN_COUNT_INC, "and are counted");
    ExReleaseRundownProtectionEx(&Ref, 2);
    Waiter = KmtStartThread(WaitForRelease, &Ref);
    while (ExAcquireRundownProtection(&Ref)) {
        ExReleaseRundownProtection(&Ref);
        KmtSleep(1);
    }
    KMT_CHECK(!ExAcquireRundownProtectionEx(&Ref, 2), "nobody comes once rundown has begun");
    ExReleaseRundownProtection(&Ref);
    KmtSleep(20);
    KMT_EQUAL(Waited, 0, "the owner waits for the last user");
    ExReleaseRundownProtection(&Ref);
    KmtJoin(Waiter);
    KMT_EQUAL(Waited, 1, "not longer");
    ExWaitForRundownProtectionRelease(&Ref);
    ExRundownCompleted(&Ref);
    KMT_EQUAL(Ref.Count, EX_RUNDOWN_ACTIVE, "waiting again is over at once");
    KMT_CHECK(!ExAcquireRundownProtection(&Ref), "it stays run down");
    ExReInitializeRundownProtection(&Ref);
    KMT_CHECK(ExAcquireRundownProtection(&Ref), "until it is reinitialised");
    ExReleaseRundownProtection(&Ref);
    ExWaitForRundownProtectionRelease(&Ref);
    ExReInitializeRundownProtection(&Ref);
}

/* A DPC on each processor comes or leaves there. */
static VOID NTAPI ComeOrLeave(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument2);
    if (Argument1 == NULL) {
        ExReleaseRundownProtectionCacheAwareEx(Aware, 2);
    } else if (ExAcquireRundownProtectionCacheAwareEx(Aware, 2)) {
        InterlockedIncrement((PLONG)Context);
    }
}

static VOID OnProcessor(ULONG Number, PVOID Come, PLONG Came)
{
    KDPC Dpc;

    KeInitializeDpc(&Dpc, ComeOrLeave, Came);
    KeSetTargetProcessorDpc(&Dpc, (CCHAR)Number);
    KeSetImportanceDpc(&Dpc, HighImportance);
    KeInsertQueueDpc(&Dpc, Come, NULL);
    KeFlushQueuedDpcs();
}

static VOID TestCacheAware(VOID)
{
    static UCHAR DECLSPEC_ALIGN(8) Buffer[16384];
    PETHREAD Waiter;
    LONG Came = 0;

    KMT_CHECK(ExSizeOfRundownProtectionCacheAware() <= sizeof(Buffer), "the size is sensible");
    Aware = ExAllocateCacheAwareRundownProtection(NonPagedPoolNx, TAG);
    for (ULONG i = 0; i < KmtProcessors(); i++) {
        OnProcessor(i, &Came, &Came);
    }
    KMT_EQUAL(Came, KmtProcessors(), "users come on every processor");
    Waited = 0;
    for (ULONG i = 1; i < KmtProcessors(); i++) {
        OnProcessor(0, NULL, &Came);
    }
    Waiter = KmtStartThread(WaitForRelease, NULL);
    while (ExAcquireRundownProtectionCacheAware(Aware)) {
        ExReleaseRundownProtectionCacheAware(Aware);
        KmtSleep(1);
    }
    KmtSleep(20);
    KMT_EQUAL(Waited, 0, "all but one leave on the first, and rundown waits for that one");
    KMT_CHECK(!ExAcquireRundownProtectionCacheAware(Aware), "nobody comes");
    ExReleaseRundownProtectionCacheAware(Aware);
    ExReleaseRundownProtectionCacheAware(Aware);
    KmtJoin(Waiter);
    KMT_EQUAL(Waited, 1, "then it is over");
    ExRundownCompletedCacheAware(Aware);
    ExReInitializeRundownProtectionCacheAware(Aware);
    KMT_CHECK(ExAcquireRundownProtectionCacheAware(Aware), "and can begin again");
    ExReleaseRundownProtectionCacheAware(Aware);
    ExFreeCacheAwareRundownProtection(Aware);
    Aware = (PEX_RUNDOWN_REF_CACHE_AWARE)Buffer;
    ExInitializeRundownProtectionCacheAware(Aware, sizeof(Buffer));
    KMT_CHECK(ExAcquireRundownProtectionCacheAware(Aware), "memory of one's own does, too");
    ExReleaseRundownProtectionCacheAware(Aware);
}

/* Users touch Object only while it is valid. */
static volatile LONG Valid, TouchedInvalid, Touched, Stop;

static VOID NTAPI UseAll(PVOID Context)
{
    while (!Stop) {
        BOOLEAN In = Context != NULL ? ExAcquireRundownProtection(&Ref)
                                     : ExAcquireRundownProtectionCacheAware(Aware);

        if (!In) {
            KmtSleep(1);
            continue;
        }
        if (!Valid) {
            InterlockedIncrement(&TouchedInvalid);
        }
        if (InterlockedIncrement(&Touched) % 256 == 0) {
            KmtSleep(1);
        }
        if (!Valid) {
            InterlockedIncrement(&TouchedInvalid);
        }
        if (Context != NULL) {
            ExReleaseRundownProtection(&Ref);
        } else {
            ExReleaseRundownProtectionCacheAware(Aware);
        }
    }
}

static VOID TestStress(PVOID Single)
{
    PETHREAD Threads[THREADS];

    Stop = 0;
    Touched = 0;
    Valid = 1;
    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(UseAll, Single);
    }
    for (ULONG Looks = 0; Touched == 0 && KmtLookAgain(&Looks);) {
    }
    for (ULONG i = 0; i < ROUNDS; i++) {
        KmtSleep(5);
        if (Single != NULL) {
            ExWaitForRundownProtectionRelease(&Ref);
        } else {
            ExWaitForRundownProtectionReleaseCacheAware(Aware);
        }
        Valid = 0;
        KmtSleep(1);
        Valid = 1;
        if (Single != NULL) {
            ExReInitializeRundownProtection(&Ref);
        } else {
            ExReInitializeRundownProtectionCacheAware(Aware);
        }
    }
    Stop = 1;
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(TouchedInvalid, 0, "nobody uses what has been run down");
    KMT_CHECK(Touched > 0, "it is used");
}

static VOID KmtRun(VOID)
{
    TestCounting();
    TestCacheAware();
    TestStress(&Ref);
    TestStress(NULL);
}
