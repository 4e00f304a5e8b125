/*
 * Measures, by the clock: how often a second all processors together do something, while they want
 * the same lock, and with nothing in common.
 *
 * Each processor has one thread that repeats the operation for some time; the figure is the sum.
 * The threads are not bound to processors, but as many as there are of those, so each gets its own.
 */
#include "bench.h"

#define MILLISECONDS 300
#define MAXIMUM_THREADS 32
#define PER_LOOK 64 /* operations between two looks whether the time is up */

typedef VOID SCALE_OPERATION(VOID);

static KSPIN_LOCK SpinLock;
static EX_SPIN_LOCK SharedSpinLock;
static FAST_MUTEX FastMutex;
static EX_PUSH_LOCK PushLock;
static ERESOURCE Resource;
static KMUTEX Mutex;
static KSEMAPHORE Semaphore;
static NPAGED_LOOKASIDE_LIST List;
static PDEVICE_OBJECT Null;
static volatile LONG Protected; /* what the locks guard */

static SCALE_OPERATION *Operation;
static KEVENT Go;
static volatile BOOLEAN TimeUp;

static VOID DoSpinLock(VOID)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&SpinLock, &OldIrql);
    Protected += 1;
    KeReleaseSpinLock(&SpinLock, OldIrql);
}

static VOID DoQueuedSpinLock(VOID)
{
    KLOCK_QUEUE_HANDLE Handle;

    KeAcquireInStackQueuedSpinLock(&SpinLock, &Handle);
    Protected += 1;
    KeReleaseInStackQueuedSpinLock(&Handle);
}

static VOID DoReadSpinLock(VOID)
{
    KIRQL OldIrql = ExAcquireSpinLockShared(&SharedSpinLock);

    (VOID) Protected;
    ExReleaseSpinLockShared(&SharedSpinLock, OldIrql);
}

static VOID DoReadPushLock(VOID)
{
    ExAcquirePushLockShared(&PushLock);
    (VOID) Protected;
    ExReleasePushLockShared(&PushLock);
}

static VOID DoReadResource(VOID)
{
    ExAcquireResourceSharedLite(&Resource, TRUE);
    (VOID) Protected;
    ExReleaseResourceLite(&Resource);
}

static VOID DoResource(VOID)
{
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    Protected += 1;
    ExReleaseResourceLite(&Resource);
}

static VOID DoFastMutex(VOID)
{
    ExAcquireFastMutex(&FastMutex);
    Protected += 1;
    ExReleaseFastMutex(&FastMutex);
}

static VOID DoMutex(VOID)
{
    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
    Protected += 1;
    KeReleaseMutex(&Mutex, FALSE);
}

static VOID DoSemaphore(VOID)
{
    KeWaitForSingleObject(&Semaphore, Executive, KernelMode, FALSE, NULL);
    Protected += 1;
    KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 1, FALSE);
}

static VOID DoOwnEvent(VOID)
{
    KEVENT Event;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
}

static VOID DoPool(VOID)
{
    ExFreePoolWithTag(ExAllocatePoolWithTag(NonPagedPoolNx, 64, BENCH_TAG), BENCH_TAG);
}

static VOID DoLookaside(VOID)
{
    ExFreeToNPagedLookasideList(&List, ExAllocateFromNPagedLookasideList(&List));
}

static NTSTATUS NTAPI CompleteAtOnce(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI KeepIrp(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID DoIrp(VOID)
{
    PIRP Irp = IoAllocateIrp(Null->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    IoSetCompletionRoutine(Irp, KeepIrp, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Null, Irp);
    IoFreeIrp(Irp);
}

static VOID NTAPI Repeat(PVOID Context)
{
    ULONG64 Count = 0;

    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    while (!TimeUp) {
        for (ULONG i = 0; i < PER_LOOK; i++) {
            Operation();
        }
        Count += PER_LOOK;
    }
    *(PULONG64)Context = Count;
}

/* The measuring thread sleeps meanwhile, at a higher priority than those that work. */
static VOID MeasureScaling(PCSTR Name, SCALE_OPERATION *Chosen)
{
    LARGE_INTEGER Time = {.QuadPart = -MILLISECONDS * 10000LL};
    PETHREAD Threads[MAXIMUM_THREADS];
    ULONG64 Counts[MAXIMUM_THREADS], Total = 0;
    ULONG Count = min(KeQueryActiveProcessorCount(NULL), MAXIMUM_THREADS);
    ULONG64 Begin, End, Unused;

    Operation = Chosen;
    TimeUp = FALSE;
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    for (ULONG i = 0; i < Count; i++) {
        Threads[i] = BenchStartThread(Repeat, &Counts[i]);
    }
    Begin = KeQueryInterruptTimePrecise(&Unused);
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    KeDelayExecutionThread(KernelMode, FALSE, &Time);
    TimeUp = TRUE;
    for (ULONG i = 0; i < Count; i++) {
        BenchJoin(Threads[i]);
        Total += Counts[i];
    }
    End = KeQueryInterruptTimePrecise(&Unused);
    DbgPrint("scale %s %I64u\n", Name, Total * 10000000 / (End - Begin));
}

static VOID CreateObjects(VOID)
{
    KeInitializeSpinLock(&SpinLock);
    ExInitializeFastMutex(&FastMutex);
    ExInitializePushLock(&PushLock);
    ExInitializeResourceLite(&Resource);
    KeInitializeMutex(&Mutex, 0);
    KeInitializeSemaphore(&Semaphore, 1, 1);
    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, 64, BENCH_TAG, 0);
    BenchDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = CompleteAtOnce;
    if (!NT_SUCCESS(
            IoCreateDevice(BenchDriverObject, 0, NULL, FILE_DEVICE_NULL, 0, FALSE, &Null))) {
        KeBugCheck(MANUALLY_INITIATED_CRASH);
    }
    Null->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

static VOID BenchRun(VOID)
{
    CreateObjects();
    MeasureScaling("spinlock", DoSpinLock);
    MeasureScaling("qspinlock", DoQueuedSpinLock);
    MeasureScaling("exspinlock_shared", DoReadSpinLock);
    MeasureScaling("pushlock_shared", DoReadPushLock);
    MeasureScaling("eresource_shared", DoReadResource);
    MeasureScaling("eresource_exclusive", DoResource);
    MeasureScaling("fastmutex", DoFastMutex);
    MeasureScaling("mutant", DoMutex);
    MeasureScaling("semaphore", DoSemaphore);
    MeasureScaling("own_event", DoOwnEvent);
    MeasureScaling("pool64", DoPool);
    MeasureScaling("lookaside", DoLookaside);
    MeasureScaling("irp", DoIrp);
    ExDeleteResourceLite(&Resource);
    IoDeleteDevice(Null);
    ExDeleteNPagedLookasideList(&List);
}
