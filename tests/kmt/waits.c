/*
 * Promises: WaitAny takes the first signalled object and only that; WaitAll takes all at one moment
 * or nothing; 64 objects are possible; timeouts, alerts and mixed objects work; WaitAll is atomic
 * under contention (philosophers who take both forks at once neither starve nor collide).
 */
#include "kmt.h"

static NTSTATUS Wait(ULONG Count, PVOID *Objects, WAIT_TYPE Type, LONGLONG Ms, PKWAIT_BLOCK Blocks)
{
    LARGE_INTEGER Timeout = KmtMs(Ms);
    return KeWaitForMultipleObjects(Count, Objects, Type, Executive, KernelMode, FALSE, &Timeout,
                                    Blocks);
}

static VOID TestAny(VOID)
{
    KEVENT Event[3];
    PVOID Objects[3] = {&Event[0], &Event[1], &Event[2]};
    for (int i = 0; i < 3; i++) {
        KeInitializeEvent(&Event[i], SynchronizationEvent, FALSE);
    }
    KMT_EQUAL(Wait(3, Objects, WaitAny, 0, NULL), STATUS_TIMEOUT, "nothing signalled: timeout");
    KMT_EQUAL(Wait(3, Objects, WaitAny, 20, NULL), STATUS_TIMEOUT, "and after blocking, too");
    KeSetEvent(&Event[2], 0, FALSE);
    KeSetEvent(&Event[1], 0, FALSE);
    KMT_EQUAL(Wait(3, Objects, WaitAny, 0, NULL), STATUS_WAIT_1, "the lowest index is taken");
    KMT_EQUAL(KeReadStateEvent(&Event[2]), 1, "the other one is left alone");
    KMT_EQUAL(Wait(3, Objects, WaitAny, 0, NULL), STATUS_WAIT_2, "and is next");
}

static VOID TestAll(VOID)
{
    KEVENT Event;
    KSEMAPHORE Semaphore;
    KMUTEX Mutex;
    PVOID Objects[3] = {&Event, &Semaphore, &Mutex};
    KeInitializeEvent(&Event, SynchronizationEvent, TRUE);
    KeInitializeSemaphore(&Semaphore, 0, 10);
    KeInitializeMutex(&Mutex, 0);
    KMT_EQUAL(Wait(3, Objects, WaitAll, 10, NULL), STATUS_TIMEOUT, "two of three: no");
    KMT_EQUAL(KeReadStateEvent(&Event), 1, "the event was not taken");
    KMT_EQUAL(KeReadStateMutex(&Mutex), 1, "nor the mutex");
    KeReleaseSemaphore(&Semaphore, 0, 1, FALSE);
    KMT_EQUAL(Wait(3, Objects, WaitAll, 0, NULL), STATUS_SUCCESS, "three of three: yes");
    KMT_EQUAL(KeReadStateEvent(&Event), 0, "the event is taken");
    KMT_EQUAL(KeReadStateSemaphore(&Semaphore), 0, "so is the semaphore");
    KMT_EQUAL(KeReadStateMutex(&Mutex), 0, "and the mutex");
    KeReleaseMutex(&Mutex, FALSE);
}

static KEVENT Many[MAXIMUM_WAIT_OBJECTS];

static VOID NTAPI SetLast(PVOID Context)
{
    KmtSleep(20);
    KeSetEvent(&Many[(ULONG_PTR)Context], 0, FALSE);
}

static VOID TestMany(VOID)
{
    static PVOID Objects[MAXIMUM_WAIT_OBJECTS];
    static KWAIT_BLOCK Blocks[MAXIMUM_WAIT_OBJECTS];
    PETHREAD Thread;
    for (int i = 0; i < MAXIMUM_WAIT_OBJECTS; i++) {
        KeInitializeEvent(&Many[i], NotificationEvent, FALSE);
        Objects[i] = &Many[i];
    }
    Thread = KmtStartThread(SetLast, (PVOID)63);
    KMT_EQUAL(Wait(64, Objects, WaitAny, 60000, Blocks), STATUS_WAIT_63,
              "64 objects: the last one wakes the thread");
    KmtJoin(Thread);
    for (int i = 1; i < 63; i++) {
        KeSetEvent(&Many[i], 0, FALSE);
    }
    Thread = KmtStartThread(SetLast, (PVOID)0);
    KMT_EQUAL(Wait(64, Objects, WaitAll, 60000, Blocks), STATUS_SUCCESS,
              "64 objects: WaitAll ends with the last one");
    KmtJoin(Thread);
}

