/*
 * Promise: of a million DPCs on all processors none is lost and none runs twice.
 *
 * Every insertion that succeeds carries a number of its own, and its run sets that number's bit: a
 * bit already set is a DPC that ran twice, one not set at the end a DPC that was lost. DPCs queue
 * themselves again, while threads queue the same ones from outside.
 */
#include "kmt.h"

#define MILLION 1000000
#define DPCS 64
#define WORKERS 4
#define BATCH 32 /* insertions of a worker at DISPATCH_LEVEL, which then run all at once */

static KDPC Dpcs[DPCS];
static LONG Bits[MILLION / 32 + 1];
static LONG Returned[MILLION / 32 + 1]; /* numbers whose insertion failed in a DPC */
static volatile LONG Next;              /* the numbers below it are given out */
static volatile LONG Runs, Twice, WrongLevel;

/* Sets the number's bit; TRUE when it was set already. */
static BOOLEAN Mark(LONG *Set, ULONG Number)
{
    LONG Bit = (LONG)(1UL << (Number % 32));
    return (InterlockedOr(&Set[Number / 32], Bit) & Bit) != 0;
}

static BOOLEAN IsMarked(const LONG *Set, ULONG Number)
{
    return (Set[Number / 32] >> (Number % 32) & 1) != 0;
}

/* Tries one DPC after the other until one takes the number; no number is given up. */
static VOID QueueNumber(LONG Number, ULONG Start)
{
    for (ULONG i = Start;; i++) {
        if (KeInsertQueueDpc(&Dpcs[i % DPCS], (PVOID)(ULONG_PTR)Number, NULL)) {
            return;
        }
    }
}

static VOID NTAPI Run(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG Number = (ULONG)(ULONG_PTR)Argument1;
    LONG Own;

    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    if (Mark(Bits, Number)) {
        InterlockedIncrement(&Twice);
    }
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        InterlockedIncrement(&WrongLevel);
    }
    InterlockedIncrement(&Runs);
    /* Every other run leads to another one of itself, unless a worker was quicker. */
    if (Number % 2 == 0 && (Own = InterlockedIncrement(&Next) - 1) < MILLION &&
        !KeInsertQueueDpc(Dpc, (PVOID)(ULONG_PTR)Own, NULL)) {
        Mark(Returned, (ULONG)Own);
    }
}

static VOID NTAPI Work(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context + 1;
    BOOLEAN Left = TRUE;

    while (Left) {
        KIRQL OldIrql;
        KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
        for (ULONG i = 0; i < BATCH && Left; i++) {
            ULONG Random = KmtRandom(&Seed);
            PKDPC Dpc = &Dpcs[Random % DPCS];
            LONG Number = InterlockedIncrement(&Next) - 1;
            Left = Number < MILLION;
            if (Left && !KeInsertQueueDpc(Dpc, (PVOID)(ULONG_PTR)Number, NULL)) {
                /* All may stand in this processor's queue: they run only below this level. */
                KeLowerIrql(OldIrql);
                QueueNumber(Number, Random >> 8);
                KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
            }
        }
        KeLowerIrql(OldIrql);
    }
}

static VOID QueueReturned(VOID)
{
    for (ULONG i = 0; i < MILLION; i++) {
        if (IsMarked(Returned, i)) {
            QueueNumber((LONG)i, i);
        }
    }
}

static LONG CountLost(VOID)
{
    LONG Lost = 0;

    for (ULONG i = 0; i < MILLION; i++) {
        Lost += !IsMarked(Bits, i);
    }
    return Lost;
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[WORKERS];

    for (ULONG i = 0; i < DPCS; i++) {
        KeInitializeDpc(&Dpcs[i], Run, NULL);
        KeSetTargetProcessorDpc(&Dpcs[i], (CCHAR)(i % KmtProcessors()));
        KeSetImportanceDpc(&Dpcs[i], (KDPC_IMPORTANCE)(i / 8 % 4));
    }
    for (ULONG i = 0; i < WORKERS; i++) {
        Threads[i] = KmtStartThread(Work, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < WORKERS; i++) {
        KmtJoin(Threads[i]);
    }
    KeFlushQueuedDpcs();
    QueueReturned();
    KeFlushQueuedDpcs();
    KMT_EQUAL(Runs, MILLION, "a million insertions, a million runs");
    KMT_EQUAL(Twice, 0, "no number ran twice");
    KMT_EQUAL(CountLost(), 0, "no number was lost");
    KMT_EQUAL(WrongLevel, 0, "all at DISPATCH_LEVEL");
}
