/*
 * Promises: a semaphore lets exactly as many waits through as it has been given; releases report
 * the previous count; N releases at once wake N waiters; counting is exact under load.
 */
#include "kmt.h"

static VOID TestCounting(VOID)
{
    KSEMAPHORE Semaphore;
    KeInitializeSemaphore(&Semaphore, 2, 5);
    KMT_EQUAL(KeReadStateSemaphore(&Semaphore), 2, "a new semaphore has its count");
    KMT_EQUAL(KmtWait(&Semaphore, 0), STATUS_SUCCESS, "the first wait passes");
    KMT_EQUAL(KmtWait(&Semaphore, 0), STATUS_SUCCESS, "the second wait passes");
    KMT_EQUAL(KmtWait(&Semaphore, 0), STATUS_TIMEOUT, "the third wait does not");
    KMT_EQUAL(KeReleaseSemaphore(&Semaphore, 0, 3, FALSE), 0, "release reports the old count");
    KMT_EQUAL(KeReleaseSemaphore(&Semaphore, 0, 2, FALSE), 3, "up to the limit");
    KMT_EQUAL(KeReadStateSemaphore(&Semaphore), 5, "the count is at the limit");
}

#define WORKERS 6
#define ROUNDS 5000
static KSEMAPHORE Items;
static volatile LONG Taken;
static volatile LONG Inside, MostInside;

static VOID NTAPI Take(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (KmtWait(&Items, 60000) == STATUS_SUCCESS) {
        if (InterlockedIncrement(&Taken) > WORKERS * ROUNDS) {
            return; /* one of the extra items that end the workers */
        }
    }
}

static VOID TestExactness(VOID)
{
    PETHREAD Threads[WORKERS];
    KeInitializeSemaphore(&Items, 0, MAXLONG);
    Taken = 0;
    for (int i = 0; i < WORKERS; i++) {
        Threads[i] = KmtStartThread(Take, NULL);
    }
    for (int i = 0; i < ROUNDS; i++) {
        KeReleaseSemaphore(&Items, SEMAPHORE_INCREMENT, WORKERS, FALSE);
    }
    while (Taken < WORKERS * ROUNDS) {
        KmtSleep(1);
    }
    KmtSleep(20);
    KMT_EQUAL(Taken, WORKERS * ROUNDS, "30000 items are taken once each");
    KMT_EQUAL(KeReadStateSemaphore(&Items), 0, "none is left");
    KeReleaseSemaphore(&Items, 0, WORKERS, FALSE);
    for (int i = 0; i < WORKERS; i++) {
        KmtJoin(Threads[i]);
    }
}

static KSEMAPHORE Gate;

static VOID NTAPI PassGate(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (int i = 0; i < 2000; i++) {
        LONG Now;
        KeWaitForSingleObject(&Gate, Executive, KernelMode, FALSE, NULL);
        Now = InterlockedIncrement(&Inside);
        if (Now > MostInside) {
            MostInside = Now;
        }
        if (i % 64 == 0) {
            KmtSleep(1); /* so that others run into the closed gate */
        }
        InterlockedDecrement(&Inside);
        KeReleaseSemaphore(&Gate, SEMAPHORE_INCREMENT, 1, FALSE);
    }
}

static VOID TestLimit(VOID)
{
    PETHREAD Threads[WORKERS];
    KeInitializeSemaphore(&Gate, 2, 2);
    for (int i = 0; i < WORKERS; i++) {
        Threads[i] = KmtStartThread(PassGate, NULL);
    }
    for (int i = 0; i < WORKERS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(MostInside, 2, "two at a time pass a gate of two, and never three");
    KMT_EQUAL(KeReadStateSemaphore(&Gate), 2, "and the gate is whole afterwards");
}

static VOID KmtRun(VOID)
{
    TestCounting();
    TestExactness();
    TestLimit();
}
