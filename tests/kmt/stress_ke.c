/*
 * Promise: whatever waits, timers, DPCs, APCs, priority changes, threads, and pools do at the same
 * time on all processors, nothing is lost and nothing happens twice: every count is exact at the
 * end.
 *
 * Each worker draws its steps from a seed of its own, so a run differs from the last only by how
 * the processors interleave. A step that may block has a limit far beyond need; reaching it counts
 * as stuck.
 */
#include "kmt.h"

#define TAG 'rtsS'
#define MAXIMUM_WORKERS 16
#define STEPS 16000 /* of all workers together */
#define KEPT 8

typedef struct _BLOCK {
    ULONG Size, Fill;
    UCHAR Bytes[1];
} BLOCK;

typedef struct _WORKER {
    PETHREAD Thread;
    ULONG Seed;
    KTIMER Timer;
    KDPC TimerDpc, Dpc;
    KEVENT TimerRan, DpcRan;
    ULONG DpcTarget;
    BLOCK *Kept[KEPT];
} WORKER;

static WORKER Workers[MAXIMUM_WORKERS];
static ULONG WorkerCount;
static KEVENT Go;

/* What is counted without interlocked operations is guarded by the lock it stands behind. */
static KMUTEX Mutex, Other;
static volatile LONG UnderMutex, MutexTurns;
static FAST_MUTEX FastMutex;
static volatile LONG UnderFastMutex, FastMutexTurns;
static KSPIN_LOCK SpinLock;
static volatile LONG UnderSpinLock, SpinLockTurns;

static KSEMAPHORE Tokens;
static volatile LONG TokensGiven, TokensTaken;
static volatile LONG TimersSet, TimersCancelled, TimersRun;
static volatile LONG DpcsQueued, DpcsRun;
static KDPC SharedDpc;
static volatile LONG SharedQueued, SharedRun;
static volatile LONG ApcsQueued, ApcsRun, NormalsQueued, NormalsRun;
static volatile LONG ThreadsMade, ThreadsRun;
static volatile LONG Calls, CallsTaken;
static NPAGED_LOOKASIDE_LIST Lookaside;

static volatile LONG Stuck, WrongProcessor, WrongIrql, WrongThread, Damaged, Early;

static VOID MustWait(PVOID Object)
{
    if (KmtWait(Object, 30000) != STATUS_SUCCESS) {
        InterlockedIncrement(&Stuck);
    }
}

/*** Waits ***/

static VOID StepMutex(WORKER *Worker)
{
    UNREFERENCED_PARAMETER(Worker);
    MustWait(&Mutex);
    MustWait(&Mutex); /* again by its owner */
    UnderMutex = UnderMutex + 1;
    KeReleaseMutex(&Mutex, FALSE);
    KeReleaseMutex(&Mutex, FALSE);
    InterlockedIncrement(&MutexTurns);
}

static VOID StepBothMutexes(WORKER *Worker)
{
    PVOID Both[] = {&Mutex, &Other};
    LARGE_INTEGER Limit = KmtMs(5000);
    NTSTATUS Status = STATUS_TIMEOUT;

    if (KmtRandom(&Worker->Seed) & 1) {
        Both[0] = &Other, Both[1] = &Mutex; /* either order: both or none */
    }
    for (ULONG i = 0; i < 6 && Status == STATUS_TIMEOUT; i++) { /* as KmtWait */
        Status =
            KeWaitForMultipleObjects(2, Both, WaitAll, Executive, KernelMode, FALSE, &Limit, NULL);
    }
    if (Status != STATUS_SUCCESS) {
        InterlockedIncrement(&Stuck);
        return;
    }
    UnderMutex = UnderMutex + 1;
    KeReleaseMutex(&Other, FALSE);
    KeReleaseMutex(&Mutex, FALSE);
    InterlockedIncrement(&MutexTurns);
}

static VOID StepFastMutex(WORKER *Worker)
{
    if ((KmtRandom(&Worker->Seed) & 3) != 0) {
        ExAcquireFastMutex(&FastMutex);
    } else if (!ExTryToAcquireFastMutex(&FastMutex)) {
        return;
    }
    UnderFastMutex = UnderFastMutex + 1;
    ExReleaseFastMutex(&FastMutex);
    InterlockedIncrement(&FastMutexTurns);
}

static VOID StepSpinLock(WORKER *Worker)
{
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(Worker);
    KeAcquireSpinLock(&SpinLock, &OldIrql);
    UnderSpinLock = UnderSpinLock + 1;
    KeReleaseSpinLock(&SpinLock, OldIrql);
    InterlockedIncrement(&SpinLockTurns);
}

