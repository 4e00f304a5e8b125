/*
 * Promises: a thread with a system affinity runs only there, and has moved when the call returns;
 * reverting gives it back its own; affinities nest; a thread that a busier one keeps from its
 * processor is helped after some seconds; group and number queries tell the truth.
 */
#include "kmt.h"

static VOID TestEveryProcessor(VOID)
{
    ULONG Wrong = 0;
    for (int Round = 0; Round < 50; Round++) {
        for (ULONG i = 0; i < KmtProcessors(); i++) {
            KeSetSystemAffinityThread(1ULL << i);
            Wrong += KeGetCurrentProcessorNumber() != i;
            if (Round == 0) {
                KmtSleep(2);
                Wrong += KeGetCurrentProcessorNumber() != i;
            }
        }
    }
    KeRevertToUserAffinityThread();
    KMT_EQUAL(Wrong, 0, "the thread is where it asked to be, also after a wait");
}

static VOID TestNesting(VOID)
{
    ULONG Last = KmtProcessors() - 1;
    KAFFINITY Outer = KeSetSystemAffinityThreadEx(1ULL << Last);
    KAFFINITY Inner = KeSetSystemAffinityThreadEx(1);
    KMT_EQUAL(Outer, 0, "no system affinity before the first");
    KMT_EQUAL(Inner, 1ULL << Last, "the first one before the second");
    KMT_EQUAL(KeGetCurrentProcessorNumber(), 0, "the second is in force");
    KeRevertToUserAffinityThreadEx(Inner);
    KMT_EQUAL(KeGetCurrentProcessorNumber(), Last, "reverting goes back to the first");
    KMT_EQUAL(KeSetSystemAffinityThreadEx(1ULL << 63), 1ULL << Last, "processors not there:");
    KMT_EQUAL(KeGetCurrentProcessorNumber(), Last, "nothing changes");
    KeRevertToUserAffinityThreadEx(Outer);
    KMT_EQUAL(KeSetSystemAffinityThreadEx(1), 0, "reverting to 0 ends it");
    KeRevertToUserAffinityThreadEx(0);
}

static VOID TestQueries(VOID)
{
    PROCESSOR_NUMBER Number = {9, 9, 9};
    GROUP_AFFINITY Group = {.Mask = 1}, Previous;
    CCHAR Ideal;
    KeSetSystemGroupAffinityThread(&Group, &Previous);
    KMT_EQUAL(KeGetCurrentProcessorNumberEx(&Number), 0, "a group affinity moves, too");
    KMT_CHECK(Number.Group == 0 && Number.Number == 0, "number and group are filled in");
    KeRevertToUserGroupAffinityThread(&Previous);
    KMT_EQUAL(KeQueryActiveProcessorCountEx(0), KmtProcessors(), "group 0 has all processors");
    KMT_EQUAL(KeQueryActiveProcessorCountEx(1), 0, "group 1 has none");
    KMT_CHECK(KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS) >= KmtProcessors(),
              "the maximum is no less");
    Ideal = KeSetIdealProcessorThread(KeGetCurrentThread(), 0);
    KMT_EQUAL(KeSetIdealProcessorThread(KeGetCurrentThread(), 120), 0, "an ideal one is kept");
    KMT_EQUAL(KeSetIdealProcessorThread(KeGetCurrentThread(), Ideal), 0, "unless it is not there");
}

static volatile LONG Stop, Moves, Astray;

static VOID NTAPI Wander(PVOID Context)
{
    ULONG Seed = 1234 + (ULONG)(ULONG_PTR)Context;
    while (!Stop) {
        ULONG Where = KmtRandom(&Seed) % KmtProcessors();
        KeSetSystemAffinityThread(1ULL << Where);
        if (KeGetCurrentProcessorNumber() != Where) {
            InterlockedIncrement(&Astray);
        }
        InterlockedIncrement(&Moves);
        if (KmtRandom(&Seed) % 8 == 0) {
            KmtSleep(1);
        }
        KeRevertToUserAffinityThread();
    }
}

static VOID TestWandering(VOID)
{
    PETHREAD Threads[6];
    for (ULONG_PTR i = 0; i < 6; i++) {
        Threads[i] = KmtStartThread(Wander, (PVOID)i);
    }
    KmtSleep(400);
    for (ULONG Looks = 0; Moves <= 50 && KmtLookAgain(&Looks);) { /* a slow host may need more */
    }
    Stop = 1;
    for (int i = 0; i < 6; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Astray, 0, "six wandering threads are never astray");
    KMT_CHECK(Moves > 50, "and do wander");
}

static volatile LONG Victim, Release;

static VOID NTAPI Starve(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetSystemAffinityThread(1);
    Victim = 1;
}

static VOID NTAPI Hog(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetSystemAffinityThread(1);
    KeSetBasePriorityThread(KeGetCurrentThread(), 3);
    Release = 1; /* the processor is taken from here on */
    while (!Stop) {
        YieldProcessor();
    }
}

static VOID TestStarvation(VOID)
{
    PETHREAD Hogger, Starving;
    /* A base that is above the other's: a mere priority would decay to its own. */
    LONG Own = KeSetBasePriorityThread(KeGetCurrentThread(), 6);
    ULONG Looks = 0;
    Stop = Release = Victim = 0;
    Hogger = KmtStartThread(Hog, NULL);
    while (!Release) {
        KmtSleep(1);
    }
    Starving = KmtStartThread(Starve, NULL);
    KeSetPriorityThread(Starving, 3);
    while (!Victim && KmtLookAgain(&Looks)) {
    }
    KMT_CHECK(Victim, "a thread that starves is helped after some seconds");
    Stop = 1;
    KmtJoin(Hogger);
    KmtJoin(Starving);
    KeSetBasePriorityThread(KeGetCurrentThread(), Own);
}

static VOID KmtRun(VOID)
{
    TestEveryProcessor();
    TestNesting();
    TestQueries();
    TestWandering();
    TestStarvation();
}
