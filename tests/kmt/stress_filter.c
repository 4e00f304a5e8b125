/*
 * Promise: filters come and go on a device that is in use, and nobody notices but by what they do:
 * while two threads attach filters to the top of a stack and take them off again, others open and
 * close the device, read synchronously and not, send controls of their own and cancel them. Every
 * request comes back once with the right data, through any number of filters; none is lost, and of
 * the filters, files and requests nothing is left.
 *
 * A filter counts what is inside it in its remove lock, which its completion routine releases. A
 * request that found it on top but comes after it has gone goes on to the base by itself.
 */
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtFilterStress"
#define RUN_MS 1500
#define CLIENTS 5
#define TALLEST 6
#define LENGTH 48

typedef struct _FILTER {
    PDEVICE_OBJECT Below;
    IO_REMOVE_LOCK Lock;
    LONG Late;
} FILTER, *PFILTER;

static PDEVICE_OBJECT Base;
static PDEVICE_OBJECT Filters[TALLEST]; /* Order */
static ULONG Height;                    /* Order */
static KMUTEX Order;
static ULONGLONG EndTime;
static LONG volatile Attached, Detached, Passed, Late, Sent, Wrong, Cancelled;

/*** The filters. ***/

static NTSTATUS NTAPI FilterDone(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PFILTER Filter = Context;
    UNREFERENCED_PARAMETER(Device);
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    IoReleaseRemoveLock(&Filter->Lock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS AtFilter(PDEVICE_OBJECT Device, PIRP Irp)
{
    PFILTER Filter = Device->DeviceExtension;
    if (!NT_SUCCESS(IoAcquireRemoveLock(&Filter->Lock, Irp))) {
        InterlockedIncrement(&Late);
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Base, Irp);
    }
    InterlockedIncrement(&Passed);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, FilterDone, Filter, TRUE, TRUE, TRUE);
    return IoCallDriver(Filter->Below, Irp);
}

static VOID Attach(VOID)
{
    PDEVICE_OBJECT Device = KmtCreateDevice(NULL, sizeof(FILTER), FALSE);
    PFILTER Filter = Device->DeviceExtension;
    IoInitializeRemoveLock(&Filter->Lock, 'tsmK', 0, 0);
    Filter->Below = Height > 0 ? Filters[Height - 1] : Base;
    Device->Flags |= Base->Flags & DO_BUFFERED_IO;
    if (!NT_SUCCESS(IoAttachDeviceToDeviceStackSafe(Device, Base, &Filter->Below))) {
        InterlockedIncrement(&Wrong);
    }
    Filters[Height++] = Device;
    InterlockedIncrement(&Attached);
}

/* New requests do not find it any more; those that are inside are waited for. */
static VOID Detach(VOID)
{
    PDEVICE_OBJECT Device = Filters[--Height];
    PFILTER Filter = Device->DeviceExtension;
    IoAcquireRemoveLock(&Filter->Lock, NULL);
    IoDetachDevice(Filter->Below);
    IoReleaseRemoveLockAndWait(&Filter->Lock, NULL);
    IoDeleteDevice(Device);
    InterlockedIncrement(&Detached);
}

/* A host that holds the machine up may leave too little of the time. */
static BOOLEAN IsMissing(VOID)
{
    return (BOOLEAN)((Passed == 0 || Cancelled == 0 || Attached <= 2) &&
                     KmtNow() < EndTime + 300000000);
}

static VOID NTAPI Stack(PVOID Context)
{
    ULONG Seed = 0x51ED270 + (ULONG)(ULONG_PTR)Context * 7919;
    while (KmtNow() < EndTime || IsMissing()) {
        KeWaitForSingleObject(&Order, Executive, KernelMode, FALSE, NULL);
        if (Height == 0 || (Height < TALLEST && KmtRandom(&Seed) % 2 == 0)) {
            Attach();
        } else {
            Detach();
        }
        KeReleaseMutex(&Order, FALSE);
        if (KmtRandom(&Seed) % 16 == 0) {
            KmtSleep(1);
        }
    }
}

/*** The base: answers at once, from a DPC, or when it is cancelled. ***/

typedef struct _REQUEST_DPC {
    KDPC Dpc;
    PIRP Irp;
} REQUEST_DPC, *PREQUEST_DPC;

#define HOLD KMT_CODE(1, METHOD_BUFFERED)

static VOID NTAPI AnswerInDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PREQUEST_DPC Request = Context;
    PIRP Irp = Request->Irp;
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExFreePool(Request);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static VOID NTAPI CancelHeld(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    InterlockedIncrement(&Cancelled);
    KmtComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS HoldRequest(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, CancelHeld);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        InterlockedIncrement(&Cancelled);
        KmtComplete(Irp, STATUS_CANCELLED, 0);
    }
    return STATUS_PENDING;
}

