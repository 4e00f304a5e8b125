/*
 * Promises: a fast mutex has one owner at a time, its waiters all get it, and it keeps and restores
 * the IRQL; trying does not wait; the unsafe variants work in a critical region.
 */
#include "kmt.h"

#define THREADS 5
#define STEPS 4000

static FAST_MUTEX Mutex;
static LONG Guarded; /* Mutex */
static volatile LONG Inside, Overlaps;

static VOID Visit(LONG Step)
{
    if (InterlockedIncrement(&Inside) != 1) {
        InterlockedIncrement(&Overlaps);
    }
    Guarded++;
    if (Step % 500 == 0) {
        KmtSleep(1);
    }
    InterlockedDecrement(&Inside);
}

static VOID NTAPI Contend(PVOID Context)
{
    for (LONG i = 0; i < STEPS; i++) {
        if (Context == NULL) {
            ExAcquireFastMutex(&Mutex);
            Visit(i);
            ExReleaseFastMutex(&Mutex);
        } else {
            KeEnterCriticalRegion();
            ExAcquireFastMutexUnsafe(&Mutex);
            Visit(i);
            ExReleaseFastMutexUnsafe(&Mutex);
            KeLeaveCriticalRegion();
        }
    }
}

static VOID TestContention(VOID)
{
    PETHREAD Threads[THREADS];

    for (LONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Contend, (i & 1) ? &Mutex : NULL);
    }
    for (LONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Overlaps, 0, "one owner at a time");
    KMT_EQUAL(Guarded, THREADS * STEPS, "everybody got it each time");
    KMT_CHECK(Mutex.Contention != 0, "there was contention");
    KMT_EQUAL(Mutex.Count, FM_LOCK_BIT, "nobody is left waiting");
    KMT_CHECK(Mutex.Owner == NULL, "nobody owns it");
}

static volatile LONG Tried;

static VOID NTAPI Try(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Tried = ExTryToAcquireFastMutex(&Mutex) ? 2 : 1;
    if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
        Tried = 3;
    }
}

static VOID TestIrql(VOID)
{
    ExAcquireFastMutex(&Mutex);
    KMT_EQUAL(KeGetCurrentIrql(), APC_LEVEL, "the owner is at APC_LEVEL");
    ExReleaseFastMutex(&Mutex);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "releasing goes back");
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Mutex);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "the unsafe variant leaves the IRQL alone");
    KmtJoin(KmtStartThread(Try, NULL));
    KMT_EQUAL(Tried, 1, "trying a taken mutex fails and keeps the IRQL");
    ExReleaseFastMutexUnsafe(&Mutex);
    KeLeaveCriticalRegion();
    KMT_CHECK(ExTryToAcquireFastMutex(&Mutex), "trying a free mutex takes it");
    KMT_EQUAL(KeGetCurrentIrql(), APC_LEVEL, "and raises");
    KMT_CHECK(Mutex.Owner == KeGetCurrentThread(), "the owner is known");
    ExReleaseFastMutex(&Mutex);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "back again");
}

static VOID KmtRun(VOID)
{
    ExInitializeFastMutex(&Mutex);
    TestIrql();
    TestContention();
}
