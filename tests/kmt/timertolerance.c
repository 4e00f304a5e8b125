/*
 * Promises: a coalescable timer expires after its due time and within its tolerable delay, periodic
 * ones each time and without drift; many of them expire at few moments; without a tolerance nothing
 * changes.
 */
#include "kmt.h"

#define TIMERS 40
#define TOLERANCE_MS 64
#define MOST_MOMENTS 8 /* of 200 ms with such a tolerance */

typedef struct _TIMED {
    KTIMER Timer;
    KDPC Dpc;
    ULONGLONG Due, RanAt;
    volatile LONG Runs, Early;
} TIMED;

static TIMED Timed[TIMERS];
static volatile LONG Runs;

static VOID NTAPI Note(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    TIMED *Each = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    /* The time that all timers of one expiration share. */
    Each->RanAt = KeQueryInterruptTime();
    Each->Early += Each->RanAt < Each->Due + (ULONGLONG)Each->Timer.Period * 10000 * Each->Runs;
    Each->Runs += 1;
    InterlockedIncrement(&Runs);
}

/* Arms all for moments spread over 200 ms, on one processor. */
static VOID ArmSpread(ULONG ToleranceMs)
{
    Runs = 0;
    KeSetSystemAffinityThread(1);
    for (ULONG i = 0; i < TIMERS; i++) {
        LARGE_INTEGER Due;
        RtlZeroMemory(&Timed[i], sizeof(Timed[i]));
        KeInitializeTimer(&Timed[i].Timer);
        KeInitializeDpc(&Timed[i].Dpc, Note, &Timed[i]);
        Due.QuadPart = -(200000 + (LONGLONG)i * 50000);
        Timed[i].Due = KmtNow() - Due.QuadPart;
        KeSetCoalescableTimer(&Timed[i].Timer, Due, 0, ToleranceMs, &Timed[i].Dpc);
    }
    KeRevertToUserAffinityThread();
    for (ULONG Looks = 0; Runs < TIMERS && KmtLookAgain(&Looks);) {
    }
}

/* Moments that are more than 2 ms from the one before, of timers in order of expiration. */
static ULONG CountMoments(VOID)
{
    ULONG Moments = 0;
    ULONGLONG Last = 0;

    for (ULONG i = 0; i < TIMERS; i++) {
        if (Timed[i].RanAt > Last + 20000) {
            Moments += 1;
            Last = Timed[i].RanAt;
        }
    }
    return Moments;
}

/* A host that holds the processor up makes many of them expire at one moment: so there are some
 * tries. */
static ULONG CountMomentsApart(ULONG Wanted)
{
    ULONG Apart = 0;

    for (ULONG Tries = 0; Tries < 20 && Apart < Wanted; Tries++) {
        ArmSpread(0);
        Apart = CountMoments();
    }
    return Apart;
}

static VOID TestTogether(VOID)
{
    LONG Early = 0, Lost = 0;
    ULONGLONG LeastDelay = MAXLONGLONG;
    ULONG Apart, Together = TIMERS, Wanted;

    /* A host that holds the processor up makes all of them late, or tears what expires together
     * apart: so there are some tries. */
    for (ULONG Tries = 0;
         Tries < 20 && (LeastDelay >= TOLERANCE_MS * 10000 || Together > MOST_MOMENTS); Tries++) {
        ArmSpread(TOLERANCE_MS);
        Together = CountMoments();
        Lost += Runs != TIMERS;
        LeastDelay = MAXLONGLONG;
        for (ULONG i = 0; i < TIMERS; i++) {
            Early += Timed[i].Early;
            LeastDelay = min(LeastDelay, Timed[i].RanAt - Timed[i].Due);
        }
    }
    KMT_EQUAL(Lost, 0, "all expire");
    KMT_EQUAL(Early, 0, "none of them early");
    KMT_CHECK(LeastDelay < TOLERANCE_MS * 10000, "within the tolerable delay");
    KMT_CHECK(Together <= MOST_MOMENTS, "at few moments");
    Wanted = min(12, 2 * Together + 1);
    Apart = CountMomentsApart(Wanted);
    DbgPrint("# %u moments with a tolerable delay, %u without\n", Together, Apart);
    KMT_CHECK(Apart >= Wanted, "unlike those without a tolerable delay");
}

/* Expiration n is due n periods after the first, however late the ones before were. */
static VOID TestPeriodic(VOID)
{
    TIMED *Each = &Timed[0];
    ULONGLONG Passed;
    ULONG Looks = 0;

    RtlZeroMemory(Each, sizeof(*Each));
    KeInitializeTimer(&Each->Timer);
    KeInitializeDpc(&Each->Dpc, Note, Each);
    Each->Due = KmtNow() + 50000;
    KeSetCoalescableTimer(&Each->Timer, KmtMs(5), 10, 8, &Each->Dpc);
    KmtSleep(200);
    while (Each->Runs < 5 && KmtLookAgain(&Looks)) {
    }
    KeCancelTimer(&Each->Timer);
    Passed = (KmtNow() - Each->Due) / 100000;
    KeFlushQueuedDpcs();
    KMT_EQUAL(Each->Early, 0, "a periodic one is not early, either");
    KMT_CHECK(Each->Runs >= 5 && (ULONGLONG)Each->Runs <= Passed + 1, "and keeps its pace");
}

static VOID KmtRun(VOID)
{
    TestTogether();
    TestPeriodic();
}