static NTSTATUS AtBase(PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        return HoldRequest(Irp);
    }
    if (Stack->MajorFunction != IRP_MJ_READ) {
        return KmtComplete(Irp, STATUS_SUCCESS, 0);
    }
    ULONG Length = Stack->Parameters.Read.Length;
    RtlFillMemory(Irp->AssociatedIrp.SystemBuffer, Length, (UCHAR)Length);
    if (Stack->Parameters.Read.Key & 1) {
        return KmtComplete(Irp, STATUS_SUCCESS, Length);
    }
    PREQUEST_DPC Request = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Request), 'tsmK');
    Request->Irp = Irp;
    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = Length;
    KeInitializeDpc(&Request->Dpc, AnswerInDpc, Request);
    KeSetTargetProcessorDpc(&Request->Dpc, (CCHAR)(Length % KmtProcessors()));
    KeInsertQueueDpc(&Request->Dpc, NULL, NULL);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    return Device == Base ? AtBase(Irp) : AtFilter(Device, Irp);
}

/*** The clients. ***/

static VOID Read(HANDLE Handle, HANDLE Event, PULONG Seed)
{
    UCHAR Buffer[LENGTH] = {0};
    IO_STATUS_BLOCK Iosb = {{STATUS_PENDING}, 0};
    LARGE_INTEGER Offset = {.QuadPart = 0};
    ULONG Length = KmtRandom(Seed) % LENGTH + 1, Key = KmtRandom(Seed);
    NTSTATUS Status = ZwReadFile(Handle, Event, NULL, NULL, &Iosb, Buffer, Length, &Offset, &Key);
    InterlockedIncrement(&Sent);
    if (Status == STATUS_PENDING) {
        ZwWaitForSingleObject(Event, FALSE, NULL);
        Status = Iosb.Status;
    }
    if (Status != STATUS_SUCCESS || Iosb.Information != Length || Buffer[0] != (UCHAR)Length ||
        Buffer[Length - 1] != (UCHAR)Length) {
        InterlockedIncrement(&Wrong);
    }
}

static VOID UseFile(HANDLE Event, PULONG Seed)
{
    BOOLEAN Synchronous = KmtRandom(Seed) & 1;
    HANDLE Handle;
    if (!NT_SUCCESS(KmtOpen(&Handle, NAME, FILE_READ_DATA | SYNCHRONIZE,
                            Synchronous ? FILE_SYNCHRONOUS_IO_NONALERT : 0))) {
        InterlockedIncrement(&Wrong);
        return;
    }
    for (ULONG i = KmtRandom(Seed) % 8; i > 0; i--) {
        Read(Handle, Synchronous ? NULL : Event, Seed);
    }
    ZwClose(Handle);
}

static NTSTATUS NTAPI Keep(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* A control that is held until it is cancelled, sent to whoever is on top now. */
static VOID SendAndCancel(PULONG Seed)
{
    KEVENT Done;
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(Base);
    PIRP Irp = IoAllocateIrp(Top->StackSize, FALSE);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    IoGetNextIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode = HOLD;
    IoSetCompletionRoutine(Irp, Keep, &Done, TRUE, TRUE, TRUE);
    InterlockedIncrement(&Sent);
    if (KmtRandom(Seed) % 4 == 0) {
        IoCancelIrp(Irp);
    }
    IoCallDriver(Top, Irp);
    IoCancelIrp(Irp);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    InterlockedExchangeAdd(&Wrong, Irp->IoStatus.Status != STATUS_CANCELLED);
    IoFreeIrp(Irp);
    ObDereferenceObject(Top);
}

static VOID NTAPI Client(PVOID Context)
{
    ULONG Seed = 0x2026 + (ULONG)(ULONG_PTR)Context * 104729;
    HANDLE Event;
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE);
    while (KmtNow() < EndTime || IsMissing()) {
        if (KmtRandom(&Seed) % 3 == 0) {
            SendAndCancel(&Seed);
        } else {
            UseFile(Event, &Seed);
        }
    }
    ZwClose(Event);
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[CLIENTS + 2];
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        KmtDriverObject->MajorFunction[i] = Dispatch;
    }
    KeInitializeMutex(&Order, 0);
    Base = KmtCreateDevice(NAME, 0, FALSE);
    Base->Flags |= DO_BUFFERED_IO;
    ObReferenceObject(Base);
    LONG_PTR Before = ObDereferenceObject(Base);
    EndTime = KmtNow() + RUN_MS * 10000ULL;
    for (ULONG_PTR i = 0; i < CLIENTS + 2; i++) {
        Threads[i] = KmtStartThread(i < CLIENTS ? Client : Stack, (PVOID)i);
    }
    for (ULONG i = 0; i < CLIENTS + 2; i++) {
        KmtJoin(Threads[i]);
    }
    KeFlushQueuedDpcs(); // one may still return from what ended the last request
    while (Height > 0) {
        Detach();
    }
    DbgPrint("# %d requests, %d through a filter, %d late; %d filters, %d cancelled\n", Sent,
             Passed, Late, Attached, Cancelled);
    KMT_EQUAL(Wrong, 0, "every request came back with the right answer");
    KMT_EQUAL(Attached, Detached, "every filter went");
    KMT_CHECK(Sent > 0 && Passed > 0 && Cancelled > 0 && Attached > 2, "there were many");
    ObReferenceObject(Base);
    KMT_EQUAL(ObDereferenceObject(Base), Before, "nothing refers to the base any more");
    KMT_EQUAL(Base->ReferenceCount, 0, "nobody has it open");
    KMT_CHECK(KmtDriverObject->DeviceObject == Base && Base->NextDevice == NULL,
              "it is the only device that is left");
    IoDeleteDevice(Base);
}
