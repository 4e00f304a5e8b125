/*
 * Promises: a request goes down a stack of devices and its completion comes up again as the book
 * says: completion routines in order and only when asked for, pending marks handed on, a routine
 * may keep the IRP; results reach the requester's buffers, status block and event, from any
 * context, by each of the four methods; an IRP of a driver's own can be used again.
 *
 * Two devices of this driver are a stack: Upper is attached to Lower.
 */
#include "kmtdevice.h"

enum { /* functions of control codes: what Lower does with the request */
    CompleteNow,
    CompleteLater, /* from a timer's DPC */
    FailNow,
    FailLater,
    Overflow,
    EchoDirect,
    EchoNeither,
};

static PDEVICE_OBJECT Lower, Upper;

/* What Upper does: pass on plainly, or with a completion routine called for these reasons. */
static struct {
    BOOLEAN WithRoutine, OnSuccess, OnError, KeepIt;
    LONG Calls;
    BOOLEAN PendingReturned;
    PDEVICE_OBJECT SeenDevice;
    PVOID SeenContext;
    KEVENT Kept;
} Filter;

static KTIMER Timer;
static KDPC Dpc;

static VOID NTAPI CompleteInDpc(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PIRP Irp = Context;
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    IoCompleteRequest(Irp, IO_SOUND_INCREMENT);
}

static NTSTATUS PendRequest(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    LARGE_INTEGER Due = KmtMs(20);
    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, CompleteInDpc, Irp);
    KeSetTimer(&Timer, Due, &Dpc);
    return STATUS_PENDING;
}

/* Turns the bytes of a buffer upside down, so that nobody mistakes what was sent for an answer. */
static VOID Invert(PUCHAR To, const UCHAR *From, ULONG Length)
{
    for (ULONG i = 0; i < Length; i++) {
        To[i] = (UCHAR)~From[i];
    }
}

