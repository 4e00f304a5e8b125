/*
 * Promise: a mixture of all that threads, DPCs, APCs, timers, locks, pools and requests do keeps
 * its accounts, whatever the schedule. A run is short; the debug kernel's seeded schedules make
 * many different ones of it (docs/hunting-races.md).
 *
 * The service's name says what to do: the number at its end is the seed that the steps are drawn
 * from, and a name that begins with lock, check or wake puts one race into the test's own
 * structures, which shows that hunting finds such a race:
 *
 *      lock    a transfer between two accounts does not take their mutex
 *      check   an object is made by everybody who finds that there is none yet
 *      wake    a waiter resets the event after it has looked for what it waits for
 */
#include "kmtdevice.h"
#include "kmtstuck.h"

#define TAG 'xmtS'
#define WORKERS 4
#define STEPS 40
#define ITEMS 60 /* through the mailbox */
#define SLOTS (WORKERS * STEPS)
#define MONEY 1000

enum {
    NoRace,
    MissingLock,
    CheckThenAct,
    LostWakeUp
};
static ULONG Race;
static ULONG FirstSeed;

typedef struct _WORKER {
    PETHREAD Thread;
    ULONG Seed;
    KTIMER Timer;
    KDPC TimerDpc, Dpc;
    KEVENT TimerRan, DpcRan, ApcRan;
    KAPC Apc;
    PIRP Irp; /* that its DPC is to complete */
    KDPC IrpDpc;
} WORKER;

static WORKER Workers[WORKERS];
static KEVENT Go, AllDone;
static volatile LONG Running;
static volatile LONG Damaged, WrongLevel;

/*** The three structures that can be made wrong. ***/

static FAST_MUTEX AccountMutex;
static volatile LONG Account[2];
static KEVENT Transferred; /* for nobody: a transfer tells of itself while it is under way */

static VOID StepTransfer(WORKER *Worker)
{
    ULONG From = KmtRandom(&Worker->Seed) & 1;
    LONG Amount = (LONG)(KmtRandom(&Worker->Seed) % 10), Left;

    if (Race != MissingLock) {
        ExAcquireFastMutex(&AccountMutex);
    }
    Left = Account[From] - Amount;
    KeSetEvent(&Transferred, IO_NO_INCREMENT, FALSE);
    Account[From] = Left;
    Account[From ^ 1] += Amount;
    if (Race != MissingLock) {
        ExReleaseFastMutex(&AccountMutex);
    }
}

static PVOID volatile Slot[SLOTS];
static volatile LONG Turns, Published;

/* Several workers come to each slot, and each of them needs an object there. */
static VOID StepMakeOnce(WORKER *Worker)
{
    PVOID volatile *Mine = &Slot[InterlockedIncrement(&Turns) / WORKERS % SLOTS];
    PKEVENT New;

    UNREFERENCED_PARAMETER(Worker);
    if (*Mine != NULL) {
        return;
    }
    New = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New), TAG);
    KeInitializeEvent(New, NotificationEvent, FALSE);
    KeSetEvent(New, IO_NO_INCREMENT, FALSE);
    if (Race == CheckThenAct) {
        *Mine = New;
    } else if (InterlockedCompareExchangePointer(Mine, New, NULL) != NULL) {
        ExFreePoolWithTag(New, TAG);
        return;
    }
    InterlockedIncrement(&Published);
}

static LONG CountAndFreeSlots(VOID)
{
    LONG Used = 0;

    for (ULONG i = 0; i < SLOTS; i++) {
        if (Slot[i] != NULL) {
            ExFreePoolWithTag(Slot[i], TAG);
            Used++;
        }
    }
    return Used;
}

/* A box for one item. Each state has an event, which one side sets and the other one waits for and
 * resets: were it one event for both, one side's reset could take what the other is about to wait
 * for. */
static volatile LONG Full;
static KEVENT Became[2];
static LONG Item, Received;

static BOOLEAN AwaitBox(LONG Wanted)
{
    while (Full != Wanted) {
        KeResetEvent(&Became[Wanted]);
        /* What came before the reset has no event any more: look again. */
        if (Race != LostWakeUp && Full == Wanted) {
            break;
        }
        if (!MustWait(&Became[Wanted])) {
            return FALSE;
        }
    }
    return TRUE;
}

