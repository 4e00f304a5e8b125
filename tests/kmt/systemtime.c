/*
 * Promises: setting the system time moves all that shows it, and nothing that shows interrupt time;
 * absolute timers and waits then expire by the new time, on every processor and with any tolerance,
 * and relative ones as if nothing had happened; a periodic timer is absolute only until it is first
 * due.
 */
#include "kmt.h"

#define HOUR 36000000000LL
#define TIMERS 8

static LONGLONG SystemTime(VOID)
{
    LARGE_INTEGER Now;
    KeQuerySystemTimePrecise(&Now);
    return Now.QuadPart;
}

static LONGLONG MoveClock(LONGLONG Difference)
{
    LARGE_INTEGER New, Old;
    New.QuadPart = SystemTime() + Difference;
    ZwSetSystemTime(&New, &Old);
    return Old.QuadPart;
}

static VOID TestClocks(VOID)
{
    LONGLONG Before = SystemTime(), Old;
    ULONGLONG Interrupt = KmtNow();
    LARGE_INTEGER Shared, Ticks, TicksAfter, Bad;

    KeQueryTickCount(&Ticks);
    Old = MoveClock(HOUR);
    KeQuerySystemTime(&Shared);
    KeQueryTickCount(&TicksAfter);
    KMT_CHECK(Old >= Before && Old < Before + HOUR / 2, "the old time is returned");
    KMT_CHECK(SystemTime() >= Before + HOUR, "the precise time is the new one");
    KMT_CHECK(Shared.QuadPart >= Before + HOUR, "and the one that drivers read");
    KMT_CHECK(KmtNow() - Interrupt < (ULONGLONG)HOUR / 2, "interrupt time goes on as before");
    KMT_CHECK((TicksAfter.QuadPart - Ticks.QuadPart) * 156250 < HOUR / 2, "and the tick count");
    MoveClock(-HOUR);
    KMT_CHECK(SystemTime() < Before + HOUR / 2, "the clock is set back");
    Bad.QuadPart = -1;
    KMT_EQUAL(ZwSetSystemTime(&Bad, NULL), STATUS_INVALID_PARAMETER, "a negative time is none");
}

static VOID SetAbsolute(PKTIMER Timer, LONGLONG After, ULONG ToleranceMs)
{
    LARGE_INTEGER Due;
    KeInitializeTimer(Timer);
    Due.QuadPart = SystemTime() + After;
    KeSetCoalescableTimer(Timer, Due, 0, ToleranceMs, NULL);
}

/* Arms the timers on all processors. */
static VOID ArmEverywhere(KTIMER *Absolute, KTIMER *Relative)
{
    for (ULONG i = 0; i < TIMERS; i++) {
        KeSetSystemAffinityThread((KAFFINITY)1 << (i % KmtProcessors()));
        SetAbsolute(&Absolute[i], HOUR, i % 2 ? 100 : 0);
        KeInitializeTimer(&Relative[i]);
        KeSetTimer(&Relative[i], KmtMs(3600000), NULL);
    }
    KeRevertToUserAffinityThread();
}

static VOID TestForward(VOID)
{
    static KTIMER Absolute[TIMERS], Relative[TIMERS];
    LONG NotExpired = 0, Expired = 0, Before = 0;

    ArmEverywhere(Absolute, Relative);
    MoveClock(HOUR / 2);
    for (ULONG i = 0; i < TIMERS; i++) {
        Before += KeReadStateTimer(&Absolute[i]) != 0;
    }
    MoveClock(HOUR);
    for (ULONG i = 0; i < TIMERS; i++) {
        NotExpired += KmtWait(&Absolute[i], 5000) != STATUS_SUCCESS;
        Expired += !KeCancelTimer(&Relative[i]);
    }
    KMT_EQUAL(Before, 0, "half the way: no absolute timer has expired");
    KMT_EQUAL(NotExpired, 0, "past their time all of them have");
    KMT_EQUAL(Expired, 0, "and no relative one");
    MoveClock(-HOUR / 2 - HOUR);
}

/* An absolute timer due soon, and a relative one after it; then it is an hour less. Once more if
 * the host was so slow that the time was there before. */
static VOID SetAndTurnBack(PKTIMER Absolute, PKTIMER Relative)
{
    for (ULONG Tries = 0; Tries < 50; Tries++) {
        ULONGLONG Start = KmtNow();
        SetAbsolute(Absolute, 40 * 10000, 0);
        KeSetTimer(Relative, KmtMs(60), NULL);
        MoveClock(-HOUR);
        if (KmtNow() - Start < 40 * 10000) {
            break;
        }
        MoveClock(HOUR);
        KeCancelTimer(Absolute);
    }
}

