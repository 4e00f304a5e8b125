/*
 * Promises: a notification event wakes every waiter and stays set; a synchronization event wakes
 * exactly one per set; setting, resetting, clearing and pulsing report and leave the right states;
 * a timed wait ends by itself, never early; no signal is lost or given twice under load.
 */
#include "kmt.h"

static VOID TestStates(VOID)
{
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KMT_EQUAL(KeReadStateEvent(&Event), 0, "a new event is as asked: not set");
    KMT_EQUAL(KeSetEvent(&Event, 0, FALSE), 0, "the first set reports 'was not set'");
    KMT_CHECK(KeSetEvent(&Event, 0, FALSE) != 0, "the second set reports 'was set'");
    KMT_EQUAL(KmtWait(&Event, 0), STATUS_SUCCESS, "a set notification event satisfies a wait");
    KMT_EQUAL(KmtWait(&Event, 0), STATUS_SUCCESS, "and stays set");
    KMT_CHECK(KeResetEvent(&Event) != 0, "reset reports 'was set'");
    KMT_EQUAL(KmtWait(&Event, 0), STATUS_TIMEOUT, "a reset event does not satisfy a wait");
    KeInitializeEvent(&Event, SynchronizationEvent, TRUE);
    KMT_EQUAL(KmtWait(&Event, 0), STATUS_SUCCESS, "a set synchronization event satisfies a wait");
    KMT_EQUAL(KmtWait(&Event, 0), STATUS_TIMEOUT, "only one");
    KeSetEvent(&Event, 0, FALSE);
    KeClearEvent(&Event);
    KMT_EQUAL(KeReadStateEvent(&Event), 0, "clear leaves it not set");
    KePulseEvent(&Event, 0, FALSE);
    KMT_EQUAL(KeReadStateEvent(&Event), 0, "a pulse with nobody waiting leaves it not set");
}

typedef struct _WAITERS {
    KEVENT Event;
    volatile LONG Woken;
} WAITERS, *PWAITERS;

static VOID NTAPI WaitOnce(PVOID Context)
{
    PWAITERS Waiters = Context;
    if (KmtWait(&Waiters->Event, 60000) == STATUS_SUCCESS) {
        InterlockedIncrement(&Waiters->Woken);
    }
}

#define WAITER_COUNT 8
/* Starts the threads; all of them wait. */
static VOID StartWaiters(PWAITERS Waiters, EVENT_TYPE Type, PETHREAD Threads[WAITER_COUNT])
{
    KeInitializeEvent(&Waiters->Event, Type, FALSE);
    Waiters->Woken = 0;
    for (int i = 0; i < WAITER_COUNT; i++) {
        Threads[i] = KmtStartThread(WaitOnce, Waiters);
    }
    KmtAwaitWaiters(&Waiters->Event, WAITER_COUNT);
}

static VOID JoinAll(PETHREAD Threads[WAITER_COUNT])
{
    for (int i = 0; i < WAITER_COUNT; i++) {
        KmtJoin(Threads[i]);
    }
}

static VOID TestWaking(VOID)
{
    WAITERS Waiters;
    PETHREAD Threads[WAITER_COUNT];
    StartWaiters(&Waiters, NotificationEvent, Threads);
    KeSetEvent(&Waiters.Event, EVENT_INCREMENT, FALSE);
    JoinAll(Threads);
    KMT_EQUAL(Waiters.Woken, WAITER_COUNT, "one set of a notification event wakes all");
    StartWaiters(&Waiters, SynchronizationEvent, Threads);
    for (int i = 1; i <= WAITER_COUNT; i++) {
        LONG Before = Waiters.Woken;
        KeSetEvent(&Waiters.Event, EVENT_INCREMENT, FALSE);
        while (Waiters.Woken == Before) {
            KmtSleep(1);
        }
        KmtSleep(2);
        if (Waiters.Woken != i) {
            break;
        }
    }
    KMT_EQUAL(Waiters.Woken, WAITER_COUNT, "each set of a synchronization event wakes one");
    JoinAll(Threads);
    StartWaiters(&Waiters, NotificationEvent, Threads);
    KePulseEvent(&Waiters.Event, 0, FALSE);
    JoinAll(Threads);
    KMT_EQUAL(Waiters.Woken, WAITER_COUNT, "a pulse of a notification event wakes all that wait");
    KMT_EQUAL(KeReadStateEvent(&Waiters.Event), 0, "and leaves it not set");
}

