/*
 * Proves that the timer wheel expires every armed timer once, never early and never after the tick
 * that covers its due time, whatever is inserted and cancelled meanwhile, and that the time it
 * gives the clock is never too late.
 *
 * unit-sources: kernel/ke/timerwheel.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ke/timerwheel.h"

#define TIMERS 3000
#define STEPS 40000
#define TICK (1ULL << KI_WHEEL_TICK_SHIFT)

static KI_TIMER_WHEEL Wheel;
static KTIMER Timers[TIMERS];
static BOOLEAN Armed[TIMERS];
static ULONG64 Now;

static ULONG64 Random(void)
{
    static ULONG64 State = 88172645463325252ULL;
    State ^= State << 13;
    State ^= State >> 7;
    State ^= State << 17;
    return State;
}

/* With any budget, all of them get their turn. */
static PKTIMER Expire(ULONG64 Time)
{
    PKTIMER Timer;
    ULONG Budget;

    do {
        Budget = 1 + (ULONG)(Random() % 5);
        Timer = KiWheelExpire(&Wheel, Time, &Budget);
    } while (Timer == NULL && Budget == 0);
    return Timer;
}

/* Evenly spread over magnitudes, so that every level of the wheel is used. */
static ULONG64 RandomInterval(ULONG MaximumBits)
{
    return Random() >> (64 - 1 - Random() % MaximumBits);
}

static void Disarm(ULONG i)
{
    KiWheelRemove(&Wheel, &Timers[i]);
    Armed[i] = FALSE;
}

static void Arm(ULONG i, ULONG64 Due)
{
    if (Armed[i]) {
        Disarm(i);
    }
    Timers[i].DueTime.QuadPart = Due;
    KiWheelInsert(&Wheel, &Timers[i]);
    Armed[i] = TRUE;
}

/* What is due comes out, and what comes out is due. */
static void ExpireAll(void)
{
    PKTIMER Timer;

    while ((Timer = Expire(Now)) != NULL) {
        ULONG i = (ULONG)(Timer - Timers);
        assert(Armed[i] && Timer->DueTime.QuadPart <= Now);
        Armed[i] = FALSE;
    }
    assert(Wheel.NextDue100ns > Now);
}

static void CheckAgainstModel(void)
{
    ULONG64 First = KI_WHEEL_NEVER, Count = 0;

    for (ULONG i = 0; i < TIMERS; i++) {
        if (Armed[i]) {
            ULONG64 Due = Timers[i].DueTime.QuadPart;
            ULONG64 RoundedUp = (Due + TICK - 1) / TICK * TICK;
            assert(Due > Now || RoundedUp > Now);
            First = RoundedUp < First ? RoundedUp : First;
            Count++;
        }
    }
    assert(Wheel.Count == Count);
    assert(Wheel.NextDue100ns <= First && (Count != 0) == (Wheel.NextDue100ns != KI_WHEEL_NEVER));
}

/* A clock that looks only when told finds each timer in the tick after its due time. */
static void TestFollowingNextDue(void)
{
    ULONG Wakes = 0;

    for (ULONG i = 0; i < TIMERS; i++) {
        Arm(i, Now + RandomInterval(40));
    }
    while (Wheel.NextDue100ns != KI_WHEEL_NEVER) {
        PKTIMER Timer;
        Now = Wheel.NextDue100ns > Now ? Wheel.NextDue100ns : Now;
        Wakes++;
        while ((Timer = Expire(Now)) != NULL) {
            assert(Timer->DueTime.QuadPart <= Now && Now - Timer->DueTime.QuadPart < TICK);
            Armed[Timer - Timers] = FALSE;
        }
    }
    assert(Wheel.Count == 0 && Wakes <= TIMERS);
}

static void TestRandomWork(void)
{
    for (ULONG Step = 0; Step < STEPS; Step++) {
        ULONG i = Random() % TIMERS;
        if (Armed[i]) {
            Disarm(i);
        }
        if (Random() % 4 != 0) {
            Arm(i, Random() % 8 == 0 ? Now / 2 : Now + RandomInterval(44));
        }
        if (Random() % 16 == 0) {
            Now += RandomInterval(42);
            ExpireAll();
        }
        if (Step % 64 == 0) {
            ExpireAll();
            CheckAgainstModel();
        }
    }
}

static void TestEndOfTime(void)
{
    Arm(0, ~0ULL);
    Arm(1, ~0ULL - TICK);
    Arm(2, 0);
    ExpireAll();
    assert(Wheel.Count >= 2);
    Now = ~0ULL;
    while (Expire(Now) != NULL) {
        continue;
    }
    assert(Wheel.Count == 0);
}

