/*
 * Promise: a timer that one processor arms and another one cancels either is cancelled or expires,
 * never both and never neither; the same when the other one sets it anew instead.
 */
#include "kmt.h"

#define ROUNDS 400

static KTIMER Timer;
static KDPC Dpc;
static volatile LONG Armed; /* rounds begun */
static volatile LONG Done;  /* rounds in which the other processor has acted */
static volatile LONG Runs, Cancelled, Stuck;
static volatile BOOLEAN MayMerge; /* the first arming's DPC may be queued when the second expires */
static BOOLEAN SetAnew;

static VOID NTAPI Expire(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&Runs);
}

static VOID Act(VOID)
{
    LARGE_INTEGER Soon = {.QuadPart = -100};
    /* Looked at before: the run that is missing may come after the second expiration. */
    BOOLEAN FirstRuns = (BOOLEAN)(Runs + Cancelled < 2 * Armed - 1);

    if (!SetAnew) {
        InterlockedAdd(&Cancelled, KeCancelTimer(&Timer) != FALSE);
    } else if (KeSetTimer(&Timer, Soon, &Dpc)) {
        InterlockedIncrement(
            &Cancelled); /* the first arming is forgotten; the second will expire */
    } else {
        MayMerge = FirstRuns;
    }
}

/* On a host that is slow to let a processor run, or to interrupt it, one of the two may always come
 * first, until the other one has long to come. */
static BOOLEAN IsMissing(LONG Round, LONG Count)
{
    return (BOOLEAN)(Round > 50 && Count == 0);
}

static VOID NTAPI Interfere(PVOID Context)
{
    ULONG Seed = 31;

    KeSetSystemAffinityThread((KAFFINITY)(ULONG_PTR)Context);
    for (LONG Round = 1; Round <= ROUNDS; Round++) {
        while (Armed < Round) {
            YieldProcessor();
        }
        KeStallExecutionProcessor(KmtRandom(&Seed) % (IsMissing(Round, Runs) ? 50000 : 250));
        Act();
        Done = Round;
    }
}

/* All that was armed so far has come to an end. Two expirations have one run when the host holds
 * this processor up between them, with the DPC in its queue. */
static VOID WaitForEnd(LONG Expected)
{
    ULONGLONG Limit = KmtNow() + 300000000;

    while (Runs + Cancelled < Expected && KmtNow() < Limit) {
        YieldProcessor();
        if (MayMerge && KeReadStateTimer(&Timer)) {
            KeFlushQueuedDpcs();
            InterlockedAdd(&Cancelled, Runs + Cancelled < Expected);
            MayMerge = FALSE;
        }
    }
    Stuck += Runs + Cancelled < Expected;
    MayMerge = FALSE;
}

static VOID Race(BOOLEAN Anew)
{
    ULONG Seed = 17, Other = KmtProcessors() - 1;
    PETHREAD Thread;

    Armed = Done = Runs = Cancelled = Stuck = 0;
    SetAnew = Anew;
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, Expire, NULL);
    KeSetTargetProcessorDpc(&Dpc, 0);
    KeSetImportanceDpc(&Dpc, HighImportance);
    Thread = KmtStartThread(Interfere, (PVOID)((ULONG_PTR)1 << Other));
    KeSetSystemAffinityThread(1);
    for (LONG Round = 1; Round <= ROUNDS && Stuck == 0; Round++) {
        LARGE_INTEGER Due;
        Due.QuadPart =
            -(LONGLONG)(KmtRandom(&Seed) % (IsMissing(Round, Cancelled) ? 500000 : 2500));
        KeSetTimer(&Timer, Due, &Dpc);
        Armed = Round;
        while (Done < Round) {
            YieldProcessor();
        }
        WaitForEnd(Anew ? 2 * Round : Round);
    }
    Armed = ROUNDS;
    KmtJoin(Thread);
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    KeRevertToUserAffinityThread();
}

static VOID KmtRun(VOID)
{
    if (KmtProcessors() < 2) {
        KMT_CHECK(TRUE, "one processor: nobody else cancels");
        return;
    }
    Race(FALSE);
    KMT_EQUAL(Stuck, 0, "no arming gets lost");
    KMT_EQUAL(Runs + Cancelled, ROUNDS, "each is cancelled or expires, not both");
    KMT_CHECK(Runs != 0 && Cancelled != 0, "and both happened");
    Race(TRUE);
    KMT_EQUAL(Stuck, 0, "none gets lost that is set anew elsewhere");
    KMT_EQUAL(Runs + Cancelled, 2 * ROUNDS, "and none expires twice");
}
