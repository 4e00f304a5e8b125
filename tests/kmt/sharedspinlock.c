/*
 * Promises: a shared spin lock has one writer or any number of readers; a writer that waits keeps
 * new readers out and gets in; the only reader can become the writer; the IRQL is kept and
 * restored.
 */
#include "kmt.h"

#define THREADS 6
#define STEPS 6000

static EX_SPIN_LOCK Lock;
static volatile LONG Readers, Writers, Violations, Converted, Arrived, Together;
static LONG Value, Mirror; /* Lock */
static LONG Wrote[THREADS];

static VOID TestIrql(VOID)
{
    KIRQL OldIrql = ExAcquireSpinLockExclusive(&Lock);

    KMT_EQUAL(OldIrql, PASSIVE_LEVEL, "acquiring tells the level before");
    KMT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL, "and raises to DISPATCH_LEVEL");
    KMT_CHECK(Lock != 0, "the word shows it");
    ExReleaseSpinLockExclusive(&Lock, OldIrql);
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "releasing lowers again");
    OldIrql = ExAcquireSpinLockShared(&Lock);
    KMT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL, "readers are there, too");
    ExAcquireSpinLockSharedAtDpcLevel(&Lock);
    KMT_CHECK(!ExTryConvertSharedSpinLockExclusive(&Lock), "one of two readers stays one");
    ExReleaseSpinLockSharedFromDpcLevel(&Lock);
    KMT_CHECK(ExTryConvertSharedSpinLockExclusive(&Lock), "the only one becomes the writer");
    ExReleaseSpinLockExclusive(&Lock, OldIrql);
    KMT_EQUAL(Lock, 0, "then the lock is free");
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "and the IRQL what it was");
}

/* All processors are readers at the same time: each waits for the others with the lock held. */
static ULONG_PTR NTAPI ShareWithAll(ULONG_PTR Processors)
{
    ExAcquireSpinLockSharedAtDpcLevel(&Lock);
    InterlockedIncrement(&Arrived);
    while ((ULONG_PTR)Arrived < Processors) {
        YieldProcessor();
    }
    InterlockedIncrement(&Together);
    ExReleaseSpinLockSharedFromDpcLevel(&Lock);
    return 0;
}

/* A reader on another processor is asked to stay until a writer here waits. */
static VOID NTAPI WriteOnce(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExAcquireSpinLockExclusiveAtDpcLevel(&Lock);
    InterlockedIncrement((PLONG)Context);
    ExReleaseSpinLockExclusiveFromDpcLevel(&Lock);
}

static VOID TestWriterComesFirst(VOID)
{
    KIRQL OldIrql = ExAcquireSpinLockShared(&Lock);
    LONG Written = 0, Late = 0;
    KDPC Dpc;

    KeInitializeDpc(&Dpc, WriteOnce, &Written);
    KeSetTargetProcessorDpc(&Dpc, KeGetCurrentProcessorNumber() == 0 ? 1 : 0);
    KeSetImportanceDpc(&Dpc, HighImportance);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    while (Lock == 1) {
        YieldProcessor();
    }
    Late = ExTryConvertSharedSpinLockExclusive(&Lock);
    ExReleaseSpinLockSharedFromDpcLevel(&Lock);
    ExAcquireSpinLockSharedAtDpcLevel(&Lock);
    KMT_EQUAL(*(volatile LONG *)&Written, 1, "a writer that waits comes before new readers");
    KMT_CHECK(!Late, "and before a reader that wants to become one");
    ExReleaseSpinLockShared(&Lock, OldIrql);
    KeFlushQueuedDpcs();
}

static VOID Write(ULONG Number)
{
    if (InterlockedIncrement(&Writers) != 1 || Readers != 0) {
        InterlockedIncrement(&Violations);
    }
    Value++;
    Mirror++;
    Wrote[Number]++;
    InterlockedDecrement(&Writers);
}

static VOID NTAPI Stress(PVOID Context)
{
    ULONG Number = (ULONG)(ULONG_PTR)Context, Seed = 0x9E3779B9u * (Number + 1);

    for (LONG i = 0; i < STEPS; i++) {
        ULONG Random = KmtRandom(&Seed) >> 4;
        KIRQL OldIrql;

        if (Random % 4 == 0) {
            OldIrql = ExAcquireSpinLockExclusive(&Lock);
            Write(Number);
            ExReleaseSpinLockExclusive(&Lock, OldIrql);
            continue;
        }
        OldIrql = ExAcquireSpinLockShared(&Lock);
        InterlockedIncrement(&Readers);
        if (Writers != 0 || *(volatile LONG *)&Value != *(volatile LONG *)&Mirror) {
            InterlockedIncrement(&Violations);
        }
        InterlockedDecrement(&Readers);
        if (Random % 4 == 1 && ExTryConvertSharedSpinLockExclusive(&Lock)) {
            Write(Number);
            InterlockedIncrement(&Converted);
            ExReleaseSpinLockExclusive(&Lock, OldIrql);
        } else {
            ExReleaseSpinLockShared(&Lock, OldIrql);
        }
    }
}

static VOID TestStress(VOID)
{
    PETHREAD Threads[THREADS];
    LONG Total = 0;

    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Stress, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
        Total += Wrote[i];
    }
    KMT_EQUAL(Violations, 0, "no writer is with anybody");
    KMT_EQUAL(Value, Total, "nothing written is lost");
    KMT_CHECK(Converted > 0, "readers became writers");
    KMT_EQUAL(Lock, 0, "nobody is left");
}

static VOID KmtRun(VOID)
{
    TestIrql();
    KeIpiGenericCall(ShareWithAll, KmtProcessors());
    KMT_EQUAL(Together, KmtProcessors(), "all processors read at the same time");
    if (KmtProcessors() > 1) {
        TestWriterComesFirst();
    }
    TestStress();
}
