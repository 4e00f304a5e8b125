/*
 * Promises: an executive resource is one thread's alone or shared by any number; it counts
 * recursions; who waits gets it, sharers together, exclusive waiters one by one, in turns; each way
 * to share treats exclusive waiters as its name says; conversion lets sharers in; owners can be
 * replaced; long waits lend the owner priority; an owner that has ended is no other thread, though
 * one may have its memory.
 */
#include "kmt.h"

#define STRESS_THREADS 6
#define STRESS_STEPS 100
#define CROWD 20

static ERESOURCE Resource;

/* A thread that does what it is told, one thing at a time. */
typedef BOOLEAN NTAPI ACQUIRE(PERESOURCE Resource, BOOLEAN Wait);
typedef struct _ACTOR {
    PETHREAD Thread;
    KEVENT Go, Done;
    ACQUIRE *Acquire; /* NULL: release; Leave: end */
    BOOLEAN Wait, Leave, Result;
    volatile LONG Order; /* the how-manieth to be granted */
} ACTOR;
static volatile LONG Granted;

static VOID NTAPI Act(PVOID Context)
{
    ACTOR *Me = Context;

    for (;;) {
        KeWaitForSingleObject(&Me->Go, Executive, KernelMode, FALSE, NULL);
        if (Me->Leave) {
            return;
        }
        if (Me->Acquire != NULL) {
            Me->Result = Me->Acquire(&Resource, Me->Wait);
            Me->Order = InterlockedIncrement(&Granted);
        } else {
            ExReleaseResourceLite(&Resource);
        }
        KeSetEvent(&Me->Done, 0, FALSE);
    }
}

static VOID Create(ACTOR *Actor)
{
    RtlZeroMemory(Actor, sizeof(*Actor));
    KeInitializeEvent(&Actor->Go, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Actor->Done, SynchronizationEvent, FALSE);
    Actor->Thread = KmtStartThread(Act, Actor);
}

static VOID Dismiss(ACTOR *Actor)
{
    Actor->Leave = TRUE;
    KeSetEvent(&Actor->Go, 0, FALSE);
    KmtJoin(Actor->Thread);
}

static VOID Tell(ACTOR *Actor, ACQUIRE *Acquire, BOOLEAN Wait)
{
    Actor->Acquire = Acquire;
    Actor->Wait = Wait;
    KeSetEvent(&Actor->Go, 0, FALSE);
}

static BOOLEAN IsDone(ACTOR *Actor)
{
    return KmtWait(&Actor->Done, 10000) == STATUS_SUCCESS;
}

/* Tells, waits, and answers what the routine did. */
static BOOLEAN Do(ACTOR *Actor, ACQUIRE *Acquire, BOOLEAN Wait)
{
    Tell(Actor, Acquire, Wait);
    return IsDone(Actor) && (Acquire == NULL || Actor->Result);
}

static VOID AwaitWaiters(ULONG Shared, ULONG Exclusive)
{
    while (ExGetSharedWaiterCount(&Resource) != Shared ||
           ExGetExclusiveWaiterCount(&Resource) != Exclusive) {
        KmtSleep(1);
    }
}

static VOID TestAlone(VOID)
{
    KMT_CHECK(!ExIsResourceAcquiredLite(&Resource), "a new resource is nobody's");
    KMT_CHECK(ExAcquireResourceExclusiveLite(&Resource, FALSE), "it can be had alone");
    KMT_CHECK(ExAcquireResourceExclusiveLite(&Resource, TRUE), "again");
    KMT_CHECK(ExAcquireResourceSharedLite(&Resource, TRUE), "and to share, which counts as alone");
    KMT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 3, "three times");
    KMT_CHECK(ExIsResourceAcquiredExclusiveLite(&Resource), "still alone");
    KMT_EQUAL(Resource.ActiveEntries, 1, "one owner");
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    KMT_CHECK(ExIsResourceAcquiredExclusiveLite(&Resource), "until it is given back each time");
    ExReleaseResourceLite(&Resource);
    KMT_CHECK(!ExIsResourceAcquiredExclusiveLite(&Resource), "then no more");
    KMT_CHECK(ExAcquireResourceSharedLite(&Resource, FALSE), "shared");
    KMT_CHECK(!ExIsResourceAcquiredExclusiveLite(&Resource), "is not alone");
    KMT_CHECK(!ExTryToAcquireResourceExclusiveLite(&Resource), "nor becomes it");
    ExReleaseResourceLite(&Resource);
    ExEnterCriticalRegionAndAcquireResourceExclusive(&Resource);
    ExEnterCriticalRegionAndAcquireResourceShared(&Resource);
    ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(&Resource);
    KMT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 3,
              "each way with a critical region works");
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    KMT_CHECK(KeAreApcsDisabled(), "APCs are disabled");
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    KMT_CHECK(!KeAreApcsDisabled(), "as long as it is held");
}

