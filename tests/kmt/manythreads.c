/* MACHINE: mem=256M
 * Promises: ten thousand threads are alive at the same time in 256 MB, each of them waiting; all
 * of them end when told to, with the status each one gave, and nothing of them stays.
 */
#include "kmt.h"

#define THREADS 10000
#define TAG 'tseT'

static KEVENT AllWait, Go;
static volatile LONG Waiting, Ended;
static PETHREAD *Threads;

static VOID NTAPI WaitAndEnd(PVOID Context)
{
    if (InterlockedIncrement(&Waiting) == THREADS) {
        KeSetEvent(&AllWait, 0, FALSE);
    }
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    InterlockedIncrement(&Ended);
    PsTerminateSystemThread((NTSTATUS)(LONG_PTR)Context);
}

/* How many there are: the rest could not be made. */
static ULONG StartAll(VOID)
{
    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(WaitAndEnd, (PVOID)(ULONG_PTR)i);
        if (Threads[i] == NULL) {
            return i;
        }
    }
    return THREADS;
}

static VOID EndAll(ULONG Count)
{
    LONG Wrong = 0;
    KeSetEvent(&Go, 0, FALSE);
    for (ULONG i = 0; i < Count; i++) {
        KeWaitForSingleObject(Threads[i], Executive, KernelMode, FALSE, NULL);
        Wrong += PsGetThreadExitStatus(Threads[i]) != (NTSTATUS)i;
        ObDereferenceObject(Threads[i]);
    }
    KMT_EQUAL(Ended, Count, "all of them end");
    KMT_EQUAL(Wrong, 0, "with the status each gave");
}

/* The system thread ids of the last ones are no more: the objects are gone, stacks and all. */
static LONG StillFound(const HANDLE *Ids, ULONG Count)
{
    LONG Found = 0;
    for (ULONG i = 0; i < Count; i++) {
        PETHREAD Thread;
        if (NT_SUCCESS(PsLookupThreadByThreadId(Ids[i], &Thread))) {
            ObDereferenceObject(Thread);
            Found++;
        }
    }
    return Found;
}

static VOID KmtRun(VOID)
{
    HANDLE *Ids = ExAllocatePool2(POOL_FLAG_PAGED, THREADS * sizeof(HANDLE), TAG);
    ULONG Count, Looks = 0;
    Threads = ExAllocatePool2(POOL_FLAG_PAGED, THREADS * sizeof(PETHREAD), TAG);
    KeInitializeEvent(&AllWait, NotificationEvent, FALSE);
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    Count = StartAll();
    KMT_EQUAL(Count, THREADS, "ten thousand threads are made");
    for (ULONG i = 0; i < Count; i++) {
        Ids[i] = PsGetThreadId(Threads[i]);
    }
    if (Count == THREADS) {
        KMT_EQUAL(KmtWait(&AllWait, 60000), STATUS_SUCCESS, "and all are alive at once");
    }
    EndAll(Count);
    while (StillFound(Ids, Count) != 0 && KmtLookAgain(&Looks)) {
    }
    KMT_EQUAL(StillFound(Ids, Count), 0, "none is found afterwards");
    ExFreePoolWithTag(Ids, TAG);
    ExFreePoolWithTag(Threads, TAG);
}