/* However many timers a slot holds, one call touches no more than its budget of them. */
static void TestBudget(void)
{
    ULONG Calls = 0, Expired = 0;

    for (ULONG i = 0; i < TIMERS; i++) {
        Arm(i, Now + (1ULL << 40) + i);
    }
    Now += 1ULL << 41;
    while (Wheel.Count != 0) {
        ULONG64 First = Wheel.Count;
        ULONG Budget = 10;
        while (KiWheelExpire(&Wheel, Now, &Budget) != NULL) {
            Expired++;
        }
        assert(First - Wheel.Count <= 10 && (Budget == 0 || Wheel.Count == 0));
        Calls++;
    }
    assert(Expired == TIMERS && Calls >= TIMERS / 10 * 2);
    memset(Armed, 0, sizeof(Armed));
}

/* The system time is set in the midst of moving timers: absolute ones follow, others stay, and
 * cancelling finds them wherever they are. */
static void TestShift(void)
{
    static ULONG64 Due[TIMERS];
    PKTIMER Timer;

    for (ULONG Round = 0; Round < 20; Round++) {
        LONG64 Shift = (LONG64)RandomInterval(36) * (Round % 2 ? 1 : -1);
        ULONG Budget = 1 + (ULONG)(Random() % 50), Expired = 0;
        for (ULONG i = 0; i < TIMERS; i++) {
            BOOLEAN Absolute = i % 3 == 0;
            Timers[i].Header.TimerControlFlags = Absolute ? KI_TIMER_ABSOLUTE : 0;
            Due[i] = Now + (1ULL << 37) + RandomInterval(36);
            Arm(i, Due[i]);
            Due[i] += Absolute ? (ULONG64)Shift : 0;
        }
        KiWheelExpire(&Wheel, Now + (1ULL << 36), &Budget);
        KiWheelShiftAbsolute(&Wheel, Shift);
        Budget = TIMERS / 2;
        assert(Wheel.NextDue100ns == 0 && KiWheelExpire(&Wheel, Now, &Budget) == NULL);
        for (ULONG i = 0; i < TIMERS; i += 7) {
            Disarm(i);
            Expired++;
        }
        while (Wheel.Count != 0) {
            while ((Timer = Expire(Now)) != NULL) {
                assert(Timer->DueTime.QuadPart == Due[Timer - Timers]);
                assert(Timer->DueTime.QuadPart <= Now && Now - Timer->DueTime.QuadPart <= 2 * TICK);
                Armed[Timer - Timers] = FALSE;
                Expired++;
            }
            assert(Wheel.NextDue100ns > Now);
            Now = Wheel.NextDue100ns == KI_WHEEL_NEVER ? Now : Wheel.NextDue100ns;
        }
        assert(Expired == TIMERS);
    }
    memset(Timers, 0, sizeof(Timers));
}

/* A tolerable delay is used and kept to, and brings timers together. */
static void TestTolerance(void)
{
    ULONG Wakes = 0;

    for (ULONG i = 0; i < TIMERS; i++) {
        Timers[i].Header.TimerControlFlags = 20 << KI_TIMER_TOLERANCE_SHIFT;
        Arm(i, Now + Random() % (1ULL << 26));
    }
    while (Wheel.Count != 0) {
        PKTIMER Timer;
        Now = Wheel.NextDue100ns > Now ? Wheel.NextDue100ns : Now;
        while ((Timer = Expire(Now)) != NULL) {
            assert(Timer->DueTime.QuadPart <= Now && Now - Timer->DueTime.QuadPart <= 1ULL << 20);
            Armed[Timer - Timers] = FALSE;
        }
        Wakes++;
    }
    assert(Wakes <= (1 << (26 - 19)) + 2);
    memset(Timers, 0, sizeof(Timers));
}

int main(void)
{
    KiWheelInitialize(&Wheel);
    TestFollowingNextDue();
    puts("ok 1 - a clock that follows NextDue100ns expires every timer within its tick");
    TestRandomWork();
    puts("ok 2 - 40000 random insertions, cancellations and steps agree with a list");
    TestBudget();
    puts("ok 3 - a slot of thousands is worked off in steps");
    TestShift();
    puts("ok 4 - absolute timers follow the system time, wherever they stand");
    TestTolerance();
    puts("ok 5 - tolerable delays bring timers together");
    TestEndOfTime();
    puts("ok 6 - due times at the end of the 64-bit range");
    puts("1..6");
    return 0;
}
