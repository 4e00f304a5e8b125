/*
 * Promises: a mutex has one owner, who may take it again and must give it back as often; waiting
 * with it held is exclusion; holding it disables normal kernel APCs.
 */
#include "kmt.h"

static VOID TestRecursion(VOID)
{
    KMUTEX Mutex;
    KeInitializeMutex(&Mutex, 0);
    KMT_EQUAL(KeReadStateMutex(&Mutex), 1, "a new mutex is free");
    KMT_EQUAL(KmtWait(&Mutex, 0), STATUS_SUCCESS, "taking it succeeds");
    KMT_EQUAL(KmtWait(&Mutex, 0), STATUS_SUCCESS, "the owner may take it again");
    KMT_CHECK(KeAreApcsDisabled(), "its owner gets no normal kernel APCs");
    KMT_CHECK(KeReleaseMutex(&Mutex, FALSE) != 0, "the first release does not free it");
    KMT_EQUAL(KeReleaseMutex(&Mutex, FALSE), 0, "the last release does");
    KMT_EQUAL(KeReadStateMutex(&Mutex), 1, "it is free again");
    KMT_CHECK(!KeAreApcsDisabled(), "APCs are enabled again");
}

static KMUTEX Lock;
static LONG Guarded; /* only with Lock held */
static volatile LONG Overlaps;
static volatile LONG Holders, Additions;
static ULONGLONG EndTime;

/* Each handing over may cost a busy host some milliseconds, so only the first few have to be. */
#define ADDERS 6
#define ADDITIONS 3000
#define LEAST_ADDITIONS 200
#define RUN_MS 2000

static VOID NTAPI Add(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (int i = 0; i < ADDITIONS && (i < LEAST_ADDITIONS || KmtNow() < EndTime); i++) {
        LONG Seen;
        KeWaitForSingleObject(&Lock, Executive, KernelMode, FALSE, NULL);
        if (InterlockedIncrement(&Holders) != 1) {
            InterlockedIncrement(&Overlaps);
        }
        Seen = Guarded;
        if (i % 100 == 0) {
            LARGE_INTEGER Yield = {.QuadPart = 0};
            KeDelayExecutionThread(KernelMode, FALSE, &Yield);
        }
        Guarded = Seen + 1;
        InterlockedIncrement(&Additions);
        InterlockedDecrement(&Holders);
        KeReleaseMutex(&Lock, FALSE);
    }
}

static VOID TestExclusion(VOID)
{
    PETHREAD Threads[ADDERS];
    KeInitializeMutex(&Lock, 0);
    EndTime = KmtNow() + RUN_MS * 10000ULL;
    for (int i = 0; i < ADDERS; i++) {
        Threads[i] = KmtStartThread(Add, NULL);
    }
    for (int i = 0; i < ADDERS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Overlaps, 0, "two threads never own the mutex at once");
    DbgPrint("# added %d times\n", Additions);
    KMT_EQUAL(Guarded, Additions, "no addition under the mutex is lost");
}

static VOID KmtRun(VOID)
{
    TestRecursion();
    TestExclusion();
}
