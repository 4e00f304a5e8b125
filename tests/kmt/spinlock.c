/*
 * Promises: a spin lock excludes threads, DPCs and processors; the IRQL is raised and given back;
 * a device queue keeps order, keys and its busy state.
 */
#include "kmt.h"

static KSPIN_LOCK Lock;
static LONG Guarded; /* with Lock held */
static volatile LONG Contenders;

#define THREADS 4
#define ADDITIONS 20000

static VOID NTAPI Add(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Contenders);
    while (Contenders != THREADS) {
        KmtSleep(1);
    }
    for (int i = 0; i < ADDITIONS; i++) {
        KIRQL OldIrql;
        KeAcquireSpinLock(&Lock, &OldIrql);
        Guarded++;
        KeReleaseSpinLock(&Lock, OldIrql);
    }
}

static volatile LONG DpcRuns;

static VOID NTAPI AddInDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    Guarded++;
    KeReleaseSpinLockFromDpcLevel(&Lock);
    InterlockedIncrement(&DpcRuns);
}

static VOID TestExclusion(VOID)
{
    PETHREAD Threads[THREADS];
    KDPC Dpc;
    LONG Queued = 0;
    KeInitializeSpinLock(&Lock);
    KeInitializeDpc(&Dpc, AddInDpc, NULL);
    for (int i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Add, NULL);
    }
    for (int i = 0; i < 1000; i++) {
        Queued += KeInsertQueueDpc(&Dpc, NULL, NULL) != FALSE;
        if (i % 100 == 0) {
            KmtSleep(1);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KeFlushQueuedDpcs();
    KMT_EQUAL(DpcRuns, Queued, "every queued DPC ran once");
    KMT_EQUAL(Guarded, THREADS * ADDITIONS + Queued, "no addition by thread or DPC is lost");
}

static VOID TestIrql(VOID)
{
    KSPIN_LOCK Other;
    KIRQL OldIrql;
    KeInitializeSpinLock(&Other);
    KMT_CHECK(KeTestSpinLock(&Other), "a new lock is free");
    KeAcquireSpinLock(&Other, &OldIrql);
    KMT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL, "acquiring raises to DISPATCH_LEVEL");
    KMT_CHECK(!KeTestSpinLock(&Other), "it is taken");
    KMT_CHECK(!KeTryToAcquireSpinLockAtDpcLevel(&Other), "trying to take it fails");
    KeReleaseSpinLock(&Other, OldIrql);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "releasing lowers again");
}

static VOID TestDeviceQueue(VOID)
{
    KDEVICE_QUEUE Queue;
    KDEVICE_QUEUE_ENTRY Entry[5];
    KeInitializeDeviceQueue(&Queue);
    KMT_CHECK(!KeInsertDeviceQueue(&Queue, &Entry[0]), "the first insert only makes it busy");
    KMT_CHECK(KeInsertDeviceQueue(&Queue, &Entry[1]), "the second is queued");
    KMT_CHECK(KeInsertDeviceQueue(&Queue, &Entry[2]), "so is the third");
    KMT_CHECK(KeRemoveEntryDeviceQueue(&Queue, &Entry[1]), "an entry can be taken out");
    KMT_CHECK(!KeRemoveEntryDeviceQueue(&Queue, &Entry[1]), "once");
    KMT_CHECK(KeRemoveDeviceQueue(&Queue) == &Entry[2], "remove gives the oldest");
    KMT_CHECK(KeRemoveDeviceQueue(&Queue) == NULL, "then nothing, and it is idle");
    KMT_CHECK(!KeInsertByKeyDeviceQueue(&Queue, &Entry[0], 5), "so an insert makes it busy again");
    KeInsertByKeyDeviceQueue(&Queue, &Entry[1], 30);
    KeInsertByKeyDeviceQueue(&Queue, &Entry[2], 10);
    KeInsertByKeyDeviceQueue(&Queue, &Entry[3], 20);
    KeInsertByKeyDeviceQueue(&Queue, &Entry[4], 20);
    KMT_CHECK(KeRemoveByKeyDeviceQueue(&Queue, 15) == &Entry[3], "the next key upwards");
    KMT_CHECK(KeRemoveByKeyDeviceQueue(&Queue, 15) == &Entry[4], "equal keys in order");
    KMT_CHECK(KeRemoveByKeyDeviceQueue(&Queue, 31) == &Entry[2], "past the last: from the start");
    KMT_CHECK(KeRemoveByKeyDeviceQueue(&Queue, 0) == &Entry[1], "and the rest");
    KMT_CHECK(KeRemoveByKeyDeviceQueue(&Queue, 0) == NULL, "until it is empty");
}

static VOID KmtRun(VOID)
{
    TestIrql();
    TestExclusion();
    TestDeviceQueue();
}