/* I share it, B waits to have it alone: who else may share? */
static VOID TestRules(VOID)
{
    ACTOR B, C;

    Create(&B);
    Create(&C);
    ExAcquireResourceSharedLite(&Resource, TRUE);
    KMT_CHECK(!Do(&B, ExAcquireResourceExclusiveLite, FALSE), "nobody has alone what I share");
    KMT_CHECK(Do(&C, ExAcquireResourceSharedLite, FALSE), "others may share");
    Do(&C, NULL, FALSE);
    Tell(&B, ExAcquireResourceExclusiveLite, TRUE);
    AwaitWaiters(0, 1);
    KMT_CHECK(!Do(&C, ExAcquireResourceSharedLite, FALSE),
              "not if somebody waits to have it alone");
    KMT_CHECK(ExAcquireResourceSharedLite(&Resource, FALSE), "who shares it already may again");
    KMT_CHECK(!ExAcquireSharedWaitForExclusive(&Resource, FALSE), "but not with WaitForExclusive");
    KMT_CHECK(!Do(&C, ExAcquireSharedWaitForExclusive, FALSE), "nor may others with that");
    KMT_CHECK(Do(&C, ExAcquireSharedStarveExclusive, FALSE), "starving lets the other one share");
    KMT_EQUAL(Resource.ActiveEntries, 2, "two owners");
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    KMT_EQUAL(ExGetExclusiveWaiterCount(&Resource), 1, "one waits while a sharer is left");
    Do(&C, NULL, FALSE);
    KMT_CHECK(IsDone(&B), "the last sharer lets it in");
    KMT_CHECK(!ExAcquireSharedStarveExclusive(&Resource, FALSE), "nobody shares with who is alone");
    Do(&B, NULL, FALSE);
    Dismiss(&B);
    Dismiss(&C);
    KMT_EQUAL(Resource.ActiveCount, 0, "all gone");
}

/* While I have it alone, E1, S1, E2, S2 come in this order. */
static VOID TestTurns(VOID)
{
    ACTOR Actor[4];

    Granted = 0;
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    for (ULONG i = 0; i < 4; i++) {
        Create(&Actor[i]);
        Tell(&Actor[i], i & 1 ? ExAcquireResourceSharedLite : ExAcquireResourceExclusiveLite, TRUE);
        AwaitWaiters((i + 1) / 2, i / 2 + 1);
    }
    ExReleaseResourceLite(&Resource);
    KMT_CHECK(IsDone(&Actor[1]) && IsDone(&Actor[3]), "after one alone, all sharers get it");
    KMT_EQUAL(ExGetExclusiveWaiterCount(&Resource), 2, "the others still wait");
    Do(&Actor[1], NULL, FALSE);
    Do(&Actor[3], NULL, FALSE);
    KMT_CHECK(IsDone(&Actor[0]), "after sharers, the first of those");
    KMT_EQUAL(ExGetExclusiveWaiterCount(&Resource), 1, "one at a time");
    Do(&Actor[0], NULL, FALSE);
    KMT_CHECK(IsDone(&Actor[2]), "then the next");
    Do(&Actor[2], NULL, FALSE);
    for (ULONG i = 0; i < 4; i++) {
        Dismiss(&Actor[i]);
    }
}

static VOID TestConversion(VOID)
{
    ACTOR S, E;

    Create(&S);
    Create(&E);
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    Tell(&E, ExAcquireResourceExclusiveLite, TRUE);
    AwaitWaiters(0, 1);
    Tell(&S, ExAcquireResourceSharedLite, TRUE);
    AwaitWaiters(1, 1);
    ExConvertExclusiveToSharedLite(&Resource);
    KMT_CHECK(IsDone(&S), "conversion lets a waiting sharer in");
    KMT_CHECK(!ExIsResourceAcquiredExclusiveLite(&Resource), "it is not mine alone any more");
    KMT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 2, "but as often as before");
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    KMT_EQUAL(ExGetExclusiveWaiterCount(&Resource), 1, "the other one waits for all");
    Do(&S, NULL, FALSE);
    KMT_CHECK(IsDone(&E), "and gets it then");
    Do(&E, NULL, FALSE);
    Dismiss(&S);
    Dismiss(&E);
}