static VOID StepSemaphore(WORKER *Worker)
{
    LARGE_INTEGER Timeout = {.QuadPart = -(LONGLONG)(KmtRandom(&Worker->Seed) % 20000)};
    LONG Count = (LONG)(KmtRandom(&Worker->Seed) % 3);

    if (Count != 0) {
        InterlockedAdd(&TokensGiven, Count);
        KeReleaseSemaphore(&Tokens, (KPRIORITY)(KmtRandom(&Worker->Seed) % 4), Count, FALSE);
    }
    for (LONG i = 0; i < Count; i++) {
        /* A token taken is counted whatever ends the wait; a timeout must not have taken one. */
        if (KeWaitForSingleObject(&Tokens, Executive, KernelMode, FALSE, &Timeout) ==
            STATUS_SUCCESS) {
            InterlockedIncrement(&TokensTaken);
        }
    }
}

static VOID StepSleep(WORKER *Worker)
{
    LARGE_INTEGER Interval = {.QuadPart = -(LONGLONG)(KmtRandom(&Worker->Seed) % 5000) - 1};
    ULONGLONG Due = KmtNow() - (ULONGLONG)Interval.QuadPart;

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    if (KmtNow() < Due) {
        InterlockedIncrement(&Early);
    }
}

/*** Timers and DPCs ***/

static VOID NTAPI TimerRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    WORKER *Worker = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&TimersRun);
    KeSetEvent(&Worker->TimerRan, IO_NO_INCREMENT, FALSE);
}

static VOID StepTimer(WORKER *Worker)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)(KmtRandom(&Worker->Seed) % 4000)};

    InterlockedIncrement(&TimersSet);
    KeSetTimer(&Worker->Timer, Due, &Worker->TimerDpc);
    for (ULONG Spin = KmtRandom(&Worker->Seed) % 400; Spin != 0; Spin--) {
        YieldProcessor();
    }
    if ((KmtRandom(&Worker->Seed) & 1) && KeCancelTimer(&Worker->Timer)) {
        InterlockedIncrement(&TimersCancelled);
    } else {
        MustWait(&Worker->TimerRan);
    }
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    WORKER *Worker = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (KeGetCurrentProcessorNumber() != Worker->DpcTarget) {
        InterlockedIncrement(&WrongProcessor);
    }
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        InterlockedIncrement(&WrongIrql);
    }
    KeAcquireSpinLockAtDpcLevel(&SpinLock);
    UnderSpinLock = UnderSpinLock + 1;
    KeReleaseSpinLockFromDpcLevel(&SpinLock);
    InterlockedIncrement(&SpinLockTurns);
    InterlockedIncrement(&DpcsRun);
    KeSetEvent(&Worker->DpcRan, IO_NO_INCREMENT, FALSE);
}

static VOID StepDpc(WORKER *Worker)
{
    Worker->DpcTarget = KmtRandom(&Worker->Seed) % KmtProcessors();
    KeInitializeDpc(&Worker->Dpc, DpcRoutine, Worker);
    KeSetTargetProcessorDpc(&Worker->Dpc, (CCHAR)Worker->DpcTarget);
    KeSetImportanceDpc(&Worker->Dpc, (KDPC_IMPORTANCE)(KmtRandom(&Worker->Seed) % 4));
    if (KeInsertQueueDpc(&Worker->Dpc, NULL, NULL)) {
        InterlockedIncrement(&DpcsQueued);
        if (KeRemoveQueueDpc(&Worker->Dpc)) {
            InterlockedDecrement(&DpcsQueued);
        } else {
            MustWait(&Worker->DpcRan);
        }
    }
}

static VOID NTAPI SharedRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&SharedRun);
}

/* One DPC without a target, that all workers queue and take back. */
static VOID StepSharedDpc(WORKER *Worker)
{
    if (KeInsertQueueDpc(&SharedDpc, NULL, NULL)) {
        InterlockedIncrement(&SharedQueued);
    }
    if ((KmtRandom(&Worker->Seed) & 3) == 0 && KeRemoveQueueDpc(&SharedDpc)) {
        InterlockedDecrement(&SharedQueued);
    }
}

/*** APCs ***/

typedef struct _COUNTED_APC {
    KAPC Apc;
    PETHREAD Target;
} COUNTED_APC;

static VOID NTAPI KernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context,
                                PVOID *Argument1, PVOID *Argument2)
{
    COUNTED_APC *Counted = CONTAINING_RECORD(Apc, COUNTED_APC, Apc);

    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (KeGetCurrentThread() != (PKTHREAD)Counted->Target) {
        InterlockedIncrement(&WrongThread);
    }
    if (KeGetCurrentIrql() != APC_LEVEL) {
        InterlockedIncrement(&WrongIrql);
    }
    InterlockedIncrement(&ApcsRun);
    ExFreePoolWithTag(Counted, TAG);
}

