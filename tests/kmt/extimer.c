/*
 * Promises: an Ex timer's callback comes at DISPATCH_LEVEL, never early, once or every period, and
 * never overlaps itself; the timer may be waited for and is reset or not as its type says; it is
 * cancelled; deletion lets a running callback end, calls back once, and refuses what is set after
 * it.
 */
#include "kmt.h"

typedef struct _SEEN {
    volatile LONG Runs, Inside, Overlaps, Early, WrongLevel, Deletions;
    ULONGLONG Due;
    ULONG StallUs;
    KEVENT Ran;
} SEEN;

static VOID NTAPI Callback(PEX_TIMER Timer, PVOID Context)
{
    SEEN *Seen = Context;

    UNREFERENCED_PARAMETER(Timer);
    if (InterlockedIncrement(&Seen->Inside) != 1) {
        InterlockedIncrement(&Seen->Overlaps);
    }
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        InterlockedIncrement(&Seen->WrongLevel);
    }
    if (KmtNow() < Seen->Due) {
        InterlockedIncrement(&Seen->Early);
    }
    KeStallExecutionProcessor(Seen->StallUs);
    InterlockedDecrement(&Seen->Inside);
    InterlockedIncrement(&Seen->Runs);
    KeSetEvent(&Seen->Ran, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI Deleted(PVOID Context)
{
    SEEN *Seen = Context;
    if (Seen->Inside != 0) {
        InterlockedIncrement(&Seen->Overlaps);
    }
    InterlockedIncrement(&Seen->Deletions);
}

static VOID Prepare(SEEN *Seen)
{
    RtlZeroMemory(Seen, sizeof(*Seen));
    KeInitializeEvent(&Seen->Ran, SynchronizationEvent, FALSE);
}

static VOID TestOnce(VOID)
{
    PEX_TIMER Timer;
    SEEN Seen;

    Prepare(&Seen);
    Timer = ExAllocateTimer(Callback, &Seen, EX_TIMER_HIGH_RESOLUTION);
    if (!KMT_CHECK(Timer != NULL, "a timer is allocated")) {
        return;
    }
    Seen.Due = KmtNow() + 20000;
    KMT_CHECK(!ExSetTimer(Timer, -20000, 0, NULL), "it was not set before");
    KMT_EQUAL(KmtWait(Timer, 5000), STATUS_SUCCESS, "it is signalled");
    KMT_EQUAL(KmtWait(&Seen.Ran, 5000), STATUS_SUCCESS, "and calls back");
    KMT_EQUAL(Seen.Early + Seen.WrongLevel, 0, "at DISPATCH_LEVEL, not early");
    KMT_EQUAL(KmtWait(Timer, 2), STATUS_TIMEOUT, "the wait took the signal");
    KMT_CHECK(!ExCancelTimer(Timer, NULL), "an expired timer cannot be cancelled");
    ExSetTimer(Timer, -600000000LL, 0, NULL);
    KMT_CHECK(ExSetTimer(Timer, -500000000LL, 0, NULL), "a set one is set again");
    KMT_CHECK(ExCancelTimer(Timer, NULL), "and cancelled");
    KMT_CHECK(!ExDeleteTimer(Timer, TRUE, TRUE, NULL), "nothing was left for deletion to cancel");
    KMT_EQUAL(Seen.Runs, 1, "it has called back once");
}

static VOID TestAttributes(VOID)
{
    PEX_TIMER Timer = ExAllocateTimer(NULL, NULL, EX_TIMER_NOTIFICATION);

    KMT_CHECK(ExAllocateTimer(NULL, NULL, EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE) == NULL,
              "high resolution and no wake exclude each other");
    KMT_CHECK(ExAllocateTimer(NULL, NULL, 0x100) == NULL, "other attributes are refused");
    if (KMT_CHECK(Timer != NULL, "a timer needs no callback")) {
        ExSetTimer(Timer, -10000, 0, NULL);
        KmtWait(Timer, 5000);
        KMT_EQUAL(KmtWait(Timer, 0), STATUS_SUCCESS, "a notification timer stays signalled");
        ExDeleteTimer(Timer, TRUE, TRUE, NULL);
    }
}

/* 1.3 ms is no whole number of milliseconds. */
static VOID TestPeriodic(VOID)
{
    PEX_TIMER Timer;
    ULONGLONG Started;
    ULONG Looks = 0;
    LONG Runs;
    SEEN Seen;

    Prepare(&Seen);
    Timer = ExAllocateTimer(Callback, &Seen, 0);
    if (Timer == NULL) {
        return;
    }
    Started = KmtNow();
    ExSetTimer(Timer, -13000, 13000, NULL);
    KmtSleep(100);
    while (Seen.Runs < 20 && KmtLookAgain(&Looks)) { /* expirations that the host held up are one */
    }
    KMT_CHECK(ExDeleteTimer(Timer, TRUE, TRUE, NULL), "deletion cancels a periodic timer");
    Runs = Seen.Runs;
    KMT_CHECK(Runs >= 20 && (ULONGLONG)Runs <= (KmtNow() - Started) / 13000,
              "it ran once a period of 1.3 ms");
    KMT_EQUAL(Seen.Overlaps, 0, "without overlapping");
    KmtSleep(5);
    KMT_EQUAL(Seen.Runs, Runs, "after its deletion it is silent");
}

/* It expires at a clock tick of the first processor, so later than an ordinary timer, most
 * times. */
#define MOST_TRIES 80
static VOID TestNoWake(VOID)
{
    EXT_SET_PARAMETERS Parameters;
    PEX_TIMER Timer;
    ULONGLONG Late = 0;
    SEEN Seen;

    Prepare(&Seen);
    Timer = ExAllocateTimer(Callback, &Seen, EX_TIMER_NO_WAKE);
    if (Timer == NULL) {
        return;
    }
    ExInitializeSetTimerParameters(&Parameters);
    /* A tick that the emulator's host held up may come right behind the due time, so some tries do
     * not tell; eight that do are soon found. */
    for (ULONG i = 0; i < MOST_TRIES && Late < 8; i++) {
        /* Due amid a tick. */
        Seen.Due = (KmtNow() / 156250 + 2) * 156250 + 30000;
        ExSetTimer(Timer, (LONGLONG)(KmtNow() - Seen.Due), 0, i % 2 ? &Parameters : NULL);
        KmtWait(&Seen.Ran, 5000);
        Late += KmtNow() >= Seen.Due + 120000;
    }
    KMT_EQUAL(Seen.Early, 0, "a no-wake timer is not early");
    KMT_EQUAL(Late, 8, "it waits for the next clock tick");
    KMT_CHECK(Seen.Runs >= 8, "which comes");
    ExSetTimer(Timer, -600000000LL, 0, NULL);
    KMT_CHECK(ExDeleteTimer(Timer, TRUE, TRUE, NULL), "it is cancelled as others are");
}

static VOID TestWaitForCallback(VOID)
{
    PEX_TIMER Timer;
    SEEN Seen;

    Prepare(&Seen);
    Seen.StallUs = 3000;
    Timer = ExAllocateTimer(Callback, &Seen, 0);
    if (Timer == NULL) {
        return;
    }
    ExSetTimer(Timer, -1000, 0, NULL);
    while (Seen.Inside == 0 && Seen.Runs == 0) {
        YieldProcessor();
    }
    ExDeleteTimer(Timer, TRUE, TRUE, NULL);
    KMT_EQUAL(Seen.Runs, 1, "deletion waits for a callback that runs");
}

static VOID WaitFor(volatile LONG *Count, LONG Value)
{
    for (ULONG Looks = 0; *Count != Value && KmtLookAgain(&Looks);) {
    }
}

/* Deletes a periodic timer that is to expire once more. Does that tell anything: was it deleted,
 * and looked at, before it was due? */
static BOOLEAN DeletesInTime(SEEN *Seen, PBOOLEAN Cancelled, PLONG DeletedAtOnce)
{
    EXT_DELETE_PARAMETERS Parameters;
    PEX_TIMER Timer;
    BOOLEAN InTime;

    Prepare(Seen);
    ExInitializeDeleteTimerParameters(&Parameters);
    Parameters.DeleteCallback = Deleted;
    Parameters.DeleteContext = Seen;
    Timer = ExAllocateTimer(Callback, Seen, 0);
    if (Timer == NULL) {
        return TRUE; /* Deletions will tell */
    }
    Seen->Due = KmtNow() + 1000000;
    ExSetTimer(Timer, -1000000, 20000, NULL);
    *Cancelled = ExDeleteTimer(Timer, FALSE, FALSE, &Parameters);
    *DeletedAtOnce = Seen->Deletions;
    InTime = KmtNow() < Seen->Due;
    WaitFor(&Seen->Deletions, 1);
    return InTime;
}

static VOID TestDeleteCallback(VOID)
{
    BOOLEAN Cancelled;
    LONG DeletedAtOnce;
    SEEN Seen;

    while (!DeletesInTime(&Seen, &Cancelled, &DeletedAtOnce)) {
        DbgPrint("# the host held the deletion up\n");
    }
    KMT_CHECK(!Cancelled, "deleted without cancelling");
    KMT_EQUAL(DeletedAtOnce, 0, "it is still there");
    KMT_EQUAL(Seen.Deletions, 1, "the delete callback comes once");
    KMT_EQUAL(Seen.Runs, 1, "after one more expiration, periodic or not");
    KmtSleep(6);
    KMT_EQUAL(Seen.Runs, 1, "the last one");
}

static volatile LONG SetAfterDelete;

/* Deletes its own timer, which then cannot be set any more. */
static VOID NTAPI DeleteItself(PEX_TIMER Timer, PVOID Context)
{
    EXT_DELETE_PARAMETERS Parameters;

    ExInitializeDeleteTimerParameters(&Parameters);
    Parameters.DeleteCallback = Deleted;
    Parameters.DeleteContext = Context;
    InterlockedIncrement(&((SEEN *)Context)->Runs);
    ExDeleteTimer(Timer, TRUE, FALSE, &Parameters);
    SetAfterDelete += ExSetTimer(Timer, -10000, 0, NULL);
    SetAfterDelete += ExSetTimer(Timer, -10000, 0, NULL);
}

static VOID TestDeleteItself(VOID)
{
    PEX_TIMER Timer;
    SEEN Seen;

    Prepare(&Seen);
    Timer = ExAllocateTimer(DeleteItself, &Seen, 0);
    if (Timer == NULL) {
        return;
    }
    ExSetTimer(Timer, -10000, 10000, NULL);
    WaitFor(&Seen.Deletions, 1);
    KmtSleep(5);
    KMT_CHECK(Seen.Runs == 1 && Seen.Deletions == 1, "a callback deletes its own timer");
    KMT_EQUAL(SetAfterDelete, 0, "a deleted timer is not set");
}

#define RACERS 4
#define RACES 150
static volatile LONG Allocated, Gone, Overlapped;

static VOID NTAPI CountGone(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Gone);
}

