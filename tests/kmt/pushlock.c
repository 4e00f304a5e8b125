/*
 * Promises: a push lock is one thread's alone or shared; those who wait get it, an exclusive waiter
 * before sharers that come later; whoever is passed by once is not passed again; no wake-up is
 * lost, also when many locks share the kernel's queues.
 */
#include "kmt.h"

#define THREADS 8
#define STEPS 2000
#define LOCKS 3

static EX_PUSH_LOCK Lock, Locks[LOCKS];
static volatile LONG Steps;

typedef struct _ACTOR {
    KEVENT Coming, Go, Has;
    PETHREAD Thread;
    BOOLEAN Exclusive;
} ACTOR;

/* Takes the lock, says so, gives it back when told. */
static VOID NTAPI HoldOnce(PVOID Context)
{
    ACTOR *Me = Context;

    KeEnterCriticalRegion();
    KmtCome(&Me->Coming);
    if (Me->Exclusive) {
        ExAcquirePushLockExclusive(&Lock);
    } else {
        ExAcquirePushLockShared(&Lock);
    }
    KeSetEvent(&Me->Has, 0, FALSE);
    KeWaitForSingleObject(&Me->Go, Executive, KernelMode, FALSE, NULL);
    if (Me->Exclusive) {
        ExReleasePushLockExclusive(&Lock);
    } else {
        ExReleasePushLockShared(&Lock);
    }
    KeLeaveCriticalRegion();
}

static VOID Start(ACTOR *Actor, BOOLEAN Exclusive)
{
    KeInitializeEvent(&Actor->Coming, NotificationEvent, FALSE);
    KeInitializeEvent(&Actor->Go, NotificationEvent, FALSE);
    KeInitializeEvent(&Actor->Has, NotificationEvent, FALSE);
    Actor->Exclusive = Exclusive;
    Actor->Thread = KmtStartThread(HoldOnce, Actor);
}

static VOID Finish(ACTOR *Actor)
{
    KeSetEvent(&Actor->Go, 0, FALSE);
    KmtJoin(Actor->Thread);
}

static BOOLEAN Has(ACTOR *Actor, LONGLONG Milliseconds)
{
    return KmtWait(&Actor->Has, Milliseconds) == STATUS_SUCCESS;
}

static VOID TestWord(VOID)
{
    ExInitializePushLock(&Lock);
    KeEnterCriticalRegion();
    KMT_CHECK(ExTryAcquirePushLockExclusiveEx(&Lock, 0), "a new push lock is free");
    KMT_CHECK(!ExTryAcquirePushLockExclusiveEx(&Lock, 0), "once");
    KMT_CHECK(!ExTryAcquirePushLockSharedEx(&Lock, 0), "and for nobody else");
    ExReleasePushLockEx(&Lock, 0);
    ExAcquirePushLockShared(&Lock);
    KMT_CHECK(ExTryAcquirePushLockSharedEx(&Lock, 0), "two share it");
    KMT_CHECK(!ExTryAcquirePushLockExclusiveEx(&Lock, 0), "nobody gets it alone");
    ExReleasePushLockShared(&Lock);
    ExReleasePushLock(&Lock);
    KMT_EQUAL(Lock, 0, "then it is free again");
    KeLeaveCriticalRegion();
}

static VOID TestWaiters(VOID)
{
    ACTOR Writer, Reader, Late;

    KeEnterCriticalRegion();
    ExAcquirePushLockShared(&Lock);
    Start(&Reader, FALSE);
    KMT_CHECK(Has(&Reader, 10000), "a reader joins a reader");
    Start(&Writer, TRUE);
    while (ExTryAcquirePushLockSharedEx(&Lock, 0)) { // until it waits
        ExReleasePushLockShared(&Lock);
        KmtSleep(1);
    }
    KMT_CHECK(!Has(&Writer, 30), "a writer waits for both");
    KMT_CHECK(!ExTryAcquirePushLockSharedEx(&Lock, 0), "nobody joins while it waits");
    Start(&Late, FALSE);
    KmtAwaitComing(&Late.Coming); /* or it may find the lock free on its way to the writer */
    KMT_CHECK(!Has(&Late, 30), "a late reader waits, too");
    ExReleasePushLockShared(&Lock);
    KMT_CHECK(!Has(&Writer, 30), "one reader is left");
    Finish(&Reader);
    KMT_CHECK(Has(&Writer, 10000), "the last reader lets the writer in");
    KMT_CHECK(!Has(&Late, 30), "before the late reader");
    Finish(&Writer);
    KMT_CHECK(Has(&Late, 10000), "which comes next");
    KMT_CHECK(ExTryAcquirePushLockSharedEx(&Lock, 0), "and lets others join");
    ExReleasePushLockShared(&Lock);
    Finish(&Late);
    KMT_EQUAL(Lock, 0, "all have left");
    KeLeaveCriticalRegion();
}