static VOID TestOwners(VOID)
{
    static ULONG64 Word;
    PVOID Owner = (PVOID)((ULONG_PTR)&Word | 3);
    ACTOR B;

    Create(&B);
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    ExSetResourceOwnerPointer(&Resource, Owner);
    KMT_CHECK(!ExIsResourceAcquiredExclusiveLite(&Resource), "it is not mine any more");
    KMT_CHECK(!ExAcquireResourceSharedLite(&Resource, FALSE), "but somebody's");
    ExReleaseResourceForThreadLite(&Resource, (ERESOURCE_THREAD)Owner);
    ExAcquireResourceSharedLite(&Resource, TRUE);
    ExSetResourceOwnerPointer(&Resource, Owner);
    ExAcquireResourceSharedLite(&Resource, TRUE);
    ExSetResourceOwnerPointer(&Resource, Owner);
    KMT_EQUAL(Resource.ActiveEntries, 1, "the same owner twice is one");
    ExReleaseResourceForThreadLite(&Resource, (ERESOURCE_THREAD)Owner);
    KMT_CHECK(!Do(&B, ExAcquireResourceExclusiveLite, FALSE), "with two acquisitions");
    ExReleaseResourceForThreadLite(&Resource, (ERESOURCE_THREAD)Owner);
    KMT_CHECK(Do(&B, ExAcquireResourceExclusiveLite, FALSE), "not more");
    ExReleaseResourceForThreadLite(&Resource, (ERESOURCE_THREAD)B.Thread);
    KMT_CHECK(ExAcquireResourceExclusiveLite(&Resource, FALSE),
              "another thread's can be given back");
    ExSetResourceOwnerPointerEx(&Resource, B.Thread, FLAG_OWNER_POINTER_IS_THREAD);
    KMT_CHECK(Do(&B, NULL, FALSE) && Resource.ActiveEntries == 0, "and mine given to it");
    Dismiss(&B);
}

/* More sharers than the resource itself, and than its first table, have room for. */
static VOID TestCrowd(VOID)
{
    static ACTOR Crowd[CROWD];
    LONG Served = 0;

    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    for (ULONG i = 0; i < CROWD; i++) {
        Create(&Crowd[i]);
        Tell(&Crowd[i], ExAcquireResourceSharedLite, TRUE);
    }
    AwaitWaiters(CROWD, 0);
    ExReleaseResourceLite(&Resource);
    for (ULONG i = 0; i < CROWD; i++) {
        Served += IsDone(&Crowd[i]);
    }
    KMT_EQUAL(Served, CROWD, "a crowd of sharers is let in together");
    KMT_EQUAL(Resource.ActiveEntries, CROWD, "each has its entry");
    for (ULONG i = 0; i < CROWD; i++) {
        Do(&Crowd[i], NULL, FALSE);
        Dismiss(&Crowd[i]);
    }
    KMT_CHECK(ExAcquireResourceExclusiveLite(&Resource, FALSE), "nobody is left");
    ExReleaseResourceLite(&Resource);
    ExReinitializeResourceLite(&Resource);
    KMT_CHECK(Resource.ContentionCount == 0 && ExAcquireResourceExclusiveLite(&Resource, FALSE),
              "reinitialised, it is like new");
    ExReleaseResourceLite(&Resource);
}

/* The owner's priority while somebody of priority 12 waits for so many milliseconds. */
static KPRIORITY PriorityOfOwner(LONGLONG Milliseconds)
{
    ACTOR Owner, Waiter;
    KPRIORITY Priority;

    Create(&Owner);
    Create(&Waiter);
    Do(&Owner, ExAcquireResourceExclusiveLite, TRUE);
    KmtAwaitWaiters(&Owner.Go, 1); /* it uses up no quantum, whose end would lift it to its base */
    KeSetPriorityThread(Owner.Thread, 3);
    KeSetBasePriorityThread(Waiter.Thread, 4); /* 12, to stay */
    Tell(&Waiter, ExAcquireResourceExclusiveLite, TRUE);
    AwaitWaiters(0, 1);
    do {
        KmtSleep(50);
        Milliseconds -= 50;
        Priority = KeQueryPriorityThread(Owner.Thread);
    } while (Priority == 3 && Milliseconds > 0);
    Do(&Owner, NULL, FALSE);
    IsDone(&Waiter);
    Do(&Waiter, NULL, FALSE);
    Dismiss(&Owner);
    Dismiss(&Waiter);
    return Priority;
}

static VOID TestBoost(VOID)
{
    KMT_CHECK(PriorityOfOwner(30000) >= 12, "a long wait lifts the owner to the waiter's priority");
    ExDisableResourceBoostLite(&Resource);
    KMT_EQUAL(PriorityOfOwner(600), 3, "unless boosts are disabled");
    ExReinitializeResourceLite(&Resource);
}

static VOID NTAPI EndAsOwner(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    KeLeaveCriticalRegion();
}

static volatile LONG Successors, Mistaken;

static VOID NTAPI Succeed(PVOID Context)
{
    if (KeGetCurrentThread() == Context) {
        Successors++;
        Mistaken += ExIsResourceAcquiredExclusiveLite(&Resource) ||
                    ExIsResourceAcquiredSharedLite(&Resource) != 0 ||
                    ExTryToAcquireResourceExclusiveLite(&Resource);
    }
}

