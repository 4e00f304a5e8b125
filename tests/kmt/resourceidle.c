/*
 * Promise: a resource that nobody uses can be reinitialised and deleted at any time, whatever the
 * kernel is doing with the system's resources meanwhile: it looks at all of them when a thread goes
 * that has owned one.
 */
#include "kmt.h"

#define THREADS 200

static ERESOURCE Idle, Owned;
static volatile LONG Ended;

static VOID NTAPI OwnOnce(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Owned, TRUE);
    ExReleaseResourceLite(&Owned);
    KeLeaveCriticalRegion();
}

static VOID NTAPI MakeOwners(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < THREADS; i++) {
        PETHREAD Thread = KmtStartThread(OwnOnce, NULL);
        if (Thread != NULL) {
            KmtJoin(Thread);
        }
    }
    Ended = TRUE;
}

static VOID KmtRun(VOID)
{
    ULONG Failed = 0;
    KPRIORITY Own = KeSetPriorityThread(KeGetCurrentThread(), LOW_PRIORITY + 1);
    PETHREAD Maker;

    ExInitializeResourceLite(&Owned);
    Maker = KmtStartThread(MakeOwners, NULL);
    while (!Ended) {
        Failed += !NT_SUCCESS(ExInitializeResourceLite(&Idle));
        for (ULONG i = 0; i < 100; i++) {
            Failed += !NT_SUCCESS(ExReinitializeResourceLite(&Idle));
        }
        Failed += !NT_SUCCESS(ExDeleteResourceLite(&Idle));
    }
    KmtJoin(Maker);
    KeSetPriorityThread(KeGetCurrentThread(), Own);
    KMT_EQUAL(Failed, 0, "a resource that is idle can be reinitialised and deleted");
    ExDeleteResourceLite(&Owned);
}