/* One thread takes and gives back all the time, and would always be faster than who has to wake up
 * first. */
static volatile LONG Stop;

static VOID NTAPI Hog(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    while (!Stop) {
        ExAcquirePushLockExclusive(&Lock);
        InterlockedIncrement(&Steps);
        ExReleasePushLockExclusive(&Lock);
    }
    KeLeaveCriticalRegion();
}

static VOID TestStarvation(VOID)
{
    PETHREAD Hogs[2] = {KmtStartThread(Hog, NULL), KmtStartThread(Hog, NULL)};
    LONG Got = 0;

    while (Steps < 1000) {
        KmtSleep(1);
    }
    KeEnterCriticalRegion();
    for (LONG i = 0; i < 20; i++) {
        ExAcquirePushLockShared(&Lock);
        Got++;
        ExReleasePushLockShared(&Lock);
    }
    KeLeaveCriticalRegion();
    Stop = 1;
    KmtJoin(Hogs[0]);
    KmtJoin(Hogs[1]);
    KMT_EQUAL(Got, 20, "a reader gets in among greedy writers");
}

static volatile LONG Inside[LOCKS], Alone[LOCKS], Violations;
static LONG Written[LOCKS], Sum[THREADS];

static VOID Visit(ULONG Which, BOOLEAN Exclusive, ULONG Random)
{
    if (Exclusive) {
        if (InterlockedIncrement(&Alone[Which]) != 1 || Inside[Which] != 0) {
            InterlockedIncrement(&Violations);
        }
        Written[Which]++;
    } else {
        InterlockedIncrement(&Inside[Which]);
        if (Alone[Which] != 0) {
            InterlockedIncrement(&Violations);
        }
    }
    if (Random % 128 == 0) {
        KmtSleep(1);
    }
    InterlockedDecrement(Exclusive ? &Alone[Which] : &Inside[Which]);
}

static VOID NTAPI Stress(PVOID Context)
{
    ULONG Number = (ULONG)(ULONG_PTR)Context, Seed = 0x9E3779B9u * (Number + 1);

    for (LONG i = 0; i < STEPS; i++) {
        ULONG Random = KmtRandom(&Seed) >> 4, Which = Random % LOCKS;

        KeEnterCriticalRegion();
        if (Random / 16 % 3 == 0) {
            ExAcquirePushLockExclusive(&Locks[Which]);
            Visit(Which, TRUE, Random / 256);
            Sum[Number]++;
            ExReleasePushLockExclusive(&Locks[Which]);
        } else {
            ExAcquirePushLockShared(&Locks[Which]);
            Visit(Which, FALSE, Random / 256);
            ExReleasePushLockShared(&Locks[Which]);
        }
        KeLeaveCriticalRegion();
    }
}

static VOID TestStress(VOID)
{
    PETHREAD Threads[THREADS];
    LONG Total = 0, Seen = 0;

    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Stress, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
        Total += Sum[i];
    }
    for (ULONG i = 0; i < LOCKS; i++) {
        Seen += Written[i];
        KMT_EQUAL(Locks[i], 0, "everybody has left");
    }
    KMT_EQUAL(Violations, 0, "no writer is with anybody");
    KMT_EQUAL(Seen, Total, "nothing written is lost");
}

static VOID KmtRun(VOID)
{
    TestWord();
    TestWaiters();
    TestStarvation();
    TestStress();
}
