/*
 * Promises: a timer is never early and soon after due, for relative and absolute times; setting,
 * cancelling and expiring exclude each other on any processors; periodic timers keep their pace
 * without drift; types differ as described; the cost does not grow with the number armed.
 */
#include "kmt.h"

static LONGLONG SystemTimeNow(VOID)
{
    LARGE_INTEGER Now;
    KeQuerySystemTimePrecise(&Now);
    return Now.QuadPart;
}

static VOID TestRelative(VOID)
{
    static const LONG Microseconds[] = {1, 90, 150, 1000, 2500, 16000, 40000};
    LONG Early = 0, TimedOut = 0;
    KTIMER Timer;

    KeInitializeTimer(&Timer);
    for (ULONG i = 0; i < 5 * ARRAYSIZE(Microseconds); i++) {
        LARGE_INTEGER Due;
        ULONGLONG Started = KmtNow();
        Due.QuadPart = -10LL * Microseconds[i % ARRAYSIZE(Microseconds)];
        KeSetTimer(&Timer, Due, NULL);
        TimedOut += KmtWait(&Timer, 5000) != STATUS_SUCCESS;
        Early += KmtNow() < Started - Due.QuadPart;
        Early += KeQueryInterruptTime() < Started - Due.QuadPart;
    }
    KMT_EQUAL(TimedOut, 0, "relative timers expire");
    KMT_EQUAL(Early, 0, "none of them early, by either clock");
}

static VOID TestAbsolute(VOID)
{
    KTIMER Timer;
    LARGE_INTEGER Due;

    KeInitializeTimer(&Timer);
    Due.QuadPart = SystemTimeNow() + 36000000000LL;
    KeSetTimer(&Timer, Due, NULL);
    KMT_CHECK(!KeReadStateTimer(&Timer), "an absolute time to come does not signal yet");
    Due.QuadPart = SystemTimeNow() + 30 * 10000;
    KeSetTimer(&Timer, Due, NULL);
    KMT_EQUAL(KmtWait(&Timer, 5000), STATUS_SUCCESS, "but it does signal");
    KMT_CHECK(SystemTimeNow() >= Due.QuadPart, "not before the system time says so");
    Due.QuadPart -= 10000000;
    KMT_CHECK(!KeSetTimer(&Timer, Due, NULL), "an expired timer is not armed");
    KMT_CHECK(KeReadStateTimer(&Timer), "an absolute time in the past signals at once");
    Due.QuadPart = 0;
    KeSetTimer(&Timer, Due, NULL);
    KMT_CHECK(KeReadStateTimer(&Timer), "so does 0");
}

static VOID TestTypes(VOID)
{
    KTIMER Notification, Synchronization;

    KeInitializeTimerEx(&Notification, NotificationTimer);
    KeInitializeTimerEx(&Synchronization, SynchronizationTimer);
    KeSetTimer(&Notification, KmtMs(1), NULL);
    KeSetTimer(&Synchronization, KmtMs(1), NULL);
    KmtWait(&Notification, 5000);
    KmtWait(&Synchronization, 5000);
    KMT_CHECK(KeReadStateTimer(&Notification), "a notification timer stays signalled");
    KMT_CHECK(!KeReadStateTimer(&Synchronization), "a wait resets a synchronization timer");
    KMT_EQUAL(KmtWait(&Synchronization, 5), STATUS_TIMEOUT, "the next wait gets nothing");
}

static VOID TestCancel(VOID)
{
    KTIMER Timer;
    BOOLEAN Cancelled = FALSE;

    KeInitializeTimer(&Timer);
    KMT_CHECK(!KeCancelTimer(&Timer), "a timer that is not armed cannot be cancelled");
    KMT_CHECK(!KeSetTimer(&Timer, KmtMs(3600000), NULL), "it was not armed before");
    KMT_CHECK(KeSetTimer(&Timer, KmtMs(3600000), NULL), "it was armed before");
    KMT_CHECK(KeCancelTimer(&Timer), "an armed timer is cancelled");
    /* Soon due; the host may be too slow for that, now and then. */
    for (ULONG Tries = 0; Tries < 100 && !Cancelled; Tries++) {
        KeSetTimer(&Timer, KmtMs(30), NULL);
        Cancelled = KeCancelTimer(&Timer);
    }
    KMT_EQUAL(KmtWait(&Timer, 60), STATUS_TIMEOUT, "and does not signal");
}

#define PERIOD_MS 3
#define PERIODS 60

static volatile LONG Ticks, TicksOffPace;
static ULONGLONG FirstDue;

