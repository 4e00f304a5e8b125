/*
 * Keeps every kind of event that a trace has coming, from when it starts until it is unloaded:
 * threads that signal each other, queue DPCs, fight for a spin lock, allocate, and send requests to
 * a device with a filter's completion routine. tests/host/test_trace.py starts and stops traces
 * meanwhile.
 */
#include "kmtdevice.h"

#define MAXIMUM_THREADS 9
#define TAG 'darT'

typedef struct _WORKER {
    KEVENT Go;
    KDPC Dpc;
    PETHREAD Thread;
    ULONG Number;
    volatile LONG Rounds;
} WORKER, *PWORKER;

static WORKER Workers[MAXIMUM_THREADS];
static ULONG WorkerCount;
static KSPIN_LOCK Lock;
static volatile LONG Stopping, Problems;
static PDEVICE_OBJECT Device;
static KEVENT Working; /* a round has been done */

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    *(PBOOLEAN)Context = TRUE;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID SendRequest(VOID)
{
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    BOOLEAN Done = FALSE;

    if (Irp == NULL) {
        return;
    }
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, Completed, &Done, TRUE, TRUE, TRUE);
    IoCallDriver(Device, Irp);
    if (!Done) {
        InterlockedIncrement(&Problems);
    }
    IoFreeIrp(Irp);
}

/* The next worker's turn: there is always one that runs. */
static VOID NTAPI PassOn(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PWORKER Worker = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(&Workers[(Worker->Number + 1) % WorkerCount].Go, IO_NO_INCREMENT, FALSE);
}

static VOID DoRound(PWORKER Worker)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPoolNx, 64 + Worker->Number * 512, TAG);
    KIRQL OldIrql;

    for (ULONG i = 0; i < 20; i++) {
        KeAcquireSpinLock(&Lock, &OldIrql);
        Worker->Rounds++;
        KeReleaseSpinLock(&Lock, OldIrql);
    }
    SendRequest();
    if (Block != NULL) {
        ExFreePoolWithTag(Block, TAG);
    }
    KeInsertQueueDpc(&Worker->Dpc, NULL, NULL);
    KeSetEvent(&Working, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI Work(PVOID Context)
{
    PWORKER Worker = Context;
    LARGE_INTEGER Timeout = KmtMs(20);

    while (!Stopping) {
        KeWaitForSingleObject(&Worker->Go, Executive, KernelMode, FALSE, &Timeout);
        DoRound(Worker);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI Stop(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    Stopping = TRUE;
    for (ULONG i = 0; i < WorkerCount; i++) {
        KmtJoin(Workers[i].Thread);
    }
    KeFlushQueuedDpcs();
    DbgPrint("traceload: %d problems\n", Problems);
    IoDeleteDevice(Device);
}

static VOID KmtRun(VOID)
{
    Device = KmtCreateDevice(NULL, 0, FALSE);
    if (!KMT_CHECK(Device != NULL, "a device to send requests to")) {
        return;
    }
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Dispatch;
    KmtDriverObject->DriverUnload = Stop;
    KeInitializeSpinLock(&Lock);
    KeInitializeEvent(&Working, NotificationEvent, FALSE);
    WorkerCount = min(KmtProcessors() + 1, MAXIMUM_THREADS);
    for (ULONG i = 0; i < WorkerCount; i++) {
        Workers[i].Number = i;
        KeInitializeEvent(&Workers[i].Go, SynchronizationEvent, TRUE);
        KeInitializeDpc(&Workers[i].Dpc, PassOn, &Workers[i]);
    }
    for (ULONG i = 0; i < WorkerCount; i++) {
        Workers[i].Thread = KmtStartThread(Work, &Workers[i]);
    }
    KmtWait(&Working, 30000);
    KMT_CHECK(KeReadStateEvent(&Working), "somebody works");
}