static VOID TestOtherObjects(VOID)
{
    KTIMER Timer;
    KEVENT Never;
    PVOID Objects[2] = {&Never, &Timer};
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeSetTimer(&Timer, KmtMs(15), NULL);
    KMT_EQUAL(Wait(2, Objects, WaitAny, 60000, NULL), STATUS_WAIT_1, "a timer ends a wait");
    KMT_CHECK(!KeReadStateTimer(&Timer), "a synchronization timer is reset by it");
    {
        PETHREAD Thread = KmtStartThread(SetLast, (PVOID)0);
        KMT_EQUAL(KmtWait(Thread, 60000), STATUS_SUCCESS, "a thread is signalled when it ends");
        KMT_EQUAL(KmtWait(Thread, 0), STATUS_SUCCESS, "and stays signalled");
        ObDereferenceObject(Thread);
    }
}

static VOID NTAPI AlertMe(PVOID Context)
{
    KmtSleep(20);
    KeAlertThread(Context, KernelMode);
}

static VOID TestAlerts(VOID)
{
    KEVENT Never;
    LARGE_INTEGER Timeout = KmtMs(60000);
    PETHREAD Thread;
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    Thread = KmtStartThread(AlertMe, KeGetCurrentThread());
    KMT_EQUAL(KeWaitForSingleObject(&Never, Executive, KernelMode, TRUE, &Timeout), STATUS_ALERTED,
              "an alert ends an alertable wait");
    KmtJoin(Thread);
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    KMT_EQUAL(KmtWait(&Never, 5), STATUS_TIMEOUT, "a wait that is not alertable ignores alerts");
    KMT_EQUAL(KeWaitForSingleObject(&Never, Executive, KernelMode, TRUE, &Timeout), STATUS_ALERTED,
              "the alert is kept for the next one that is");
}

#define SEATS 5
static KMUTEX Fork[SEATS];
static volatile LONG Eating[SEATS], Meals, Collisions;

static VOID NTAPI Dine(PVOID Context)
{
    ULONG Seat = (ULONG)(ULONG_PTR)Context, Right = (Seat + 1) % SEATS;
    PVOID Forks[2] = {&Fork[Seat], &Fork[Right]};
    ULONG Seed = 77 + Seat;
    for (int i = 0; i < 1000; i++) {
        if (Wait(2, Forks, WaitAll, 60000, NULL) != STATUS_SUCCESS) {
            return;
        }
        InterlockedExchange(&Eating[Seat], 1);
        if (Eating[Right] || Eating[(Seat + SEATS - 1) % SEATS]) {
            InterlockedIncrement(&Collisions);
        }
        if (KmtRandom(&Seed) % 50 == 0) {
            KmtSleep(1);
        }
        InterlockedExchange(&Eating[Seat], 0);
        InterlockedIncrement(&Meals);
        KeReleaseMutex(&Fork[Seat], FALSE);
        KeReleaseMutex(&Fork[Right], FALSE);
    }
}

static VOID TestPhilosophers(VOID)
{
    PETHREAD Threads[SEATS];
    for (int i = 0; i < SEATS; i++) {
        KeInitializeMutex(&Fork[i], 0);
    }
    for (ULONG_PTR i = 0; i < SEATS; i++) {
        Threads[i] = KmtStartThread(Dine, (PVOID)i);
    }
    for (int i = 0; i < SEATS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Collisions, 0, "neighbours never eat at once");
    KMT_EQUAL(Meals, SEATS * 1000, "everybody eats to the end");
}

static VOID KmtRun(VOID)
{
    TestAny();
    TestAll();
    TestMany();
    TestOtherObjects();
    TestAlerts();
    TestPhilosophers();
}
