/* MACHINE: mem=48M
 * Promises: when memory is used up, making a thread fails with STATUS_INSUFFICIENT_RESOURCES and
 * nothing else happens, however often it is tried; the threads that were made work and end; then
 * as many as before can be made again, so neither the failures nor the threads leave anything.
 */
#include "kmt.h"

#define MOST 4096 /* more than 48 MB have room for */
#define ROUNDS 3
#define TAG 'tseT'

static KEVENT Go;
static volatile LONG Ended, Wrong;
static HANDLE *Handles, *Ids;

static VOID NTAPI WaitAndEnd(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    InterlockedIncrement(&Ended);
}

static NTSTATUS Start(ULONG Index)
{
    CLIENT_ID Id;
    NTSTATUS Status =
        PsCreateSystemThread(&Handles[Index], THREAD_ALL_ACCESS, NULL, NULL, &Id, WaitAndEnd, NULL);
    Ids[Index] = Id.UniqueThread;
    return Status;
}

/* How many threads there is memory for, all of them waiting. */
static ULONG StartAll(VOID)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Count = 0;
    while (Count < MOST && NT_SUCCESS(Status = Start(Count))) {
        Count++;
    }
    Wrong += Status != STATUS_INSUFFICIENT_RESOURCES;
    for (int i = 0; i < 500 && Count < MOST; i++) {
        Status = Start(Count);
        if (NT_SUCCESS(Status)) {
            Count++; /* somebody else has given memory back */
        } else {
            Wrong += Status != STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    return Count;
}

static BOOLEAN IsAnyFound(ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        PETHREAD Thread;
        if (NT_SUCCESS(PsLookupThreadByThreadId(Ids[i], &Thread))) {
            ObDereferenceObject(Thread);
            return TRUE;
        }
    }
    return FALSE;
}

/* And waits until the reaper has buried them: only then is there memory for as many. */
static VOID EndAll(ULONG Count)
{
    ULONG Looks = 0;
    Ended = 0;
    KeSetEvent(&Go, 0, FALSE);
    for (ULONG i = 0; i < Count; i++) {
        ZwWaitForSingleObject(Handles[i], FALSE, NULL);
        ZwClose(Handles[i]);
    }
    KeClearEvent(&Go);
    while (IsAnyFound(Count) && KmtLookAgain(&Looks)) {
    }
    Wrong += Ended != (LONG)Count;
}

static VOID KmtRun(VOID)
{
    ULONG First;
    Ids = ExAllocatePool2(POOL_FLAG_PAGED, MOST * sizeof(HANDLE), TAG);
    Handles = ExAllocatePool2(POOL_FLAG_PAGED, MOST * sizeof(HANDLE), TAG);
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    First = StartAll();
    EndAll(First);
    DbgPrint("# %u threads\n", First);
    KMT_CHECK(First > 500 && First < MOST, "memory for threads is used up");
    KMT_EQUAL(Wrong, 0, "the call that fails says so, and the threads made before end");
    for (int i = 0; i < ROUNDS; i++) {
        ULONG Again = StartAll();
        EndAll(Again);
        KMT_CHECK(Again >= First - First / 100, "as many can be made again");
    }
    KMT_EQUAL(Wrong, 0, "with the same answers");
    ExFreePoolWithTag(Handles, TAG);
    ExFreePoolWithTag(Ids, TAG);
}