static VOID TestBackward(VOID)
{
    LARGE_INTEGER Due;
    KTIMER Timer, Relative;

    KeInitializeTimer(&Relative);
    SetAndTurnBack(&Timer, &Relative);
    KMT_EQUAL(KmtWait(&Relative, 5000), STATUS_SUCCESS, "a relative timer expires in time");
    KMT_EQUAL(KmtWait(&Timer, 20), STATUS_TIMEOUT, "an absolute one an hour later");
    MoveClock(HOUR);
    KMT_EQUAL(KmtWait(&Timer, 5000), STATUS_SUCCESS, "or when the time comes back");
    Due.QuadPart = SystemTime() + HOUR;
    KMT_CHECK(!KeSetTimerEx(&Timer, Due, 5, NULL), "a periodic one");
    MoveClock(2 * HOUR);
    KMT_EQUAL(KmtWait(&Timer, 5000), STATUS_SUCCESS, "follows the clock to its first due time");
    MoveClock(-2 * HOUR);
    KMT_CHECK(KeCancelTimer(&Timer), "it is armed for its period");
    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    Due.QuadPart = SystemTime() + 10000;
    KeSetTimerEx(&Timer, Due, 5, NULL);
    KmtWait(&Timer, 5000);
    MoveClock(-HOUR);
    KMT_EQUAL(KmtWait(&Timer, 5000), STATUS_SUCCESS, "and from then on it is relative");
    KeCancelTimer(&Timer);
    MoveClock(HOUR);
}

typedef struct _SLEEPER {
    LARGE_INTEGER Until;
    volatile LONG Awake;
    LONGLONG WokeAt;
} SLEEPER;

static VOID NTAPI Sleep(PVOID Context)
{
    SLEEPER *Sleeper = Context;
    KeDelayExecutionThread(KernelMode, FALSE, &Sleeper->Until);
    Sleeper->WokeAt = SystemTime();
    Sleeper->Awake = TRUE;
}

static VOID NTAPI Nothing(PKAPC Apc, PKNORMAL_ROUTINE *Routine, PVOID *Context, PVOID *Argument1,
                          PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Routine);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

/* An APC breaks the wait, which begins again: by then the clock shows another time. */
static VOID TestWaits(BOOLEAN Break)
{
    SLEEPER Absolute = {0}, Relative = {0};
    PETHREAD Threads[2];
    KAPC Apc;

    Absolute.Until.QuadPart = SystemTime() + HOUR;
    Relative.Until.QuadPart = -1000000;
    Threads[0] = KmtStartThread(Sleep, &Absolute);
    Threads[1] = KmtStartThread(Sleep, &Relative);
    KmtSleep(5);
    MoveClock(HOUR / 2);
    if (Break) {
        KeInitializeApc(&Apc, (PKTHREAD)Threads[0], OriginalApcEnvironment, Nothing, NULL, NULL,
                        KernelMode, NULL);
        KeInsertQueueApc(&Apc, NULL, NULL, IO_NO_INCREMENT);
        KmtSleep(5);
    }
    KMT_CHECK(!Absolute.Awake, "a thread that sleeps until a system time sleeps on");
    MoveClock(HOUR / 2);
    KmtJoin(Threads[0]);
    KMT_CHECK(Absolute.WokeAt >= Absolute.Until.QuadPart,
              "it wakes when the clock shows that time");
    KmtJoin(Threads[1]);
    MoveClock(-HOUR);
}

/* Timers are set and cancelled on all processors while the clock jumps. */
static volatile LONG Stop, Lost;

static VOID NTAPI SetAndCancel(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context + 9;
    KTIMER Timers[16];

    for (ULONG i = 0; i < ARRAYSIZE(Timers); i++) {
        KeInitializeTimer(&Timers[i]);
    }
    while (!Stop) {
        ULONG i = KmtRandom(&Seed) % ARRAYSIZE(Timers);
        LARGE_INTEGER Due;
        Due.QuadPart = SystemTime() + 10 * HOUR + KmtRandom(&Seed);
        KeSetTimer(&Timers[i], Due, NULL);
        if (Seed & 0x10000 && !KeCancelTimer(&Timers[i])) {
            InterlockedIncrement(&Lost);
        }
    }
    for (ULONG i = 0; i < ARRAYSIZE(Timers); i++) {
        KeCancelTimer(&Timers[i]);
    }
}

static VOID TestConcurrency(VOID)
{
    PETHREAD Threads[3];

    for (ULONG i = 0; i < ARRAYSIZE(Threads); i++) {
        Threads[i] = KmtStartThread(SetAndCancel, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < 30; i++) {
        MoveClock(i % 2 ? -HOUR : HOUR);
        KmtSleep(1);
    }
    Stop = TRUE;
    for (ULONG i = 0; i < ARRAYSIZE(Threads); i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Lost, 0, "no timer is lost while the clock jumps");
}

static VOID TestLocalTime(VOID)
{
    LARGE_INTEGER System, Local, Back;

    System.QuadPart = SystemTime();
    ExSystemTimeToLocalTime(&System, &Local);
    ExLocalTimeToSystemTime(&Local, &Back);
    KMT_EQUAL(Back.QuadPart, System.QuadPart, "to local time and back");
    KMT_EQUAL((LONGLONG)(System.QuadPart - Local.QuadPart),
              *(volatile LONGLONG *)(KI_USER_SHARED_DATA + 0x20), "by the time zone's bias");
}

static VOID KmtRun(VOID)
{
    TestClocks();
    TestForward();
    TestBackward();
    TestWaits(FALSE);
    TestWaits(TRUE);
    TestConcurrency();
    TestLocalTime();
}
