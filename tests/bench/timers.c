/*
 * Measures: setting and cancelling a timer while 1 to a million others are armed on the processor.
 *
 * All are due within an hour and none while it is measured. The due times are drawn from one
 * sequence that is the same on every run.
 */
#include "bench.h"

#define PER_CHUNK 10000
#define CHUNKS 100
#define SOONEST_100NS (1000LL * 10000000)
#define RANGE_SECONDS 2600

static PKTIMER Chunks[CHUNKS];
static ULONG Armed;
static ULONG Seed = 2463534242;

/* Xorshift. */
static ULONG Random(VOID)
{
    Seed ^= Seed << 13;
    Seed ^= Seed >> 17;
    Seed ^= Seed << 5;
    return Seed;
}

static LARGE_INTEGER RandomDueTime(VOID)
{
    LARGE_INTEGER Due = {.QuadPart =
                             -(SOONEST_100NS + (LONG64)(Random() % RANGE_SECONDS) * 10000000)};

    Due.QuadPart -= Random() % 10000000;
    return Due;
}

static BOOLEAN ArmOneMore(VOID)
{
    PKTIMER *Chunk = &Chunks[Armed / PER_CHUNK];
    PKTIMER Timer;

    if (*Chunk == NULL) {
        *Chunk = ExAllocatePool2(POOL_FLAG_NON_PAGED, PER_CHUNK * sizeof(KTIMER), BENCH_TAG);
        if (*Chunk == NULL) {
            return FALSE;
        }
    }
    Timer = &(*Chunk)[Armed % PER_CHUNK];
    KeInitializeTimer(Timer);
    KeSetTimer(Timer, RandomDueTime(), NULL);
    Armed += 1;
    return TRUE;
}

static VOID CancelAll(VOID)
{
    while (Armed != 0) {
        Armed -= 1;
        KeCancelTimer(&Chunks[Armed / PER_CHUNK][Armed % PER_CHUNK]);
    }
    for (ULONG i = 0; i < CHUNKS; i++) {
        if (Chunks[i] != NULL) {
            ExFreePoolWithTag(Chunks[i], BENCH_TAG);
        }
    }
}

static VOID MeasureTimer(PCSTR Name, ULONG Others)
{
    KTIMER Timer;

    while (Armed < Others) {
        if (!ArmOneMore()) {
            DbgPrint("bench: memory for %u timers only\n", Armed);
            return;
        }
    }
    KeInitializeTimer(&Timer);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        LARGE_INTEGER Due = RandomDueTime();

        BenchStart();
        KeSetTimer(&Timer, Due, NULL);
        KeCancelTimer(&Timer);
        BenchStop();
    }
    BenchReport(Name);
}

static VOID BenchRun(VOID)
{
    MeasureTimer("timer_1", 1);
    MeasureTimer("timer_10", 10);
    MeasureTimer("timer_1k", 1000);
    MeasureTimer("timer_10k", 10000);
    MeasureTimer("timer_100k", 100000);
    MeasureTimer("timer_1m", 1000000);
    CancelAll();
}
