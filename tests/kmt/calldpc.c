/*
 * Promises: KeGenericCallDpc calls its routine once on every processor, at DISPATCH_LEVEL, and
 * returns when all have finished; all meet at the barrier, and exactly one of them learns that it
 * is the one; calls by several threads at once happen one after the other.
 */
#include "kmt.h"

#define MEETINGS 10
#define CALLERS 3
#define CALLS 8
#define MOST_PROCESSORS 64

typedef struct _CALL {
    volatile LONG Here[MOST_PROCESSORS]; /* calls, by processor */
    volatile LONG Arrived, Chosen, Early, WrongLevel;
} CALL;

/* At each meeting all have arrived before anybody goes on. */
static VOID NTAPI Meet(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LONG Processors = (LONG)KmtProcessors();
    CALL *Call = Context;

    UNREFERENCED_PARAMETER(Dpc);
    InterlockedIncrement(&Call->Here[KeGetCurrentProcessorNumber()]);
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        InterlockedIncrement(&Call->WrongLevel);
    }
    for (LONG Meeting = 1; Meeting <= MEETINGS; Meeting++) {
        InterlockedIncrement(&Call->Arrived);
        if (KeSignalCallDpcSynchronize(Argument2)) {
            InterlockedIncrement(&Call->Chosen);
        }
        if (Call->Arrived < Meeting * Processors) {
            InterlockedIncrement(&Call->Early);
        }
    }
    KeSignalCallDpcDone(Argument1);
}

static VOID TestMeeting(VOID)
{
    CALL Call = {0};
    LONG Wrong = 0;

    KeGenericCallDpc(Meet, &Call);
    for (ULONG i = 0; i < MOST_PROCESSORS; i++) {
        Wrong += Call.Here[i] != (i < KmtProcessors() ? 1 : 0);
    }
    KMT_EQUAL(Wrong, 0, "the routine runs once on every processor");
    KMT_EQUAL(Call.WrongLevel, 0, "at DISPATCH_LEVEL");
    KMT_EQUAL(Call.Early, 0, "nobody leaves the barrier before all have come");
    KMT_EQUAL(Call.Chosen, MEETINGS, "one processor is chosen at each meeting");
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "the caller is back at its IRQL");
}

static volatile LONG Inside; /* callers whose routine is running somewhere */
static volatile LONG Overlaps, Finished, Late;

typedef struct _CALLER {
    volatile LONG Running;
} CALLER;

static VOID NTAPI Overlap(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CALLER *Caller = Context;

    UNREFERENCED_PARAMETER(Dpc);
    InterlockedIncrement(&Caller->Running);
    if (KeSignalCallDpcSynchronize(Argument2) && InterlockedIncrement(&Inside) != 1) {
        InterlockedIncrement(&Overlaps);
    }
    if (KeSignalCallDpcSynchronize(Argument2)) {
        InterlockedDecrement(&Inside);
    }
    InterlockedDecrement(&Caller->Running);
    KeSignalCallDpcDone(Argument1);
}

static VOID NTAPI CallOften(PVOID Context)
{
    CALLER Caller = {0};

    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < CALLS; i++) {
        KeGenericCallDpc(Overlap, &Caller);
        if (Caller.Running != 0) {
            InterlockedIncrement(&Late);
        }
        InterlockedIncrement(&Finished);
    }
}

static VOID TestCallers(VOID)
{
    PETHREAD Threads[CALLERS];

    for (ULONG i = 0; i < CALLERS; i++) {
        Threads[i] = KmtStartThread(CallOften, NULL);
    }
    for (ULONG i = 0; i < CALLERS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Finished, CALLERS * CALLS, "calls of several threads all come to an end");
    KMT_EQUAL(Overlaps, 0, "one at a time");
    KMT_EQUAL(Late, 0, "and each returns after its last routine");
}

static VOID KmtRun(VOID)
{
    TestMeeting();
    TestCallers();
    KeFlushQueuedDpcs(); /* who has said that it is done may still be returning */
}
