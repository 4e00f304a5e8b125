/*
 * Promises: equal busy threads share the processors they may use equally, also when there is one
 * thread more than processors: three on two get two thirds of a processor each,
 * by the work they do.
 */
#include "kmt.h"

#include <ntexapi.h>
#include <ntifs.h>

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

/* What each has had: by work done, and by the clock ticks that came while it ran. */
typedef struct _SHARES {
    LONGLONG Work[THREADS], Ticks[THREADS];
} SHARES;

static VOID Look(SHARES *Shares, HANDLE *Handles)
{
    for (int i = 0; i < THREADS; i++) {
        KERNEL_USER_TIMES Times = {0};
        ZwQueryInformationThread(Handles[i], ThreadTimes, &Times, sizeof(Times), NULL);
        Shares->Work[i] = Busy[i].Count;
        Shares->Ticks[i] = Times.KernelTime.QuadPart;
    }
}

/* Least share as a percentage of the greatest. */
static ULONG Compare(const LONGLONG *Before, const LONGLONG *After)
{
    LONGLONG Least = MAXLONGLONG, Most = 1;
    for (int i = 0; i < THREADS; i++) {
        Least = min(Least, After[i] - Before[i]);
        Most = max(Most, After[i] - Before[i]);
    }
    return (ULONG)(Least * 100 / Most);
}

/* The host may favour a processor for a while, which evens out over longer times; unfairness of the
 * kernel's would stay, but for an accident: so it takes two good measurements. On a host that lets
 * the processors run only now and then, between some ticks, work depends on the host alone: then
 * the ticks tell, by which the kernel shares. */
static ULONG CountFair(HANDLE *Handles)
{
    ULONG Fair = 0;
    for (ULONG i = 0; i < TRIES && Fair < NEEDED; i++) {
        SHARES Before, After;
        Look(&Before, Handles);
        KmtSleep(MEASURE_MS + i * 400);
        Look(&After, Handles);
        ULONG Work = Compare(Before.Work, After.Work), Ticks = Compare(Before.Ticks, After.Ticks);
        DbgPrint("# the least busy did %u %% of what the busiest did, in %u %% of its ticks\n",
                 Work, Ticks);
        Fair += Work >= 75 || Ticks >= 75;
    }
    return Fair;
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[THREADS];
    HANDLE Handles[THREADS];
    Allowed = KmtProcessors() > 1 ? 3 : 1;
    for (int i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Spin, &Busy[i]);
        ObOpenObjectByPointer(Threads[i], OBJ_KERNEL_HANDLE, NULL, THREAD_QUERY_INFORMATION,
                              *PsThreadType, KernelMode, &Handles[i]);
        KmtSleep(7 * i); /* not in step */
    }
    KMT_CHECK(CountFair(Handles) == NEEDED, Allowed == 3
                                                ? "three busy threads share two processors equally"
                                                : "three busy threads share a processor equally");
    Stop = TRUE;
    for (int i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
        ZwClose(Handles[i]);
    }
}