static VOID ChangeBox(LONG New)
{
    InterlockedExchange(&Full, New);
    InterlockedIncrement(&Progress);
    KeSetEvent(&Became[New], IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI Producer(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (LONG i = 1; i <= ITEMS && AwaitBox(FALSE); i++) {
        Item = i;
        ChangeBox(TRUE);
    }
}

static VOID NTAPI Consumer(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (LONG i = 1; i <= ITEMS && AwaitBox(TRUE); i++) {
        Received += Item == i;
        ChangeBox(FALSE);
    }
}

/*** Steps that are right. ***/

static KMUTEX Mutex, Other;
static volatile LONG UnderMutex, MutexTurns;

static VOID StepBothMutexes(WORKER *Worker)
{
    PVOID Both[] = {&Mutex, &Other};

    if (KmtRandom(&Worker->Seed) & 1) {
        Both[0] = &Other, Both[1] = &Mutex;
    }
    if (!WaitForAll(2, Both, "both mutexes")) {
        return;
    }
    UnderMutex = UnderMutex + 1;
    KeReleaseMutex(&Other, FALSE);
    KeReleaseMutex(&Mutex, FALSE);
    InterlockedIncrement(&MutexTurns);
}

static KSEMAPHORE Semaphore;
static volatile LONG TokensGiven, TokensTaken;

static VOID StepSemaphore(WORKER *Worker)
{
    LARGE_INTEGER Timeout = {.QuadPart = -(LONGLONG)(KmtRandom(&Worker->Seed) % 1000)};

    KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 1, FALSE);
    InterlockedIncrement(&TokensGiven);
    if (KeWaitForSingleObject(&Semaphore, Executive, KernelMode, FALSE, &Timeout) ==
        STATUS_SUCCESS) {
        InterlockedIncrement(&TokensTaken);
    }
}

static KSPIN_LOCK SpinLock;
static KDPC SharedDpc;
static LONG UnderLock; /* SpinLock */
static volatile LONG LockTurns, SharedQueued, SharedRun;

static VOID CountUnderLock(VOID)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&SpinLock, &OldIrql);
    UnderLock += 1;
    KeReleaseSpinLock(&SpinLock, OldIrql);
    InterlockedIncrement(&LockTurns);
}

static VOID NTAPI RunShared(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    CountUnderLock();
    InterlockedIncrement(&SharedRun);
}

static VOID StepSharedDpc(WORKER *Worker)
{
    UNREFERENCED_PARAMETER(Worker);
    if (KeInsertQueueDpc(&SharedDpc, NULL, NULL)) {
        InterlockedIncrement(&SharedQueued);
    }
    CountUnderLock();
    if ((KmtRandom(&Worker->Seed) & 3) == 0 && KeRemoveQueueDpc(&SharedDpc)) {
        InterlockedDecrement(&SharedQueued);
    }
}

static VOID NTAPI SetContext(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

static VOID StepOwnDpc(WORKER *Worker)
{
    KeSetTargetProcessorDpc(&Worker->Dpc, (CCHAR)(KmtRandom(&Worker->Seed) % KmtProcessors()));
    KeInsertQueueDpc(&Worker->Dpc, NULL, NULL);
    MustWait(&Worker->DpcRan);
}

/* Cancelled, or run: never both, never neither. */
static VOID StepTimer(WORKER *Worker)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)(KmtRandom(&Worker->Seed) % 2000)};

    KeSetTimer(&Worker->Timer, Due, &Worker->TimerDpc);
    if (KmtRandom(&Worker->Seed) & 1) {
        KeDelayExecutionThread(KernelMode, FALSE, &Due);
    }
    if (!KeCancelTimer(&Worker->Timer) && !KeRemoveQueueDpc(&Worker->TimerDpc)) {
        MustWait(&Worker->TimerRan);
    }
    if (KeReadStateEvent(&Worker->TimerRan) != 0) {
        InterlockedIncrement(&Damaged);
    }
}

static VOID NTAPI ApcKernel(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                            PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument2);
    if (KeGetCurrentIrql() != APC_LEVEL || Apc->Thread != KeGetCurrentThread()) {
        InterlockedIncrement(&WrongLevel);
    }
    if (*NormalRoutine == NULL) {
        KeSetEvent(*SystemArgument1, IO_NO_INCREMENT, FALSE);
    }
}

static VOID NTAPI ApcNormal(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(Argument1, IO_NO_INCREMENT, FALSE);
}