/* Tick n is due at FirstDue + n periods: before that it is early; later ticks are not put off. */
static VOID NTAPI PeriodicTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONGLONG Now = KmtNow();

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Now < FirstDue + (ULONGLONG)Ticks * PERIOD_MS * 10000) {
        InterlockedIncrement(&TicksOffPace);
    }
    InterlockedIncrement(&Ticks);
}

/* Ticks that come while a processor is held up by its host are one, so there are some tries. */
static VOID TestPeriodic(VOID)
{
    KTIMER Timer;
    KDPC Dpc;
    LONG Seen = 0, TooMany = 0, NotArmed = 0;

    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeInitializeDpc(&Dpc, PeriodicTick, NULL);
    for (ULONG Tries = 0; Tries < 20 && Seen < PERIODS / 2; Tries++) {
        Ticks = 0;
        FirstDue = KmtNow() + PERIOD_MS * 10000;
        KeSetTimerEx(&Timer, KmtMs(PERIOD_MS), PERIOD_MS, &Dpc);
        KmtSleep(PERIOD_MS * PERIODS + 1);
        NotArmed += !KeCancelTimer(&Timer);
        KeFlushQueuedDpcs();
        Seen = Ticks;
        LONGLONG Late = (LONGLONG)(KmtNow() - FirstDue) / (PERIOD_MS * 10000);
        TooMany += Seen > Late + 2;
    }
    KMT_EQUAL(NotArmed, 0, "a periodic timer is armed until it is cancelled");
    KMT_CHECK(Seen >= PERIODS / 2 && TooMany == 0, "it ticks once a period");
    KMT_EQUAL(TicksOffPace, 0, "no tick is early");
    KmtSleep(4 * PERIOD_MS);
    KMT_EQUAL(Ticks, Seen, "after the cancellation it is silent");
}

static volatile LONG Runs, EarlyRuns;
static KTIMER Chain;

static VOID NTAPI SetFromDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LARGE_INTEGER Due;

    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Due.QuadPart = -3000;
    if (InterlockedIncrement(&Runs) < 100) {
        KeSetTimerEx(&Chain, Due, 5, Dpc); /* periodic, and set anew before the period is over */
    } else {
        KeCancelTimer(&Chain);
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    }
}

static VOID TestSetFromDpc(VOID)
{
    KEVENT Done;
    KDPC Dpc;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    KeInitializeTimer(&Chain);
    KeInitializeDpc(&Dpc, SetFromDpc, &Done);
    Runs = 0;
    KeSetTimer(&Chain, KmtMs(1), &Dpc);
    KMT_EQUAL(KmtWait(&Done, 30000), STATUS_SUCCESS, "a timer is set again by its own DPC");
    KmtSleep(12);
    KMT_EQUAL(Runs, 100, "and cancelled by it");
    KeFlushQueuedDpcs();
}

typedef struct _TIMED {
    KTIMER Timer;
    KDPC Dpc;
    ULONGLONG Due;
    volatile LONG Runs;
} TIMED;

static VOID NTAPI CheckDue(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    TIMED *Timed = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (KeQueryInterruptTime() < Timed->Due) {
        InterlockedIncrement(&EarlyRuns);
    }
    InterlockedIncrement(&Timed->Runs);
    InterlockedIncrement(&Runs);
}

#define MANY 5000

static VOID ArmTimed(TIMED *Timed, LONGLONG Interval100ns, ULONG Processor)
{
    LARGE_INTEGER Due;

    KeInitializeTimer(&Timed->Timer);
    KeInitializeDpc(&Timed->Dpc, CheckDue, Timed);
    KeSetTargetProcessorDpc(&Timed->Dpc, (CCHAR)Processor);
    Timed->Runs = 0;
    Timed->Due = KmtNow() + Interval100ns;
    Due.QuadPart = -Interval100ns;
    KeSetTimer(&Timed->Timer, Due, &Timed->Dpc);
}

static VOID TestMany(TIMED *Timed)
{
    ULONG Seed = 4711;
    LONG Wrong = 0;

    Runs = EarlyRuns = 0;
    for (ULONG i = 0; i < MANY; i++) {
        ArmTimed(&Timed[i], 1 + KmtRandom(&Seed) % 2000000, i % KmtProcessors());
    }
    for (ULONG Looks = 0; Runs < MANY && KmtLookAgain(&Looks);) {
    }
    for (ULONG i = 0; i < MANY; i++) {
        Wrong += Timed[i].Runs != 1;
    }
    KMT_EQUAL(Wrong, 0, "of thousands of timers each expires once");
    KMT_EQUAL(EarlyRuns, 0, "none before its time");
    KeFlushQueuedDpcs();
}

#define RACERS 4
#define RACES 500
static volatile LONG Lost;