/* Threads until one has the memory that the owner's object had. Some pools keep it back. */
static VOID TestSuccessors(ERESOURCE_THREAD Owner)
{
    PETHREAD Threads[64];
    ULONG Count = 0;

    while (Count < RTL_NUMBER_OF(Threads) && Successors == 0) {
        Threads[Count] = KmtStartThread(Succeed, (PVOID)Owner);
        KeWaitForSingleObject(Threads[Count++], Executive, KernelMode, FALSE, NULL);
    }
    while (Count > 0) {
        ObDereferenceObject(Threads[--Count]);
    }
    DbgPrint("# %d has the memory of the owner\n", Successors);
    KMT_EQUAL(Mistaken, 0, "another thread in the same memory is not the owner");
}

/* Its thread object is gone when the waiter, after half a second, looks for owners to lift. */
static VOID TestEndedOwner(VOID)
{
    ACTOR Waiter;
    PETHREAD Thread;
    ERESOURCE_THREAD Owner;

    Create(&Waiter);
    Thread = KmtStartThread(EndAsOwner, NULL);
    Owner = (ERESOURCE_THREAD)Thread;
    KmtJoin(Thread);
    Tell(&Waiter, ExAcquireResourceExclusiveLite, TRUE);
    AwaitWaiters(0, 1);
    KmtSleep(1200);
    TestSuccessors(Owner);
    ExReleaseResourceForThreadLite(&Resource, Owner);
    KMT_CHECK(IsDone(&Waiter),
              "an owner that has ended can be waited for, and its share given back");
    Do(&Waiter, NULL, FALSE);
    Dismiss(&Waiter);
}

static volatile LONG Readers, Writers, Violations, Value;

static VOID Read(ULONG Random)
{
    LONG Seen = Value;

    InterlockedIncrement(&Readers);
    if (Writers != 0) {
        InterlockedIncrement(&Violations);
    }
    if (Random % 64 == 0) {
        KmtSleep(1);
    }
    if (Value != Seen) {
        InterlockedIncrement(&Violations);
    }
    InterlockedDecrement(&Readers);
}

static VOID Write(ULONG Random)
{
    if (InterlockedIncrement(&Writers) != 1 || Readers != 0) {
        InterlockedIncrement(&Violations);
    }
    Value++;
    if (Random % 64 == 0) {
        KmtSleep(1);
    }
    InterlockedDecrement(&Writers);
}

static VOID NTAPI Stress(PVOID Context)
{
    static ACQUIRE *const Ways[] = {ExAcquireResourceSharedLite, ExAcquireSharedStarveExclusive,
                                    ExAcquireSharedWaitForExclusive};
    ULONG Seed = (ULONG)(ULONG_PTR)Context;

    for (LONG i = 0; i < STRESS_STEPS; i++) {
        ULONG Random = KmtRandom(&Seed) >> 4;

        if (Random % 4 != 0) {
            Ways[Random % RTL_NUMBER_OF(Ways)](&Resource, TRUE);
            Read(Random / 64);
        } else {
            ExAcquireResourceExclusiveLite(&Resource, TRUE);
            Write(Random / 64);
            if (Random % 8 == 0) {
                ExConvertExclusiveToSharedLite(&Resource);
                Read(Random / 64);
            }
        }
        ExReleaseResourceLite(&Resource);
    }
}

static VOID TestStress(VOID)
{
    PETHREAD Threads[STRESS_THREADS];

    for (ULONG i = 0; i < STRESS_THREADS; i++) {
        Threads[i] = KmtStartThread(Stress, (PVOID)(ULONG_PTR)(0x9E3779B9u * (i + 1)));
    }
    for (ULONG i = 0; i < STRESS_THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Violations, 0, "no writer is with anybody, no value changes under a reader");
    KMT_CHECK(Value > STRESS_THREADS * STRESS_STEPS / 8, "there were many writers");
    KMT_CHECK(Resource.ContentionCount != 0, "and contention");
    KMT_EQUAL(Resource.ActiveEntries, 0, "nobody is left");
    KMT_EQUAL(Resource.NumberOfSharedWaiters + Resource.NumberOfExclusiveWaiters, 0, "or waits");
}

static VOID KmtRun(VOID)
{
    KMT_EQUAL(ExInitializeResourceLite(&Resource), STATUS_SUCCESS, "a resource is made");
    TestAlone();
    TestRules();
    TestTurns();
    TestConversion();
    TestOwners();
    TestCrowd();
    TestBoost();
    TestEndedOwner();
    TestStress();
    KMT_EQUAL(ExDeleteResourceLite(&Resource), STATUS_SUCCESS, "and deleted");
}
