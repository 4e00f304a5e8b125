/*
 * Measures: locks that nobody else wants, and waits that are satisfied at once.
 */
#include "bench.h"

static VOID MeasureSpinLock(VOID)
{
    KSPIN_LOCK Lock;
    KIRQL OldIrql;

    KeInitializeSpinLock(&Lock);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeAcquireSpinLock(&Lock, &OldIrql);
        KeReleaseSpinLock(&Lock, OldIrql);
        BenchStop();
    }
    BenchReport("spinlock");
}

static VOID MeasureQueuedSpinLock(VOID)
{
    KSPIN_LOCK Lock;
    KLOCK_QUEUE_HANDLE Handle;

    KeInitializeSpinLock(&Lock);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeAcquireInStackQueuedSpinLock(&Lock, &Handle);
        KeReleaseInStackQueuedSpinLock(&Handle);
        BenchStop();
    }
    BenchReport("qspinlock");
}

static VOID MeasureSharedSpinLock(VOID)
{
    EX_SPIN_LOCK Lock = 0;
    KIRQL OldIrql;

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        OldIrql = ExAcquireSpinLockShared(&Lock);
        ExReleaseSpinLockShared(&Lock, OldIrql);
        BenchStop();
    }
    BenchReport("exspinlock");
}

static VOID MeasureFastMutex(VOID)
{
    FAST_MUTEX Mutex;

    ExInitializeFastMutex(&Mutex);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExAcquireFastMutex(&Mutex);
        ExReleaseFastMutex(&Mutex);
        BenchStop();
    }
    BenchReport("fastmutex");
}

static VOID MeasureGuardedMutex(VOID)
{
    KGUARDED_MUTEX Mutex;

    KeInitializeGuardedMutex(&Mutex);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeAcquireGuardedMutex(&Mutex);
        KeReleaseGuardedMutex(&Mutex);
        BenchStop();
    }
    BenchReport("guardedmutex");
}

static VOID MeasurePushLock(VOID)
{
    EX_PUSH_LOCK Lock;

    ExInitializePushLock(&Lock);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExAcquirePushLockShared(&Lock);
        ExReleasePushLockShared(&Lock);
        BenchStop();
    }
    BenchReport("pushlock_shared");
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExAcquirePushLockExclusive(&Lock);
        ExReleasePushLockExclusive(&Lock);
        BenchStop();
    }
    BenchReport("pushlock_exclusive");
}

static VOID MeasureResource(VOID)
{
    static ERESOURCE Resource;

    ExInitializeResourceLite(&Resource);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExAcquireResourceSharedLite(&Resource, TRUE);
        ExReleaseResourceLite(&Resource);
        BenchStop();
    }
    BenchReport("eresource_shared");
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExAcquireResourceExclusiveLite(&Resource, TRUE);
        ExReleaseResourceLite(&Resource);
        BenchStop();
    }
    BenchReport("eresource_exclusive");
    ExDeleteResourceLite(&Resource);
}

static VOID MeasureRundown(VOID)
{
    EX_RUNDOWN_REF Ref;

    ExInitializeRundownProtection(&Ref);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExAcquireRundownProtection(&Ref);
        ExReleaseRundownProtection(&Ref);
        BenchStop();
    }
    BenchReport("rundown");
}

static VOID MeasureMutant(VOID)
{
    KMUTEX Mutex;

    KeInitializeMutex(&Mutex, 0);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
        KeReleaseMutex(&Mutex, FALSE);
        BenchStop();
    }
    BenchReport("mutant");
}

static VOID MeasureEvent(VOID)
{
    KEVENT Event;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        BenchStop();
    }
    BenchReport("event");
}

static VOID MeasureSemaphore(VOID)
{
    KSEMAPHORE Semaphore;

    KeInitializeSemaphore(&Semaphore, 0, 10);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 1, FALSE);
        KeWaitForSingleObject(&Semaphore, Executive, KernelMode, FALSE, NULL);
        BenchStop();
    }
    BenchReport("semaphore");
}

/* Waits for all of Count events, which are set and stay so. */
static VOID MeasureWaitMultiple(PCSTR Name, ULONG Count)
{
    static KEVENT Events[MAXIMUM_WAIT_OBJECTS];
    static KWAIT_BLOCK Blocks[MAXIMUM_WAIT_OBJECTS];
    PVOID Objects[MAXIMUM_WAIT_OBJECTS];

    for (ULONG i = 0; i < Count; i++) {
        KeInitializeEvent(&Events[i], NotificationEvent, TRUE);
        Objects[i] = &Events[i];
    }
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeWaitForMultipleObjects(Count, Objects, WaitAll, Executive, KernelMode, FALSE, NULL,
                                 Blocks);
        BenchStop();
    }
    BenchReport(Name);
}

static VOID BenchRun(VOID)
{
    MeasureSpinLock();
    MeasureQueuedSpinLock();
    MeasureSharedSpinLock();
    MeasureFastMutex();
    MeasureGuardedMutex();
    MeasurePushLock();
    MeasureResource();
    MeasureRundown();
    MeasureMutant();
    MeasureEvent();
    MeasureSemaphore();
    MeasureWaitMultiple("waitmulti_2", 2);
    MeasureWaitMultiple("waitmulti_64", 64);
}
