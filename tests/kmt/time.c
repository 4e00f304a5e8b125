/*
 * Promises: the times that drivers read agree with each other, never go back, and are the same on
 * all processors.
 */
#include "kmt.h"

#define THREADS 4
#define READS 20000

static volatile LONG64 Latest; /* the greatest counter value that any thread has published */
static volatile LONG WentBack;

static VOID NTAPI Read(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < READS; i++) {
        LONG64 Before = InterlockedAdd64(&Latest, 0);
        LONG64 Now = KeQueryPerformanceCounter(NULL).QuadPart;
        if (Now < Before) {
            InterlockedIncrement(&WentBack);
        }
        while (Before < Now) {
            LONG64 Seen = InterlockedCompareExchange64(&Latest, Now, Before);
            if (Seen == Before) {
                break;
            }
            Before = Seen;
        }
    }
}

static VOID TestCounterIsGlobal(VOID)
{
    PETHREAD Threads[THREADS];

    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Read, NULL);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(WentBack, 0, "no processor's counter is behind what another one has shown");
}

/* At once, unless another processor is just renewing the times, one after the other. */
static BOOLEAN TicksReach(ULONGLONG Count)
{
    LARGE_INTEGER Ticks;
    ULONG Looks = 0;

    do {
        KeQueryTickCount(&Ticks);
    } while ((ULONGLONG)Ticks.QuadPart < Count && KmtLookAgain(&Looks));
    return (BOOLEAN)(Looks < 3 && (ULONGLONG)Ticks.QuadPart >= Count);
}

static VOID TestSharedTimes(VOID)
{
    ULONG64 Counter;
    ULONGLONG Last = KeQueryInterruptTime();
    LONG Backwards = 0, OffTick = 0, Ahead = 0;

    for (ULONG i = 0; i < 300; i++) {
        ULONGLONG Interrupt = KeQueryInterruptTime();
        ULONGLONG Shared = KeQueryInterruptTime();
        LARGE_INTEGER System, Precise;
        Ahead += Shared > KeQueryInterruptTimePrecise(&Counter);
        Backwards += Interrupt < Last;
        OffTick += !TicksReach(Interrupt / KeQueryTimeIncrement());
        KeQuerySystemTime(&System);
        KeQuerySystemTimePrecise(&Precise);
        Ahead += System.QuadPart > Precise.QuadPart;
        Last = Interrupt;
        KeStallExecutionProcessor(50);
    }
    KMT_EQUAL(Backwards, 0, "interrupt time does not go back");
    KMT_EQUAL(OffTick, 0, "the tick count is interrupt time in ticks");
    KMT_EQUAL(Ahead, 0, "the shared times are never ahead of the precise ones");
}

static VOID TestRates(VOID)
{
    LARGE_INTEGER Frequency, SystemBefore, SystemAfter;
    ULONG64 Counter;
    ULONG Looks = 0;
    ULONGLONG Before = KeQueryInterruptTime(), Precise;

    KeQuerySystemTimePrecise(&SystemBefore);
    Precise = KeQueryInterruptTimePrecise(&Counter);
    KMT_EQUAL(Counter, Precise, "interrupt time and performance counter are one moment");
    KmtSleep(100);
    KeQuerySystemTimePrecise(&SystemAfter);
    /* Not at once when the host holds up the processor that counts the ticks. */
    while (KeQueryInterruptTime() - Before < 1000000 - 156250 && KmtLookAgain(&Looks)) {
    }
    KMT_CHECK(KeQueryInterruptTime() - Before >= 1000000 - 156250, "interrupt time went on");
    KMT_CHECK(SystemAfter.QuadPart - SystemBefore.QuadPart >= 1000000, "and system time");
    KeQueryPerformanceCounter(&Frequency);
    KMT_EQUAL(Frequency.QuadPart, 10000000, "the performance counter runs at 10 MHz");
    KMT_EQUAL(KeQueryTimeIncrement(), 156250, "a tick is 15.625 ms");
    /* 2020 to 2100: the battery-backed clock was read. */
    KMT_CHECK(SystemAfter.QuadPart > 132223104000000000LL &&
                  SystemAfter.QuadPart < 157766880000000000LL,
              "system time is of this century");
}

static VOID KmtRun(VOID)
{
    TestRates();
    TestSharedTimes();
    TestCounterIsGlobal();
}
