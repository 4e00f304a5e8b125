/*
 * stressdevice.h - the device of stress_io.c: it answers each request in a way that is drawn by
 * lot, and counts all that it sees.
 *
 * A request that pends stands in the queue of its way with a cancel routine. Who gets the routine
 * out owns the request; QueueLock makes that and the place in the queue one step.
 */
#ifndef _STRESSDEVICE_H_
#define _STRESSDEVICE_H_

#include "kmtdevice.h"

#define NAME L"\\Device\\KmtStress"

/* The way a request is answered. The last one is for those who will cancel it, or close the file:
 * such a request says so, a transfer by its key and a control by its code. */
enum {
    AtOnce,
    AtOnceButPending,
    ByDpc,
    ByTimer,
    ByWorker,
    NotByItself,
    Ways
};
#define MAY_HOLD 1
#define CODE(Hold) KMT_CODE(Hold, METHOD_BUFFERED)

static PDEVICE_OBJECT Device;
static KSPIN_LOCK QueueLock;
static LIST_ENTRY Queues[Ways]; /* QueueLock: pending IRPs, each with a cancel routine */
static KTIMER Timer;
static KDPC TimerDpc;
static WORK_QUEUE_ITEM WorkItem;
static LONG volatile WorkQueued, WorkRuns, Tickets, Arrived, Completed, Creates, Cleanups, Closes;
static LONG volatile Used[Ways], Cancels, BadData;

/* Numbers for whoever asks, from one sequence. */
static ULONG Draw(VOID)
{
    ULONG Seed = ((ULONG)InterlockedIncrement(&Tickets) * 2654435761U) | 1;
    KmtRandom(&Seed);
    return KmtRandom(&Seed) >> 8;
}

static UCHAR PatternOf(PIO_STACK_LOCATION Stack)
{
    return (UCHAR)(Stack->Parameters.Read.ByteOffset.LowPart * 7 + 1);
}

/* Does what is asked: reads give the offset's pattern, writes must bring it, controls invert. */
static VOID Fill(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PUCHAR Buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG Length = Stack->Parameters.Read.Length;

    if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        Length = Stack->Parameters.DeviceIoControl.OutputBufferLength;
        *(PULONG)Buffer = ~*(PULONG)Buffer;
    } else if (Stack->MajorFunction == IRP_MJ_READ) {
        RtlFillMemory(Buffer, Length, PatternOf(Stack));
    } else {
        for (ULONG i = 0; i < Length; i++) {
            InterlockedExchangeAdd(&BadData, Buffer[i] != PatternOf(Stack));
        }
    }
    Irp->IoStatus.Information = Length;
}

static NTSTATUS Finish(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    if (NT_SUCCESS(Status)) {
        Fill(Irp, IoGetCurrentIrpStackLocation(Irp));
    }
    InterlockedIncrement(&Completed);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* One in sixteen fails. */
static NTSTATUS Answer(PIRP Irp)
{
    return Finish(Irp, Draw() % 16 == 0 ? STATUS_DEVICE_BUSY : STATUS_SUCCESS);
}

static VOID Unlink(PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    InitializeListHead(&Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI CancelQueued(PDEVICE_OBJECT Object, PIRP Irp)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Object);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&QueueLock, &Irql);
    Unlink(Irp);
    KeReleaseSpinLock(&QueueLock, Irql);
    InterlockedIncrement(&Cancels);
    Finish(Irp, STATUS_CANCELLED);
}

/* The first IRP of a queue, of File unless it is NULL, that is not being cancelled. */
static PIRP Take(PLIST_ENTRY Queue, PFILE_OBJECT File)
{
    PIRP Taken = NULL;
    PLIST_ENTRY Link, Next;
    KIRQL Irql;

    KeAcquireSpinLock(&QueueLock, &Irql);
    for (Link = Queue->Flink; Link != Queue && Taken == NULL; Link = Next) {
        PIRP Irp = CONTAINING_RECORD(Link, IRP, Tail.Overlay.ListEntry);
        Next = Link->Flink;
        if (File == NULL || IoGetCurrentIrpStackLocation(Irp)->FileObject == File) {
            Unlink(Irp);
            Taken = IoSetCancelRoutine(Irp, NULL) != NULL ? Irp : NULL;
        }
    }
    KeReleaseSpinLock(&QueueLock, Irql);
    return Taken;
}

