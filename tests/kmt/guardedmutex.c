/*
 * Promises: a guarded mutex has one owner at a time, at its own IRQL and with all APCs disabled;
 * trying does not wait; the unsafe variants work where APCs are disabled already.
 */
#include "kmt.h"

#define THREADS 5
#define STEPS 4000

static KGUARDED_MUTEX Mutex;
static LONG Guarded; /* Mutex */
static volatile LONG Inside, Overlaps, Tried;

static VOID NTAPI Contend(PVOID Context)
{
    for (LONG i = 0; i < STEPS; i++) {
        if (Context == NULL) {
            KeAcquireGuardedMutex(&Mutex);
        } else {
            KeEnterGuardedRegion();
            KeAcquireGuardedMutexUnsafe(&Mutex);
        }
        if (InterlockedIncrement(&Inside) != 1) {
            InterlockedIncrement(&Overlaps);
        }
        Guarded++;
        if (i % 500 == 0) {
            KmtSleep(1);
        }
        InterlockedDecrement(&Inside);
        if (Context == NULL) {
            KeReleaseGuardedMutex(&Mutex);
        } else {
            KeReleaseGuardedMutexUnsafe(&Mutex);
            KeLeaveGuardedRegion();
        }
    }
}

static VOID NTAPI Try(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Tried = KeTryToAcquireGuardedMutex(&Mutex) ? 2 : 1;
    if (KeAreAllApcsDisabled()) {
        Tried = 3;
    }
}

static VOID TestRegion(VOID)
{
    KeAcquireGuardedMutex(&Mutex);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "the owner keeps its IRQL");
    KMT_CHECK(KeAreAllApcsDisabled(), "and gets no APCs");
    KmtJoin(KmtStartThread(Try, NULL));
    KMT_EQUAL(Tried, 1, "trying a taken mutex fails and changes nothing");
    KeReleaseGuardedMutex(&Mutex);
    KMT_CHECK(!KeAreAllApcsDisabled(), "until it gives it back");
    KMT_CHECK(KeTryToAcquireGuardedMutex(&Mutex), "trying a free mutex takes it");
    KMT_CHECK(KeAreAllApcsDisabled(), "in a guarded region");
    KeReleaseGuardedMutex(&Mutex);
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[THREADS];

    KeInitializeGuardedMutex(&Mutex);
    TestRegion();
    for (LONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Contend, (i & 1) ? &Mutex : NULL);
    }
    for (LONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Overlaps, 0, "one owner at a time");
    KMT_EQUAL(Guarded, THREADS * STEPS, "everybody got it each time");
    KMT_CHECK(Mutex.Contention != 0, "there was contention");
    KMT_EQUAL(Mutex.Count, GM_LOCK_BIT, "nobody is left waiting");
}
