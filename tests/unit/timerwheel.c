/*
 * Proves that the timer wheel expires every armed timer once, never early and never after the tick
 * that covers its due time, whatever is inserted and cancelled meanwhile, and that the time it gives
 * the clock is never too late.
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

    while ((Timer = KiWheelExpire(&Wheel, Now)) != NULL) {
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
        while ((Timer = KiWheelExpire(&Wheel, Now)) != NULL) {
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
    while (KiWheelExpire(&Wheel, Now) != NULL) {
        continue;
    }
    assert(Wheel.Count == 0);
}

int main(void)
{
    KiWheelInitialize(&Wheel);
    TestFollowingNextDue();
    puts("ok 1 - a clock that follows NextDue100ns expires every timer within its tick");
    TestRandomWork();
    puts("ok 2 - 40000 random insertions, cancellations and steps agree with a list");
    TestEndOfTime();
    puts("ok 3 - due times at the end of the 64-bit range");
    puts("1..3");
    return 0;
}