/* The target ends only when all have done their steps. A normal APC may wait until the target
 * leaves its fast mutex. */
static VOID StepApc(WORKER *Worker)
{
    PETHREAD Target = Workers[KmtRandom(&Worker->Seed) % WORKERS].Thread;
    BOOLEAN Normal = (BOOLEAN)(KmtRandom(&Worker->Seed) & 1);

    KeInitializeApc(&Worker->Apc, Target, OriginalApcEnvironment, ApcKernel, NULL,
                    Normal ? ApcNormal : NULL, KernelMode, NULL);
    if (!KeInsertQueueApc(&Worker->Apc, &Worker->ApcRan, NULL, IO_NO_INCREMENT)) {
        InterlockedIncrement(&Damaged);
        return;
    }
    MustWait(&Worker->ApcRan);
}

static NPAGED_LOOKASIDE_LIST Lookaside;

static VOID StepMemory(WORKER *Worker)
{
    ULONG Size = KmtRandom(&Worker->Seed) % 600 + 1, Fill = KmtRandom(&Worker->Seed) & 0xFF;
    PUCHAR Block = ExAllocatePoolWithTag(NonPagedPoolNx, Size, TAG);
    PULONG Small = ExAllocateFromNPagedLookasideList(&Lookaside);

    RtlFillMemory(Block, Size, Fill);
    *Small = Fill;
    CountUnderLock();
    for (ULONG i = 0; i < Size; i++) {
        if (Block[i] != (UCHAR)Fill || *Small != Fill) {
            InterlockedIncrement(&Damaged);
            break;
        }
    }
    ExFreeToNPagedLookasideList(&Lookaside, Small);
    ExFreePoolWithTag(Block, TAG);
}

/*** Requests to a device of its own. ***/

static PDEVICE_OBJECT Device;

static VOID NTAPI CompleteIrp(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    WORKER *Worker = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    *(PULONG)Worker->Irp->AssociatedIrp.SystemBuffer *= 3;
    KmtComplete(Worker->Irp, STATUS_SUCCESS, sizeof(ULONG));
}

/* The input is a worker's number; the odd ones are answered by a DPC. */
static NTSTATUS NTAPI Control(PDEVICE_OBJECT Object, PIRP Irp)
{
    WORKER *Worker = &Workers[*(PULONG)Irp->AssociatedIrp.SystemBuffer % WORKERS];

    UNREFERENCED_PARAMETER(Object);
    Worker->Irp = Irp;
    if (((Worker - Workers) & 1) == 0) {
        *(PULONG)Irp->AssociatedIrp.SystemBuffer *= 3;
        return KmtComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    }
    IoMarkIrpPending(Irp);
    KeInsertQueueDpc(&Worker->IrpDpc, NULL, NULL);
    return STATUS_PENDING;
}

static VOID StepRequest(WORKER *Worker)
{
    ULONG Number = (ULONG)(Worker - Workers) + WORKERS * (KmtRandom(&Worker->Seed) % 1000);
    ULONG Answer = Number;
    IO_STATUS_BLOCK Iosb = {0};
    KEVENT Event;
    PIRP Irp;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp =
        IoBuildDeviceIoControlRequest(KMT_CODE(1, METHOD_BUFFERED), Device, &Answer, sizeof(Answer),
                                      &Answer, sizeof(Answer), FALSE, &Event, &Iosb);
    if (IoCallDriver(Device, Irp) == STATUS_PENDING) {
        MustWait(&Event);
    }
    if (Answer != Number * 3 || Iosb.Status != STATUS_SUCCESS) {
        InterlockedIncrement(&Damaged);
    }
}

/*** The run. ***/

static VOID (*const Steps[])(WORKER *) = {
    StepTransfer, StepMakeOnce, StepBothMutexes, StepSemaphore, StepSharedDpc, StepOwnDpc,
    StepTimer,    StepApc,      StepMemory,      StepRequest,   StepTransfer,  StepMakeOnce};

static VOID NTAPI Work(PVOID Context)
{
    WORKER *Worker = Context;

    MustWait(&Go);
    for (ULONG i = 0; i < STEPS && Stuck == 0; i++) {
        Steps[KmtRandom(&Worker->Seed) % RTL_NUMBER_OF(Steps)](Worker);
        InterlockedIncrement(&Progress);
    }
    if (InterlockedDecrement(&Running) == 0) {
        KeSetEvent(&AllDone, IO_NO_INCREMENT, FALSE);
    }
    MustWait(&AllDone); /* until then others send it APCs */
}

