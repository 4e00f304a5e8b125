/*
 * Promises: an in-stack queued spin lock excludes threads, DPCs and processors, keeps and restores
 * the IRQL, and is handed on in the order in which processors came.
 */
#include "kmt.h"

#define THREADS 4
#define ADDITIONS 500
#define ROUNDS 12
#define MOST 32

static KSPIN_LOCK Lock;
static KLOCK_QUEUE_HANDLE Handles[MOST];
static KDPC Dpcs[MOST];
static volatile ULONG Order[MOST];
static volatile LONG Served; /* Lock */
static LONG Guarded;         /* Lock */

static VOID TestIrql(VOID)
{
    KLOCK_QUEUE_HANDLE Handle;

    KeInitializeSpinLock(&Lock);
    KeAcquireInStackQueuedSpinLock(&Lock, &Handle);
    KMT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL, "acquiring raises to DISPATCH_LEVEL");
    KMT_CHECK(!KeTestSpinLock(&Lock), "it is taken");
    KeReleaseInStackQueuedSpinLock(&Handle);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "releasing lowers again");
    KMT_CHECK(KeTestSpinLock(&Lock), "and frees");
    KeAcquireInStackQueuedSpinLockForDpc(&Lock, &Handle);
    KMT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL, "so does the variant for threaded DPCs");
    KeReleaseInStackQueuedSpinLockForDpc(&Handle);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "back again");
}

static VOID NTAPI Queue(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG Number = (ULONG)(ULONG_PTR)Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&Lock, &Handles[Number]);
    Order[Served++] = Number;
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&Handles[Number]);
}

/* With the lock held here, lets one processor after the other queue, in a random order: the lock's
 * word is the last one's handle, so we see when it has. Then they shall be served in that order. */
static LONG OneRound(PULONG Seed)
{
    KLOCK_QUEUE_HANDLE Mine;
    ULONG Came[MOST], Count = 0, Processors = KmtProcessors(), Me;
    LONG Wrong = 0;

    Served = 0;
    KeAcquireInStackQueuedSpinLock(&Lock, &Mine);
    Me = KeGetCurrentProcessorNumber();
    for (ULONG i = 0, First = KmtRandom(Seed), Step = KmtRandom(Seed) & 1 ? 1 : Processors - 1;
         i < Processors; i++) {
        ULONG Number = (First % Processors + i * Step) % Processors;

        if (Number == Me) {
            continue;
        }
        KeInsertQueueDpc(&Dpcs[Number], NULL, NULL);
        while (*(volatile KSPIN_LOCK *)&Lock != (KSPIN_LOCK)&Handles[Number]) {
            YieldProcessor();
        }
        Came[Count++] = Number;
    }
    KeReleaseInStackQueuedSpinLock(&Mine);
    KeFlushQueuedDpcs();
    for (ULONG i = 0; i < Count; i++) {
        Wrong += Order[i] != Came[i];
    }
    return Wrong + (Served != (LONG)Count);
}

static VOID TestOrder(VOID)
{
    ULONG Seed = 4711;
    LONG Wrong = 0;

    for (ULONG i = 0; i < KmtProcessors(); i++) {
        KeInitializeDpc(&Dpcs[i], Queue, (PVOID)(ULONG_PTR)i);
        KeSetTargetProcessorDpc(&Dpcs[i], (CCHAR)i);
        KeSetImportanceDpc(&Dpcs[i], HighImportance);
    }
    for (ULONG i = 0; i < ROUNDS; i++) {
        Wrong += OneRound(&Seed);
    }
    KMT_EQUAL(Wrong, 0, "first come, first served");
}

static VOID NTAPI Add(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (LONG i = 0; i < ADDITIONS; i++) {
        KLOCK_QUEUE_HANDLE Handle;

        KeAcquireInStackQueuedSpinLock(&Lock, &Handle);
        Guarded++;
        KeReleaseInStackQueuedSpinLock(&Handle);
    }
}

static VOID TestExclusion(VOID)
{
    PETHREAD Threads[THREADS];
    LONG Queued = 0;

    Served = 0;
    for (LONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Add, NULL);
    }
    for (ULONG i = 0; i < MOST; i++) {
        Queued += KeInsertQueueDpc(&Dpcs[i % KmtProcessors()], NULL, NULL) != FALSE;
        if (i % 8 == 0) {
            KmtSleep(1);
        }
    }
    for (LONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KeFlushQueuedDpcs();
    KMT_EQUAL(Guarded, THREADS * ADDITIONS, "no addition is lost");
    KMT_EQUAL(Served, Queued, "nor a DPC's");
    KMT_CHECK(KeTestSpinLock(&Lock), "nobody is left");
}

static VOID KmtRun(VOID)
{
    TestIrql();
    TestOrder();
    TestExclusion();
}
