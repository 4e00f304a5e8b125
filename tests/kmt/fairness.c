/*
 * Promises: equal busy threads share the processors they may use equally, also when there is one
 * thread more than processors: three on two get two thirds of a processor each,
 * by the work they do.
 */
#include "kmt.h"

#define THREADS 3
#define TRIES 8
#define NEEDED 2
#define MEASURE_MS 900

typedef struct _BUSY {
    DECLSPEC_ALIGN(64) volatile LONGLONG Count;
} BUSY;

static BUSY Busy[THREADS];
static volatile BOOLEAN Stop;
static KAFFINITY Allowed;

static VOID NTAPI Spin(PVOID Context)
{
    BUSY *Mine = Context;
    KeSetSystemAffinityThread(Allowed);
    while (!Stop) {
        Mine->Count++;
    }
}

/* Least share as a percentage of the greatest. */
static ULONG Measure(ULONG Milliseconds)
{
    LONGLONG Before[THREADS], Least = MAXLONGLONG, Most = 1;
    for (int i = 0; i < THREADS; i++) {
        Before[i] = Busy[i].Count;
    }
    KmtSleep(Milliseconds);
    for (int i = 0; i < THREADS; i++) {
        LONGLONG Share = Busy[i].Count - Before[i];
        Least = min(Least, Share);
        Most = max(Most, Share);
    }
    return (ULONG)(Least * 100 / Most);
}

/* The host may favour a processor for a while, which evens out over longer times; unfairness of the
 * kernel's would stay, but for an accident: so it takes two good measurements. */
static ULONG CountFair(VOID)
{
    ULONG Fair = 0;
    for (ULONG i = 0; i < TRIES && Fair < NEEDED; i++) {
        ULONG Least = Measure(MEASURE_MS + i * 400);
        DbgPrint("# the least busy did %u %% of what the busiest did\n", Least);
        Fair += Least >= 75;
    }
    return Fair;
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[THREADS];
    Allowed = KmtProcessors() > 1 ? 3 : 1;
    for (int i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Spin, &Busy[i]);
        KmtSleep(7 * i); /* not in step */
    }
    KMT_CHECK(CountFair() == NEEDED, Allowed == 3
                                         ? "three busy threads share two processors equally"
                                         : "three busy threads share a processor equally");
    Stop = TRUE;
    for (int i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
}
