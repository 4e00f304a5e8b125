/*
 * Promise: a DPC that did not interrupt a busy processor does not wait for ever when that processor
 * becomes idle, and its ticks end, before it has looked into its queue. A timer that was set there
 * and cancelled makes the clock come once amid a tick, for nothing.
 */
#include "kmt.h"

#define ROUNDS 12
#define LONG_TICKS 40 /* what takes so many looks, a tick apart, takes too long */

static volatile LONG Busy, Queued; /* the round that has got so far */
static volatile LONG Runs, Witnessed;
static KEVENT Next;

static VOID NTAPI Note(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&Runs);
}

/* On processor 1: arms its clock, is busy until the DPC has been queued, and leaves it idle. */
static VOID NTAPI Leave(PVOID Context)
{
    KTIMER Timer;

    UNREFERENCED_PARAMETER(Context);
    KeInitializeTimer(&Timer);
    KeSetSystemAffinityThread(2);
    for (LONG Round = 1; Round <= ROUNDS; Round++) {
        KeSetTimer(&Timer, KmtMs(1), NULL);
        KeCancelTimer(&Timer);
        Busy = Round;
        while (Queued != Round) {
            YieldProcessor();
        }
        KeWaitForSingleObject(&Next, Executive, KernelMode, FALSE, NULL);
    }
}

static VOID NTAPI Witness(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Witnessed = TRUE;
}

/* Would processor 1 run a DPC at once that interrupts it? A host may keep it from running anything.
 */
static BOOLEAN WouldRun(VOID)
{
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Witness, NULL);
    KeSetImportanceDpc(&Dpc, HighImportance);
    KeSetTargetProcessorDpc(&Dpc, 1);
    Witnessed = FALSE;
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KmtSleep(16);
    BOOLEAN AtOnce = Witnessed != FALSE;
    KeFlushQueuedDpcs();
    return AtOnce;
}

/* Does the DPC wait, longer than some ticks take, on a processor that could run it? */
static BOOLEAN IsForgotten(LONG Round, PKDPC Dpc)
{
    while (Busy != Round) {
        YieldProcessor();
    }
    KeInsertQueueDpc(Dpc, NULL, NULL);
    Queued = Round;
    for (ULONG i = 0; i < LONG_TICKS && Runs != Round; i++) {
        KmtSleep(16);
    }
    return (BOOLEAN)(Runs != Round && WouldRun());
}

static VOID TestImportance(KDPC_IMPORTANCE Importance, PCSTR Promise)
{
    PETHREAD Thread;
    LONG Forgotten = 0;
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Note, NULL);
    KeSetImportanceDpc(&Dpc, Importance);
    KeSetTargetProcessorDpc(&Dpc, 1);
    Busy = Queued = Runs = 0;
    Thread = KmtStartThread(Leave, NULL);
    for (LONG Round = 1; Round <= ROUNDS; Round++) {
        Forgotten += IsForgotten(Round, &Dpc);
        KeFlushQueuedDpcs();
        KeSetEvent(&Next, IO_NO_INCREMENT, FALSE);
    }
    KmtJoin(Thread);
    /* A host may let a processor wait for just that long, but hardly more than twice. */
    DbgPrint("# forgotten in %d of %d\n", Forgotten, ROUNDS);
    KMT_CHECK(Forgotten <= 2, Promise);
}

static VOID KmtRun(VOID)
{
    KeInitializeEvent(&Next, SynchronizationEvent, FALSE);
    if (KmtProcessors() < 2) {
        KMT_CHECK(TRUE, "the first processor always ticks");
        return;
    }
    KeSetSystemAffinityThread(1);
    TestImportance(LowImportance, "a DPC of low importance runs on a processor that became idle");
    TestImportance(MediumImportance, "so does one of medium importance");
    KeRevertToUserAffinityThread();
}