/* Whatever the moment: an arming ends in a successful cancellation or in one run of the DPC. */
static VOID NTAPI Race(PVOID Context)
{
    TIMED *Timed = Context;
    ULONG Seed = (ULONG)(ULONG_PTR)Context | 1;
    LONG Expected = 0;

    for (ULONG i = 0; i < RACES; i++) {
        LARGE_INTEGER Due;
        Due.QuadPart = -(LONGLONG)(KmtRandom(&Seed) % 2500);
        Timed->Due = KmtNow() - Due.QuadPart;
        KeSetTimer(&Timed->Timer, Due, &Timed->Dpc);
        KeStallExecutionProcessor(KmtRandom(&Seed) % 300);
        if (!KeCancelTimer(&Timed->Timer)) {
            Expected++;
            while (Timed->Runs != Expected) {
                YieldProcessor();
            }
        }
    }
    KmtSleep(5);
    InterlockedAdd(&Lost, Timed->Runs != Expected);
}

static VOID TestRaces(TIMED *Timed)
{
    PETHREAD Threads[RACERS];

    Runs = EarlyRuns = 0;
    for (ULONG i = 0; i < RACERS; i++) {
        KeInitializeTimer(&Timed[i].Timer);
        KeInitializeDpc(&Timed[i].Dpc, CheckDue, &Timed[i]);
        KeSetImportanceDpc(&Timed[i].Dpc, MediumHighImportance);
        KeSetTargetProcessorDpc(&Timed[i].Dpc, (CCHAR)((i + 1) % KmtProcessors()));
        Timed[i].Runs = 0;
        Threads[i] = KmtStartThread(Race, &Timed[i]);
    }
    for (ULONG i = 0; i < RACERS; i++) {
        KmtJoin(Threads[i]);
    }
    KeFlushQueuedDpcs();
    KMT_EQUAL(Lost, 0, "cancelling and expiring exclude each other");
    KMT_EQUAL(EarlyRuns, 0, "and no expiry is early");
}

#define SETTINGS 250 /* as few as may pass without the host's taking the processor away */
#define MEASUREMENTS 8

/* Least time that so many settings of one timer take, beside Others armed ones. */
static ULONGLONG MeasureSetting(TIMED *Timed, ULONG Others)
{
    ULONG Seed = 99;
    ULONGLONG Least = MAXLONGLONG;

    for (ULONG i = 1; i <= Others; i++) {
        KeInitializeTimer(&Timed[i].Timer);
        KeSetTimer(&Timed[i].Timer, KmtMs(600000 + KmtRandom(&Seed) % 3600000), NULL);
    }
    KeInitializeTimer(&Timed[0].Timer);
    for (ULONG Round = 0; Round < MEASUREMENTS; Round++) {
        ULONGLONG Started = KmtNow(), Took;
        for (ULONG i = 0; i < SETTINGS; i++) {
            KeSetTimer(&Timed[0].Timer, KmtMs(500000 + KmtRandom(&Seed) % 3600000), NULL);
        }
        Took = KmtNow() - Started;
        Least = min(Least, Took);
    }
    KeCancelTimer(&Timed[0].Timer);
    for (ULONG i = 1; i <= Others; i++) {
        KeCancelTimer(&Timed[i].Timer);
    }
    return Least;
}

/* Other work on the host may last: the second measurement has many tries. */
static VOID TestFlat(TIMED *Timed)
{
    ULONGLONG Few = MAXLONGLONG, Lots = MAXLONGLONG;

    for (ULONG Round = 0; Round < 5 || (Round < 100 && Lots >= 3 * Few); Round++) {
        ULONGLONG Time = MeasureSetting(Timed, 10);
        Few = min(Few, Time);
        Time = MeasureSetting(Timed, MANY - 1);
        Lots = min(Lots, Time);
    }
    DbgPrint("# %d settings: %I64u us beside 10 timers, %I64u us beside %d\n", SETTINGS, Few / 10,
             Lots / 10, MANY - 1);
    KMT_CHECK(Lots < 3 * Few, "setting costs the same beside few timers and beside thousands");
}

static VOID KmtRun(VOID)
{
    TIMED *Timed = ExAllocatePoolWithTag(NonPagedPoolNx, MANY * sizeof(TIMED), 'rmiT');

    TestRelative();
    TestAbsolute();
    TestTypes();
    TestCancel();
    TestPeriodic();
    TestSetFromDpc();
    if (KMT_CHECK(Timed != NULL, "memory for many timers")) {
        TestMany(Timed);
        TestRaces(Timed);
        TestFlat(Timed);
        ExFreePoolWithTag(Timed, 'rmiT');
    }
}