static VOID TestTimeouts(VOID)
{
    KEVENT Event;
    ULONGLONG Start;
    LARGE_INTEGER Absolute;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Start = KmtNow();
    KMT_EQUAL(KmtWait(&Event, 30), STATUS_TIMEOUT, "a wait of 30 ms times out");
    KMT_CHECK(KmtNow() - Start >= 300000, "not before 30 ms");
    Start = KmtNow(); /* before the moment is computed: the host may stop the machine after it */
    KeQuerySystemTimePrecise(&Absolute);
    Absolute.QuadPart += 250000;
    KMT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Absolute),
              STATUS_TIMEOUT, "an absolute timeout in the future times out");
    KMT_CHECK(KmtNow() - Start >= 249000, "not before that moment");
    Absolute.QuadPart = 1;
    KMT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Absolute),
              STATUS_TIMEOUT, "an absolute timeout in the past times out at once");
}

#define RALLIES 4000
#define LEAST_RALLIES 400 /* on a host that takes long to let another processor run */
#define RALLY_MS 3000
static KEVENT Ping, Pong;
static volatile LONG LastRally;

static VOID NTAPI Answer(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (BOOLEAN Last = FALSE; !Last;) {
        KeWaitForSingleObject(&Ping, Executive, KernelMode, FALSE, NULL);
        Last = LastRally != FALSE;
        KeSetEvent(&Pong, EVENT_INCREMENT, FALSE);
    }
}

/* Two threads that wake each other, one call as signal-and-wait: a lost signal would time out. */
static VOID TestPingPong(VOID)
{
    PETHREAD Thread;
    LONG Lost = 0;
    ULONGLONG End = KmtNow() + RALLY_MS * 10000ULL;
    KeInitializeEvent(&Ping, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Pong, SynchronizationEvent, FALSE);
    Thread = KmtStartThread(Answer, NULL);
    for (int i = 1; !LastRally && Lost == 0; i++) {
        LastRally = i == RALLIES || (i >= LEAST_RALLIES && KmtNow() >= End);
        KeSetEvent(&Ping, EVENT_INCREMENT, (BOOLEAN)(i & 1));
        Lost += KmtWait(&Pong, 60000) != STATUS_SUCCESS;
    }
    KMT_EQUAL(Lost, 0, "many rallies of two threads lose no signal");
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "set-and-wait gives the IRQL back");
    KmtJoin(Thread);
}

#define PRODUCED 5000
static volatile LONG Consumed;
static volatile LONG Done;

static VOID NTAPI Consume(PVOID Context)
{
    while (!Done) {
        if (KmtWait(Context, 5) == STATUS_SUCCESS) {
            InterlockedIncrement(&Consumed);
        }
    }
}

/* Many waiters with short timeouts against one setter: every set that reports 'was not set' is
 * consumed exactly once, whichever way timeout and signal race. */
static VOID TestTimeoutRace(VOID)
{
    KEVENT Event;
    PETHREAD Threads[4];
    LONG Given = 0;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    Consumed = Done = 0;
    for (int i = 0; i < 4; i++) {
        Threads[i] = KmtStartThread(Consume, &Event);
    }
    for (int i = 0; i < PRODUCED; i++) {
        Given += KeSetEvent(&Event, 0, FALSE) == 0;
        if (i % 1000 == 0) {
            KmtSleep(6);
        }
    }
    KmtSleep(50);
    Done = 1;
    for (int i = 0; i < 4; i++) {
        KmtJoin(Threads[i]);
    }
    Consumed += KmtWait(&Event, 0) == STATUS_SUCCESS;
    KMT_EQUAL(Consumed, Given, "every signal given is consumed once while timeouts race");
}

static VOID KmtRun(VOID)
{
    TestStates();
    TestWaking();
    TestTimeouts();
    TestPingPong();
    TestTimeoutRace();
}