static VOID NTAPI NormalRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (KeGetCurrentThread() != (PKTHREAD)Context) {
        InterlockedIncrement(&WrongThread);
    }
    if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
        InterlockedIncrement(&WrongIrql);
    }
    MustWait(&Mutex); /* a wait inside of what broke a wait */
    UnderMutex = UnderMutex + 1;
    KeReleaseMutex(&Mutex, FALSE);
    InterlockedIncrement(&MutexTurns);
    InterlockedIncrement(&NormalsRun);
}

/* To any worker, which may wait, run, be in a region, or have ended. */
static VOID StepApc(WORKER *Worker)
{
    WORKER *Target = &Workers[KmtRandom(&Worker->Seed) % WorkerCount];
    BOOLEAN Normal = (BOOLEAN)(KmtRandom(&Worker->Seed) & 1);
    COUNTED_APC *Counted = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Counted), TAG);

    if (Counted == NULL) {
        return;
    }
    Counted->Target = Target->Thread;
    KeInitializeApc(&Counted->Apc, (PKTHREAD)Target->Thread, OriginalApcEnvironment, KernelRoutine,
                    NULL, Normal ? NormalRoutine : NULL, KernelMode, Target->Thread);
    if (KeInsertQueueApc(&Counted->Apc, NULL, NULL, 0)) {
        InterlockedIncrement(&ApcsQueued);
        InterlockedAdd(&NormalsQueued, Normal);
    } else {
        ExFreePoolWithTag(Counted, TAG);
    }
}

/* Work in regions, nested either way, so that APCs come while they are kept out. */
static VOID StepRegions(WORKER *Worker)
{
    BOOLEAN Guarded = (BOOLEAN)(KmtRandom(&Worker->Seed) & 1);

    KeEnterCriticalRegion();
    if (Guarded) {
        KeEnterGuardedRegion();
    }
    StepApc(Worker);
    StepDpc(Worker);
    if (Guarded) {
        KeLeaveGuardedRegion();
    }
    KeLeaveCriticalRegion();
}

/*** Threads, priorities, all processors at once ***/

static VOID NTAPI Child(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&ThreadsRun);
    StepMutex(NULL);
}

static VOID StepThread(WORKER *Worker)
{
    PETHREAD Thread = KmtStartThread(Child, NULL);

    if (Thread != NULL) {
        InterlockedIncrement(&ThreadsMade);
        if (KmtRandom(&Worker->Seed) & 1) {
            KeSetPriorityThread((PKTHREAD)Thread, 6 + (KPRIORITY)(KmtRandom(&Worker->Seed) % 8));
        }
        MustWait(Thread);
        ObDereferenceObject(Thread);
    }
}

static VOID StepPriority(WORKER *Worker)
{
    WORKER *Target = &Workers[KmtRandom(&Worker->Seed) % WorkerCount];

    KeSetPriorityThread((PKTHREAD)Target->Thread, 5 + (KPRIORITY)(KmtRandom(&Worker->Seed) % 14));
}

/* On a processor of its choice, among others that did not choose. */
static VOID StepAffinity(WORKER *Worker)
{
    ULONG Processor = KmtRandom(&Worker->Seed) % KmtProcessors();

    KeSetSystemAffinityThreadEx((KAFFINITY)1 << Processor);
    for (ULONG i = 0; i < 3; i++) {
        StepFastMutex(Worker);
        if (KeGetCurrentProcessorNumber() != Processor) {
            InterlockedIncrement(&WrongProcessor);
        }
    }
    KeRevertToUserAffinityThreadEx(0);
}

static ULONG_PTR NTAPI TakeCall(ULONG_PTR Argument)
{
    UNREFERENCED_PARAMETER(Argument);
    InterlockedIncrement(&CallsTaken);
    return 0;
}

static VOID StepCall(WORKER *Worker)
{
    if ((KmtRandom(&Worker->Seed) & 15) == 0) { /* the one that costs most */
        InterlockedIncrement(&Calls);
        KeIpiGenericCall(TakeCall, 0);
    }
}

#include "stressmemory.h"

/*** The run ***/

static VOID (*const Steps[])(WORKER *) = {
    StepMutex,     StepBothMutexes, StepFastMutex, StepFastMutex, StepSpinLock,  StepSemaphore,
    StepSemaphore, StepTimer,       StepTimer,     StepDpc,       StepDpc,       StepSharedDpc,
    StepApc,       StepApc,         StepRegions,   StepThread,    StepPriority,  StepCall,
    StepAffinity,  StepPool,        StepPool,      StepPool,      StepLookaside, StepSleep};