static VOID Serve(ULONG Way)
{
    PIRP Irp;
    while ((Irp = Take(&Queues[Way], NULL)) != NULL) {
        Answer(Irp);
    }
}

static VOID NTAPI OnDpc(PKDPC Dpc, PDEVICE_OBJECT Object, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    Serve(ByDpc);
}

static VOID NTAPI OnTimer(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Serve(ByTimer);
}

static VOID NTAPI OnWork(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&WorkRuns);
    InterlockedExchange(&WorkQueued, FALSE);
    Serve(ByWorker);
    InterlockedDecrement(&WorkRuns);
}

static VOID Start(ULONG Way)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)(1 + Draw() % 5000)};

    if (Way == ByDpc) {
        IoRequestDpc(Device, NULL, NULL);
    } else if (Way == ByTimer) {
        KeSetTimer(&Timer, Due, &TimerDpc);
    } else if (Way == ByWorker && !InterlockedExchange(&WorkQueued, TRUE)) {
        ExQueueWorkItem(&WorkItem, CriticalWorkQueue);
    }
}

static NTSTATUS Queue(PIRP Irp, ULONG Way)
{
    BOOLEAN Cancelled;
    KIRQL Irql;

    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&QueueLock, &Irql);
    InsertTailList(&Queues[Way], &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, CancelQueued);
    Cancelled = Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL;
    if (Cancelled) {
        Unlink(Irp);
    }
    KeReleaseSpinLock(&QueueLock, Irql);
    if (Cancelled) {
        Finish(Irp, STATUS_CANCELLED);
    } else {
        Start(Way);
    }
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Request(PDEVICE_OBJECT Object, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN MayHold = Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL
                          ? Stack->Parameters.DeviceIoControl.IoControlCode == CODE(MAY_HOLD)
                          : Stack->Parameters.Read.Key == MAY_HOLD;
    ULONG Way = Draw() % (MayHold ? Ways : NotByItself);

    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Arrived);
    InterlockedIncrement(&Used[Way]);
    switch (Way) {
    case AtOnce:
        return Answer(Irp);
    case AtOnceButPending:
        IoMarkIrpPending(Irp);
        Answer(Irp);
        return STATUS_PENDING;
    default:
        return Queue(Irp, Way);
    }
}

static NTSTATUS NTAPI CreateClose(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(
        IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE ? &Creates : &Closes);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT Object, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP Mine;

    UNREFERENCED_PARAMETER(Object);
    for (ULONG Way = 0; Way < Ways; Way++) {
        while ((Mine = Take(&Queues[Way], File)) != NULL) {
            Finish(Mine, STATUS_CANCELLED);
        }
    }
    InterlockedIncrement(&Cleanups);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID CreateDevice(VOID)
{
    PDRIVER_DISPATCH *Major = KmtDriverObject->MajorFunction;

    Major[IRP_MJ_CREATE] = Major[IRP_MJ_CLOSE] = CreateClose;
    Major[IRP_MJ_CLEANUP] = Cleanup;
    Major[IRP_MJ_READ] = Major[IRP_MJ_WRITE] = Major[IRP_MJ_DEVICE_CONTROL] = Request;
    Device = KmtCreateDevice(NAME, 0, FALSE);
    Device->Flags |= DO_BUFFERED_IO;
    KeInitializeSpinLock(&QueueLock);
    for (ULONG i = 0; i < Ways; i++) {
        InitializeListHead(&Queues[i]);
    }
    IoInitializeDpcRequest(Device, OnDpc);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&TimerDpc, OnTimer, NULL);
    ExInitializeWorkItem(&WorkItem, OnWork, NULL);
}

#endif