static VOID Prepare(VOID)
{
    Device = KmtCreateDevice(NULL, 0, FALSE);
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    ExInitializeFastMutex(&AccountMutex);
    Account[0] = Account[1] = MONEY;
    KeInitializeEvent(&Transferred, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Became[FALSE], NotificationEvent, FALSE);
    KeInitializeEvent(&Became[TRUE], NotificationEvent, FALSE);
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    KeInitializeEvent(&AllDone, NotificationEvent, FALSE);
    KeInitializeMutex(&Mutex, 0);
    KeInitializeMutex(&Other, 0);
    KeInitializeSemaphore(&Semaphore, 0, MAXLONG);
    KeInitializeSpinLock(&SpinLock);
    KeInitializeDpc(&SharedDpc, RunShared, NULL);
    ExInitializeNPagedLookasideList(&Lookaside, NULL, NULL, 0, 64, TAG, 0);
}

static VOID StartWorkers(VOID)
{
    Running = WORKERS;
    for (ULONG i = 0; i < WORKERS; i++) {
        WORKER *Worker = &Workers[i];
        Worker->Seed = (FirstSeed * WORKERS + i + 1) * 2654435761U | 1;
        KeInitializeTimer(&Worker->Timer);
        KeInitializeDpc(&Worker->TimerDpc, SetContext, &Worker->TimerRan);
        KeInitializeDpc(&Worker->Dpc, SetContext, &Worker->DpcRan);
        KeInitializeDpc(&Worker->IrpDpc, CompleteIrp, Worker);
        KeInitializeEvent(&Worker->TimerRan, SynchronizationEvent, FALSE);
        KeInitializeEvent(&Worker->DpcRan, SynchronizationEvent, FALSE);
        KeInitializeEvent(&Worker->ApcRan, SynchronizationEvent, FALSE);
        Worker->Thread = KmtStartThread(Work, Worker);
    }
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
}

/* "lock_17": the race, and the seed at the end. */
static VOID ReadServiceName(VOID)
{
    static const PCWSTR Names[] = {L"", L"lock", L"check", L"wake"};
    PWCHAR Name = KmtRegistryPath->Buffer, End = Name + KmtRegistryPath->Length / sizeof(WCHAR);

    for (PWCHAR At = Name; At < End; At++) {
        if (*At == L'\\') {
            Name = At + 1;
        }
        FirstSeed = *At >= L'0' && *At <= L'9' ? FirstSeed * 10 + (*At - L'0') : 0;
    }
    for (ULONG i = 1; i < RTL_NUMBER_OF(Names); i++) {
        Race = wcsncmp(Name, Names[i], wcslen(Names[i])) == 0 ? i : Race;
    }
}

static VOID KmtRun(VOID)
{
    PETHREAD Sides[2];

    ReadServiceName();
    Prepare();
    Sides[0] = KmtStartThread(Consumer, NULL);
    Sides[1] = KmtStartThread(Producer, NULL);
    StartWorkers();
    for (ULONG i = 0; i < WORKERS; i++) {
        KmtJoin(Workers[i].Thread);
    }
    KmtJoin(Sides[0]);
    KmtJoin(Sides[1]);
    KeFlushQueuedDpcs();
    KMT_EQUAL(Stuck, 0, "no wait went on beyond its limit");
    KMT_EQUAL(Account[0] + Account[1], 2 * MONEY, "transfers neither make money nor lose it");
    KMT_EQUAL(CountAndFreeSlots(), Published, "each object was made once");
    KMT_EQUAL(Received, ITEMS, "each item went through the mailbox");
    KMT_EQUAL(UnderMutex, MutexTurns, "mutexes exclude");
    KMT_EQUAL(UnderLock, LockTurns, "spin locks exclude");
    KMT_EQUAL(KeReadStateSemaphore(&Semaphore), TokensGiven - TokensTaken, "tokens add up");
    KMT_EQUAL(SharedRun, SharedQueued, "a DPC runs as often as it was queued");
    KMT_EQUAL(WrongLevel, 0, "APCs run in their thread at APC_LEVEL");
    KMT_EQUAL(Damaged, 0, "timers, memory and requests are as they should be");
    ExDeleteNPagedLookasideList(&Lookaside);
    IoDeleteDevice(Device);
}