static VOID NTAPI Work(PVOID Context)
{
    WORKER *Worker = Context;

    MustWait(&Go); /* all threads exist before the first is an APC's target */
    for (ULONG i = 0; i < STEPS / WorkerCount; i++) {
        Steps[KmtRandom(&Worker->Seed) % RTL_NUMBER_OF(Steps)](Worker);
        if (KeGetCurrentIrql() != PASSIVE_LEVEL || KeAreApcsDisabled()) {
            InterlockedIncrement(&WrongIrql);
        }
    }
    for (ULONG i = 0; i < KEPT; i++) {
        CheckAndFree(Worker->Kept[i]);
    }
}

static VOID Prepare(VOID)
{
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    KeInitializeMutex(&Mutex, 0);
    KeInitializeMutex(&Other, 0);
    ExInitializeFastMutex(&FastMutex);
    KeInitializeSpinLock(&SpinLock);
    KeInitializeSemaphore(&Tokens, 0, MAXLONG);
    KeInitializeDpc(&SharedDpc, SharedRoutine, NULL);
    ExInitializeNPagedLookasideList(&Lookaside, NULL, NULL, 0, 40, TAG, 0);
    WorkerCount = min(KmtProcessors() * 2 + 2, MAXIMUM_WORKERS);
}

static VOID StartWorkers(VOID)
{
    for (ULONG i = 0; i < WorkerCount; i++) {
        WORKER *Worker = &Workers[i];

        Worker->Seed = 0x9E3779B9U * (i + 1);
        KeInitializeTimer(&Worker->Timer);
        KeInitializeDpc(&Worker->TimerDpc, TimerRoutine, Worker);
        KeInitializeEvent(&Worker->TimerRan, SynchronizationEvent, FALSE);
        KeInitializeEvent(&Worker->DpcRan, SynchronizationEvent, FALSE);
        Worker->Thread = KmtStartThread(Work, Worker);
        if (Worker->Thread == NULL) {
            WorkerCount = i;
        }
    }
}

static VOID CheckCounts(VOID)
{
    KMT_EQUAL(Stuck, 0, "no wait got stuck");
    KMT_EQUAL(UnderMutex, MutexTurns, "mutexes let one thread in at a time");
    KMT_EQUAL(UnderFastMutex, FastMutexTurns, "so do fast mutexes");
    KMT_EQUAL(UnderSpinLock, SpinLockTurns, "and spin locks, DPCs included");
    KMT_EQUAL(TokensGiven - TokensTaken, KeReadStateSemaphore(&Tokens),
              "a semaphore's count is what was given and not taken");
    KMT_EQUAL(TimersRun + TimersCancelled, TimersSet, "each timer expired or was cancelled");
    KMT_EQUAL(DpcsRun, DpcsQueued, "each DPC that was queued ran once");
    KMT_EQUAL(SharedRun, SharedQueued, "also one that all threads queue");
    KMT_EQUAL(ApcsRun, ApcsQueued, "each APC that was queued ran once");
    KMT_EQUAL(NormalsRun, NormalsQueued, "and its normal routine after it");
    KMT_EQUAL(ThreadsRun, ThreadsMade, "each thread ran");
    KMT_EQUAL(CallsTaken, Calls * (LONG)KmtProcessors(), "calls reached every processor");
    KMT_EQUAL(WrongProcessor, 0, "DPCs and threads ran on the processors they were bound to");
    KMT_EQUAL(WrongThread, 0, "APCs in their threads");
    KMT_EQUAL(WrongIrql, 0, "everything at its IRQL");
    KMT_EQUAL(Early, 0, "no wait ended early");
    KMT_EQUAL(Damaged, 0, "nobody wrote to memory that was another's");
}

static VOID KmtRun(VOID)
{
    Prepare();
    StartWorkers();
    KeSetEvent(&Go, 0, FALSE);
    for (ULONG i = 0; i < WorkerCount; i++) {
        /* Its object stays: APCs are still sent to threads that have ended. No limit: all their
         * steps together may take a slow host long, and each has its own. */
        KeWaitForSingleObject(Workers[i].Thread, Executive, KernelMode, FALSE, NULL);
    }
    KeFlushQueuedDpcs();
    for (ULONG i = 0; i < WorkerCount; i++) {
        ObDereferenceObject(Workers[i].Thread);
    }
    CheckCounts();
    ExDeleteNPagedLookasideList(&Lookaside);
}
