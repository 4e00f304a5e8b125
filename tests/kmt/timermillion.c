/*
 * Promises: with a million timers armed, setting and cancelling one costs what it costs beside ten;
 * a million that come due together all expire, once each and none early, and while they are set
 * and expire waiting threads still get their turn; cancelling finds every one that has not expired.
 * MEMORY: 128M
 */
#include "kmt.h"

#define MILLION 1000000
#define PIECE 16384 /* timers in one allocation: 1 MB */
#define PIECES ((MILLION + PIECE - 1) / PIECE)
#define SETTINGS 250 /* as few as may pass without the host's taking the processor away */
#define MEASUREMENTS 64

static PKTIMER Pieces[PIECES];

static PKTIMER TimerOf(ULONG i)
{
    return &Pieces[i / PIECE][i % PIECE];
}

static BOOLEAN Allocate(VOID)
{
    for (ULONG i = 0; i < PIECES; i++) {
        Pieces[i] = ExAllocatePoolWithTag(NonPagedPoolNx, PIECE * sizeof(KTIMER), 'miTM');
        if (Pieces[i] == NULL) {
            return FALSE;
        }
    }
    for (ULONG i = 0; i < MILLION; i++) {
        KeInitializeTimer(TimerOf(i));
    }
    return TRUE;
}

static VOID Free(VOID)
{
    for (ULONG i = 0; i < PIECES; i++) {
        if (Pieces[i] != NULL) {
            ExFreePoolWithTag(Pieces[i], 'miTM');
        }
    }
}

/* The best of several rounds, so that other work on the host does not count; of many more until
 * one is below Wanted, as such work may last. */
static ULONGLONG MeasureSetting(ULONGLONG Wanted)
{
    ULONGLONG Best = MAXLONGLONG;
    ULONG Seed = 99;
    KTIMER Timer;

    KeInitializeTimer(&Timer);
    for (ULONG Round = 0; Round < MEASUREMENTS || (Round < 100 * MEASUREMENTS && Best >= Wanted);
         Round++) {
        ULONGLONG Started = KmtNow(), Took;
        for (ULONG i = 0; i < SETTINGS; i++) {
            KeSetTimer(&Timer, KmtMs(500000 + KmtRandom(&Seed) % 3600000), NULL);
            KeCancelTimer(&Timer);
        }
        Took = KmtNow() - Started;
        Best = min(Best, Took);
    }
    return Best;
}

static VOID SetFar(ULONG First, ULONG End)
{
    ULONG Seed = First + 1;

    for (ULONG i = First; i < End; i++) {
        KeSetTimer(TimerOf(i), KmtMs(600000 + KmtRandom(&Seed) % 3600000), NULL);
    }
}

static VOID TestFlat(VOID)
{
    ULONGLONG Few, Lots;
    LONG Lost = 0;

    SetFar(0, 10);
    Few = MeasureSetting(MAXLONGLONG);
    SetFar(10, MILLION);
    Lots = MeasureSetting(3 * Few);
    DbgPrint("# %d settings: %I64u us beside 10 timers, %I64u us beside a million\n", SETTINGS,
             Few / 10, Lots / 10);
    KMT_CHECK(Lots < 3 * Few, "setting and cancelling cost the same beside ten and a million");
    for (ULONG i = 0; i < MILLION; i++) {
        Lost += !KeCancelTimer(TimerOf(i));
    }
    KMT_EQUAL(Lost, 0, "all of them are cancelled");
}

static volatile LONG Stop, Turns;

/* On another processor, if there is one, and important enough to run on this one. */
static VOID NTAPI TakeTurns(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    while (!Stop) {
        KmtSleep(1);
        InterlockedIncrement(&Turns);
    }
}

/* Due within a few ms of each other, and far enough that they stand in few slots of a high level.
 */
static VOID TestTogether(VOID)
{
    ULONGLONG Due;
    PETHREAD Thread;
    LONG Early = 0, Lost = 0, AtStart;
    ULONG Looks = 0;

    Thread = KmtStartThread(TakeTurns, NULL);
    while (Turns == 0 && KmtLookAgain(&Looks)) {
    }
    AtStart = Turns;
    Due = KmtNow() + 12000000ULL;
    for (ULONG i = 0; i < MILLION; i++) {
        LARGE_INTEGER Relative;
        Relative.QuadPart = (LONGLONG)(KmtNow() - Due) - i % 50000;
        KeSetTimer(TimerOf(i), Relative, NULL);
    }
    /* Setting them may have taken longer than that on a slow host. */
    for (ULONG i = 0; i < MILLION; i += 100) {
        Early += KeReadStateTimer(TimerOf(i)) && KmtNow() < Due;
    }
    KMT_EQUAL(Early, 0, "none of a million expires early");
    while (KmtNow() < Due + 50000) {
        KmtSleep(5);
    }
    for (ULONG i = 0; i < MILLION; i++) {
        Lost += KmtWait(TimerOf(i), 10000) != STATUS_SUCCESS;
        Lost += KeCancelTimer(TimerOf(i));
    }
    /* The host may have kept the other processor from running all the while. */
    while (Turns == AtStart && KmtLookAgain(&Looks)) {
    }
    Stop = TRUE;
    KMT_EQUAL(Lost, 0, "each of a million expires");
    KMT_CHECK(Turns > AtStart, "and others have their turn meanwhile");
    KmtJoin(Thread);
}

static VOID KmtRun(VOID)
{
    if (KMT_CHECK(Allocate(), "memory for a million timers")) {
        TestFlat();
        TestTogether();
    }
    Free();
}
