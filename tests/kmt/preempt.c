/*
 * Promises: a thread that may run on one processor only, and becomes the most important there, gets
 * it although the waker stays busy on another: woken, raised, or when the running one is lowered,
 * every time; a less important one does not.
 */
#include "kmt.h"

#define ROUNDS 50

static KEVENT Go;
static volatile LONG Ran, Spinning;
static volatile ULONG RanOn;
static volatile BOOLEAN Stop;
static ULONG Target;

static VOID NTAPI Spin(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetSystemAffinityThread(1ULL << Target);
    KeSetPriorityThread(KeGetCurrentThread(), 20);
    Spinning = 1;
    while (!Stop) {
        YieldProcessor();
    }
}

static VOID NTAPI RunWhenTold(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetSystemAffinityThread(1ULL << Target);
    KeSetPriorityThread(KeGetCurrentThread(), 22);
    while (!Stop) {
        KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
        RanOn = KeGetCurrentProcessorNumber();
        InterlockedIncrement(&Ran);
    }
}

/* Waits without giving up this processor. */
static BOOLEAN SpinUntilRan(LONG Count)
{
    ULONGLONG Limit = KmtNow() + 20000 * 10000ULL;
    while (Ran != Count && KmtNow() < Limit) {
        YieldProcessor();
    }
    return Ran == Count;
}

static VOID Preempt(PETHREAD High, PETHREAD Low)
{
    LONG Missed = 0, Early = 0;
    for (int i = 0; i < ROUNDS; i++) {
        KeSetEvent(&Go, 0, FALSE);
        Missed += !SpinUntilRan(i + 1);
    }
    KMT_EQUAL(Missed, 0, "a thread that is woken interrupts another processor");
    KMT_EQUAL(RanOn, Target, "the one it may run on");
    Missed = 0;
    for (int i = 0; i < ROUNDS; i++) {
        LONG Before = Ran;
        KmtAwaitWaiters(&Go, 1);
        KeSetPriorityThread(High, 19);
        KeSetEvent(&Go, 0, FALSE);
        KeStallExecutionProcessor(100);
        Early += Ran != Before;
        if (i & 1) {
            KeSetPriorityThread(High, 22);
        } else {
            KeSetPriorityThread(Low, 18);
        }
        Missed += !SpinUntilRan(Before + 1);
        KeSetPriorityThread(Low, 20);
        KeSetPriorityThread(High, 22);
    }
    KMT_EQUAL(Early, 0, "a less important one waits");
    KMT_EQUAL(Missed, 0, "until it is raised, or the running one is lowered");
}

/* With one processor the waker itself is displaced. */
static VOID PreemptHere(VOID)
{
    for (int i = 0; i < ROUNDS; i++) {
        KeSetEvent(&Go, 0, FALSE);
    }
    KMT_EQUAL(Ran, ROUNDS, "a thread that is woken runs before the call returns");
    KMT_CHECK(TRUE, "it interrupts another processor # SKIP there is one only");
}

static VOID KmtRun(VOID)
{
    PETHREAD High, Low;
    Target = KmtProcessors() - 1;
    KeSetSystemAffinityThread(1);
    KeInitializeEvent(&Go, SynchronizationEvent, FALSE);
    High = KmtStartThread(RunWhenTold, NULL);
    KmtAwaitWaiters(&Go, 1);
    if (Target != 0) {
        Low = KmtStartThread(Spin, NULL);
        while (!Spinning) {
            KmtSleep(1);
        }
        Preempt(High, Low);
        Stop = TRUE;
        KmtJoin(Low);
    } else {
        PreemptHere();
    }
    Stop = TRUE;
    KeSetEvent(&Go, 0, FALSE);
    KmtJoin(High);
    KeRevertToUserAffinityThread();
}