static NTSTATUS LowerControl(PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PUCHAR Buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG In = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Out = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG Length = min(In, Out);
    switch ((Stack->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xFF) {
    case CompleteNow:
        Invert(Buffer, Buffer, Length);
        return KmtComplete(Irp, STATUS_SUCCESS, Length);
    case CompleteLater:
        Invert(Buffer, Buffer, Length);
        return PendRequest(Irp, STATUS_SUCCESS, Length);
    case FailNow:
        Invert(Buffer, Buffer, Length);
        return KmtComplete(Irp, STATUS_DEVICE_NOT_READY, Length);
    case FailLater:
        return PendRequest(Irp, STATUS_DEVICE_NOT_READY, 5);
    case Overflow:
        Invert(Buffer, Buffer, Length);
        return KmtComplete(Irp, STATUS_BUFFER_OVERFLOW, Length);
    case EchoDirect: {
        PUCHAR Direct = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
        Length = min(In, MmGetMdlByteCount(Irp->MdlAddress));
        Invert(Direct, Buffer, Length);
        return KmtComplete(Irp, STATUS_SUCCESS, Length);
    }
    case EchoNeither:
        Invert(Irp->UserBuffer, Stack->Parameters.DeviceIoControl.Type3InputBuffer, Length);
        return KmtComplete(Irp, STATUS_SUCCESS, Length);
    default:
        return KmtComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS NTAPI UpperCompletion(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    Filter.Calls++;
    Filter.SeenDevice = Device;
    Filter.SeenContext = Context;
    Filter.PendingReturned = Irp->PendingReturned;
    if (Filter.KeepIt) {
        KeSetEvent(&Filter.Kept, 0, FALSE);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS UpperControl(PIRP Irp)
{
    if (!Filter.WithRoutine) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Lower, Irp);
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, UpperCompletion, &Filter, Filter.OnSuccess, Filter.OnError, FALSE);
    if (!Filter.KeepIt) {
        return IoCallDriver(Lower, Irp);
    }
    // The book's way to wait for the lower driver: the IRP comes back, and is completed again.
    KeInitializeEvent(&Filter.Kept, NotificationEvent, FALSE);
    if (IoCallDriver(Lower, Irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&Filter.Kept, Executive, KernelMode, FALSE, NULL);
    }
    NTSTATUS Status = Irp->IoStatus.Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    return Device == Upper ? UpperControl(Irp) : LowerControl(Irp);
}

static BOOLEAN IsInverted(const UCHAR *Data, ULONG Length)
{
    for (ULONG i = 0; i < Length; i++) {
        if (Data[i] != (UCHAR) ~(UCHAR)i) {
            return FALSE;
        }
    }
    return TRUE;
}

#define SIZE 100
static UCHAR Input[SIZE], Output[SIZE];
static IO_STATUS_BLOCK Iosb;

static NTSTATUS Send(PDEVICE_OBJECT Device, ULONG Function, ULONG Method)
{
    for (ULONG i = 0; i < SIZE; i++) {
        Input[i] = (UCHAR)i;
    }
    RtlZeroMemory(Output, SIZE);
    Iosb.Status = STATUS_NOT_FOUND;
    Iosb.Information = 12345;
    return KmtControl(Device, KMT_CODE(Function, Method), Input, SIZE, Output, SIZE, &Iosb);
}

static VOID TestResults(VOID)
{
    KMT_EQUAL(Send(Lower, CompleteNow, METHOD_BUFFERED), STATUS_SUCCESS, "answered at once");
    KMT_EQUAL(Iosb.Status, STATUS_SUCCESS, "the status block says so");
    KMT_EQUAL(Iosb.Information, SIZE, "and how much");
    KMT_CHECK(IsInverted(Output, SIZE), "the data has come");
    KMT_EQUAL(Send(Lower, CompleteLater, METHOD_BUFFERED), STATUS_SUCCESS, "answered from a DPC");
    KMT_EQUAL(Iosb.Information, SIZE, "the status block says how much");
    KMT_CHECK(IsInverted(Output, SIZE), "the data has come");
    KMT_EQUAL(Send(Lower, FailNow, METHOD_BUFFERED), STATUS_DEVICE_NOT_READY, "refused at once");
    KMT_EQUAL(Iosb.Status, STATUS_NOT_FOUND, "leaves the status block alone");
    KMT_CHECK(Output[0] == 0, "and copies nothing");
    KMT_EQUAL(Send(Lower, FailLater, METHOD_BUFFERED), STATUS_DEVICE_NOT_READY, "refused later");
    KMT_EQUAL(Iosb.Status, STATUS_DEVICE_NOT_READY, "fills the status block");
    KMT_EQUAL(Iosb.Information, 5, "with the driver's information");
    KMT_CHECK(Output[0] == 0, "and copies nothing");
    KMT_EQUAL(Send(Lower, Overflow, METHOD_BUFFERED), STATUS_BUFFER_OVERFLOW, "a warning");
    KMT_CHECK(IsInverted(Output, SIZE), "comes with its data");
    KMT_EQUAL(Send(Lower, 0x77, METHOD_BUFFERED), STATUS_INVALID_DEVICE_REQUEST, "unknown code");
}

static VOID TestMethods(VOID)
{
    KMT_EQUAL(Send(Lower, EchoDirect, METHOD_IN_DIRECT), STATUS_SUCCESS, "METHOD_IN_DIRECT");
    KMT_CHECK(IsInverted(Output, SIZE), "writes through the MDL");
    KMT_EQUAL(Send(Lower, EchoDirect, METHOD_OUT_DIRECT), STATUS_SUCCESS, "METHOD_OUT_DIRECT");
    KMT_CHECK(IsInverted(Output, SIZE), "writes through the MDL");
    KMT_EQUAL(Send(Lower, EchoNeither, METHOD_NEITHER), STATUS_SUCCESS, "METHOD_NEITHER");
    KMT_CHECK(IsInverted(Output, SIZE), "writes to the address itself");
}

/* A large buffer on pages that lie apart in memory. */
static VOID TestLargeDirect(VOID)
{
    ULONG Length = 10 * PAGE_SIZE;
    PUCHAR In = ExAllocatePool2(POOL_FLAG_PAGED, Length, 'tsmK');
    PUCHAR Out = ExAllocatePool2(POOL_FLAG_NON_PAGED, Length + 1, 'tsmK');
    for (ULONG i = 0; i < Length; i++) {
        In[i] = (UCHAR)i;
    }
    KMT_EQUAL(KmtControl(Lower, KMT_CODE(EchoDirect, METHOD_OUT_DIRECT), In, Length, Out + 1,
                         Length, &Iosb),
              STATUS_SUCCESS, "ten pages and an odd address");
    KMT_EQUAL(Iosb.Information, Length, "all of them");
    KMT_CHECK(IsInverted(Out + 1, Length), "right to the last byte");
    ExFreePool(In);
    ExFreePool(Out);
}

static VOID SetFilter(BOOLEAN WithRoutine, BOOLEAN OnSuccess, BOOLEAN OnError, BOOLEAN KeepIt)
{
    RtlZeroMemory(&Filter, sizeof(Filter));
    Filter.WithRoutine = WithRoutine;
    Filter.OnSuccess = OnSuccess;
    Filter.OnError = OnError;
    Filter.KeepIt = KeepIt;
}

static VOID TestFilter(VOID)
{
    KMT_EQUAL(Upper->StackSize, 2, "the upper device needs two locations");
    SetFilter(FALSE, FALSE, FALSE, FALSE);
    KMT_EQUAL(Send(Upper, CompleteNow, METHOD_BUFFERED), STATUS_SUCCESS, "passed on, at once");
    KMT_EQUAL(Send(Upper, CompleteLater, METHOD_BUFFERED), STATUS_SUCCESS, "passed on, later");
    KMT_CHECK(IsInverted(Output, SIZE), "with its data");

    SetFilter(TRUE, TRUE, FALSE, FALSE);
    KMT_EQUAL(Send(Upper, CompleteNow, METHOD_BUFFERED), STATUS_SUCCESS, "with a routine, at once");
    KMT_EQUAL(Filter.Calls, 1, "which was called");
    KMT_CHECK(Filter.SeenDevice == Upper, "with its own device");
    KMT_CHECK(Filter.SeenContext == &Filter, "and context");
    KMT_EQUAL(Filter.PendingReturned, FALSE, "nothing was pending");
    KMT_EQUAL(Send(Upper, CompleteLater, METHOD_BUFFERED), STATUS_SUCCESS, "with a routine, later");
    KMT_EQUAL(Filter.Calls, 2, "which was called");
    KMT_EQUAL(Filter.PendingReturned, TRUE, "and saw that it was pending");
    KMT_EQUAL(Send(Upper, FailLater, METHOD_BUFFERED), STATUS_DEVICE_NOT_READY, "an error, later");
    KMT_EQUAL(Filter.Calls, 2, "is not for a routine that wants successes");

    SetFilter(TRUE, FALSE, TRUE, FALSE);
    Send(Upper, CompleteLater, METHOD_BUFFERED);
    KMT_EQUAL(Filter.Calls, 0, "a success is not for a routine that wants errors");
    KMT_EQUAL(Send(Upper, FailLater, METHOD_BUFFERED), STATUS_DEVICE_NOT_READY, "an error");
    KMT_EQUAL(Filter.Calls, 1, "is");

    SetFilter(TRUE, TRUE, TRUE, TRUE);
    KMT_EQUAL(Send(Upper, CompleteLater, METHOD_BUFFERED), STATUS_SUCCESS,
              "kept and completed again");
    KMT_CHECK(IsInverted(Output, SIZE), "with its data");
    KMT_EQUAL(Send(Upper, FailNow, METHOD_BUFFERED), STATUS_DEVICE_NOT_READY, "kept, and an error");
    KMT_EQUAL(Filter.Calls, 2, "one call each");
}

static NTSTATUS NTAPI OwnCompletion(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Context, 0, FALSE);
    return Device == NULL ? STATUS_MORE_PROCESSING_REQUIRED : STATUS_SUCCESS;
}

static VOID SendOwn(PIRP Irp, ULONG Function, PKEVENT Event)
{
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    Next->Parameters.DeviceIoControl.IoControlCode = KMT_CODE(Function, METHOD_BUFFERED);
    IoSetCompletionRoutine(Irp, OwnCompletion, Event, TRUE, TRUE, TRUE);
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    IoCallDriver(Lower, Irp);
    KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, NULL);
}

static VOID TestOwnIrp(VOID)
{
    KEVENT Event;
    PIRP Irp = IoAllocateIrp(Lower->StackSize, FALSE);
    KMT_EQUAL(Irp->Size, IoSizeOfIrp(1), "an IRP of the right size");
    KMT_EQUAL(Irp->CurrentLocation, 2, "nobody called yet");
    SendOwn(Irp, CompleteLater, &Event);
    KMT_EQUAL(Irp->IoStatus.Status, STATUS_SUCCESS, "a driver's own IRP comes back");
    IoReuseIrp(Irp, STATUS_TIMEOUT);
    KMT_EQUAL(Irp->IoStatus.Status, STATUS_TIMEOUT, "IoReuseIrp sets the status");
    KMT_EQUAL(Irp->CurrentLocation, 2, "and makes it as new");
    SendOwn(Irp, FailNow, &Event);
    KMT_EQUAL(Irp->IoStatus.Status, STATUS_DEVICE_NOT_READY, "for a second journey");
    IoFreeIrp(Irp);
    for (CCHAR Size = 1; Size < 20; Size++) {
        Irp = IoAllocateIrp(Size, FALSE);
        if (Irp == NULL || Irp->StackCount != Size) {
            KMT_CHECK(FALSE, "IRPs of any stack size");
        }
        IoFreeIrp(Irp);
    }
    Irp = IoAllocateIrp(125, FALSE);
    KMT_CHECK(Irp != NULL && Irp->CurrentLocation == 126, "the tallest stack's");
    IoFreeIrp(Irp);
    KMT_CHECK(IoAllocateIrp(126, FALSE) == NULL, "none that could not count its locations");
}

static VOID NTAPI SendMany(PVOID Context)
{
    UCHAR In[64], Out[64];
    IO_STATUS_BLOCK Block;
    LONG Failures = 0;
    for (int i = 0; i < 1000; i++) {
        ULONG Length = 1 + (ULONG)i % sizeof(In);
        for (ULONG j = 0; j < Length; j++) {
            In[j] = (UCHAR)j;
        }
        NTSTATUS Status = KmtControl(Upper, KMT_CODE(CompleteNow, METHOD_BUFFERED), In, Length, Out,
                                     Length, &Block);
        Failures +=
            Status != STATUS_SUCCESS || Block.Information != Length || !IsInverted(Out, Length);
    }
    InterlockedAdd((PLONG)Context, Failures);
}

static VOID TestParallel(VOID)
{
    PETHREAD Threads[6];
    LONG Failures = 0;
    SetFilter(TRUE, TRUE, TRUE, FALSE);
    for (int i = 0; i < 6; i++) {
        Threads[i] = KmtStartThread(SendMany, &Failures);
    }
    for (int i = 0; i < 6; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Failures, 0, "six threads with a thousand requests each");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Lower = KmtCreateDevice(NULL, 0, FALSE);
    Upper = KmtCreateDevice(NULL, 0, FALSE);
    KMT_CHECK(IoAttachDeviceToDeviceStack(Upper, Lower) == Lower, "attached to the lower device");
    TestResults();
    TestMethods();
    TestLargeDirect();
    TestFilter();
    TestOwnIrp();
    TestParallel();
    KeFlushQueuedDpcs(); /* one may still return from what ended the last request */
    IoDetachDevice(Lower);
    IoDeleteDevice(Upper);
    IoDeleteDevice(Lower);
}