static VOID RaceOnce(PULONG Seed, SEEN *Seen)
{
    PEX_TIMER Timer = ExAllocateTimer(Callback, Seen, 0);
    EXT_DELETE_PARAMETERS Parameters = {0, 0, CountGone, NULL};
    ULONG Random = KmtRandom(Seed);
    LONG Runs;

    if (Timer == NULL) {
        return;
    }
    InterlockedIncrement(&Allocated);
    ExSetTimer(Timer, -(LONGLONG)(Random % 3000), Random & 0x1000 ? 500 + Random % 900 : 0, NULL);
    KeStallExecutionProcessor((Random >> 16) % 400);
    ExDeleteTimer(Timer, TRUE, TRUE, &Parameters);
    Runs = Seen->Runs;
    KeStallExecutionProcessor(50);
    if (Seen->Runs != Runs) {
        InterlockedIncrement(&Overlapped); /* a callback after the deletion */
    }
}

/* Each has a context of its own on its stack, so a late callback would also spoil that. */
static VOID NTAPI Race(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context + 5;
    SEEN Seen;

    Prepare(&Seen);
    for (ULONG i = 0; i < RACES; i++) {
        RaceOnce(&Seed, &Seen);
    }
    InterlockedAdd(&Overlapped, Seen.Overlaps + Seen.WrongLevel);
}

static VOID TestRaces(VOID)
{
    PETHREAD Threads[RACERS];

    for (ULONG i = 0; i < RACERS; i++) {
        Threads[i] = KmtStartThread(Race, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < RACERS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Overlapped, 0, "no callback overlaps another or comes after the deletion");
    KMT_EQUAL(Gone, Allocated, "every timer goes once, whatever deletion meets");
}

static VOID KmtRun(VOID)
{
    TestOnce();
    TestAttributes();
    TestPeriodic();
    TestNoWake();
    TestWaitForCallback();
    TestDeleteCallback();
    TestDeleteItself();
    TestRaces();
}
