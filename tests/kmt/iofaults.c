/*
 * Promises: what cannot be done leaves nothing behind. A path that goes on behind a device, where
 * only the device itself is wanted, takes no reference; an alert that ends the wait for a
 * synchronous file's lock ends the request alone; a close waits for that lock all the same;
 * buffers that are not there are no bugcheck. A driver may count in its own stack location.
 */
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtFaults"
#define SYNC_ACCESS (FILE_READ_DATA | SYNCHRONIZE)

static PDEVICE_OBJECT Device;
static PIRP volatile Held; /* the read that the device keeps */
static KEVENT Arrived;     /* a read has come */
static LONG volatile Cleanups;
static ULONG SeenInput;

static NTSTATUS NTAPI CreateClose(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CLEANUP) {
        InterlockedIncrement(&Cleanups);
    }
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    IoMarkIrpPending(Irp);
    Held = Irp;
    KeSetEvent(&Arrived, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
}

static VOID Release(VOID)
{
    KmtComplete(InterlockedExchangePointer((PVOID *)&Held, NULL), STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Object, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    UNREFERENCED_PARAMETER(Object);
    if (Stack->Parameters.DeviceIoControl.IoControlCode == KMT_CODE(2, METHOD_BUFFERED)) {
        ULONG_PTR Done = 0;
        // The location is the driver's own until it completes the IRP, and old drivers count in it.
        while (Stack->Parameters.DeviceIoControl.OutputBufferLength != 0) {
            ((PUCHAR)Irp->AssociatedIrp.SystemBuffer)[Done++] = 7;
            Stack->Parameters.DeviceIoControl.OutputBufferLength--;
        }
        return KmtComplete(Irp, STATUS_SUCCESS, Done);
    }
    SeenInput = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.InputBufferLength;
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static LONG_PTR References(PVOID Object)
{
    ObReferenceObject(Object);
    return ObDereferenceObject(Object);
}

static VOID TestNames(VOID)
{
    UNICODE_STRING Behind = RTL_CONSTANT_STRING(NAME L"\\x");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(NAME);
    PDEVICE_OBJECT Second = NULL;
    LONG_PTR Before = References(Device);

    KMT_EQUAL(IoCreateSymbolicLink(&Behind, &Target), STATUS_OBJECT_TYPE_MISMATCH,
              "no link behind a device");
    KMT_EQUAL(IoDeleteSymbolicLink(&Behind), STATUS_OBJECT_TYPE_MISMATCH, "nor one to delete");
    KMT_EQUAL(IoCreateDevice(KmtDriverObject, 0, &Behind, FILE_DEVICE_UNKNOWN, 0, FALSE, &Second),
              STATUS_OBJECT_TYPE_MISMATCH, "nor another device");
    KMT_EQUAL(References(Device), Before, "and none of them refers to it");
}

/* What a second thread does while the first one's read is under way. */
typedef struct _VISITOR {
    HANDLE Handle;
    KEVENT Started, Done;
    NTSTATUS Status;
    BOOLEAN Close;
} VISITOR;

static VOID NTAPI Visit(PVOID Context)
{
    VISITOR *Visitor = Context;
    IO_STATUS_BLOCK Iosb;
    UCHAR Byte;

    KeSetEvent(&Visitor->Started, IO_NO_INCREMENT, FALSE);
    Visitor->Status =
        Visitor->Close ? ZwClose(Visitor->Handle)
                       : ZwReadFile(Visitor->Handle, NULL, NULL, NULL, &Iosb, &Byte, 1, NULL, NULL);
    KeSetEvent(&Visitor->Done, IO_NO_INCREMENT, FALSE);
}

static PETHREAD SendVisitor(VISITOR *Visitor, HANDLE Handle, BOOLEAN Close)
{
    PETHREAD Thread;

    Visitor->Handle = Handle;
    Visitor->Close = Close;
    Visitor->Status = STATUS_PENDING;
    KeInitializeEvent(&Visitor->Started, NotificationEvent, FALSE);
    KeInitializeEvent(&Visitor->Done, NotificationEvent, FALSE);
    Thread = KmtStartThread(Visit, Visitor);
    KmtWait(&Visitor->Started, 10000);
    KmtSleep(30); // until it waits
    return Thread;
}

static VOID TestAlerts(VOID)
{
    static VISITOR Reader, Second, Closer;
    PETHREAD Threads[3];
    PFILE_OBJECT File;
    HANDLE Handle;

    KeInitializeEvent(&Arrived, SynchronizationEvent, FALSE);
    KMT_EQUAL(KmtOpen(&Handle, NAME, SYNC_ACCESS, FILE_SYNCHRONOUS_IO_ALERT), STATUS_SUCCESS,
              "an alertable file");
    ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&File, NULL);
    Threads[0] = SendVisitor(&Reader, Handle, FALSE);
    KMT_EQUAL(KmtWait(&Arrived, 10000), STATUS_SUCCESS, "a read is under way");
    KmtAwaitWaiters(&File->Event, 1);
    LONG_PTR Before = References(File);
    Threads[1] = SendVisitor(&Second, Handle, FALSE);
    KeAlertThread(Threads[1], KernelMode);
    KMT_EQUAL(KmtWait(&Second.Done, 10000), STATUS_SUCCESS, "an alert ends another's wait for it");
    KMT_EQUAL(Second.Status, STATUS_ALERTED, "which says so");
    KMT_EQUAL(References(File), Before, "and holds the file no more");
    KMT_CHECK(Held != NULL && KmtWait(&Arrived, 0) == STATUS_TIMEOUT,
              "the driver has seen nothing");

    Threads[2] = SendVisitor(&Closer, Handle, TRUE);
    KeAlertThread(Threads[2], KernelMode);
    KMT_EQUAL(KmtWait(&Closer.Done, 50), STATUS_TIMEOUT, "an alerted close waits on");
    KMT_EQUAL(Cleanups, 0, "and has not disturbed the read");
    Release();
    KMT_EQUAL(KmtWait(&Closer.Done, 10000), STATUS_SUCCESS, "it ends after the read");
    for (ULONG i = 0; i < ARRAYSIZE(Threads); i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Reader.Status, STATUS_SUCCESS, "which was done");
    KMT_EQUAL(Cleanups, 1, "with one cleanup");
    ObDereferenceObject(File);
}

/* Page 0 is never mapped; the address space's last page is not either. */
static VOID TestBuffers(VOID)
{
    PVOID Last = (PVOID)(ULONG_PTR)0xFFFFFFFFFFFFFF00;
    IO_STATUS_BLOCK Iosb;
    ULONG Code = KMT_CODE(1, METHOD_BUFFERED), Direct = KMT_CODE(1, METHOD_OUT_DIRECT);
    UCHAR Output[10];
    HANDLE Handle;

    KMT_EQUAL(KmtOpen(&Handle, NAME, FILE_READ_DATA, 0), STATUS_SUCCESS, "open");
    KMT_EQUAL(ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, Code, NULL, 16, NULL, 0),
              STATUS_SUCCESS, "no input, as on Windows, is none to copy");
    KMT_EQUAL(SeenInput, 16, "whatever its length");
    KMT_EQUAL(
        ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, Code, (PVOID)0x10, 16, NULL, 0),
        STATUS_ACCESS_VIOLATION, "input that is not mapped");
    KMT_EQUAL(
        ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, Direct, (PVOID)0x10, 16, NULL, 0),
        STATUS_ACCESS_VIOLATION, "nor for a direct control");
    KMT_EQUAL(ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, Code, Last, 0x1000, NULL, 0),
              STATUS_ACCESS_VIOLATION, "input past the end of the address space");
    KMT_EQUAL(ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, Direct, NULL, 0, Last, 0x1000),
              STATUS_ACCESS_VIOLATION, "output past it");
    KMT_EQUAL(ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, KMT_CODE(2, METHOD_BUFFERED),
                                    NULL, 0, Output, sizeof(Output)),
              STATUS_SUCCESS, "a driver that counts in its own stack location");
    KMT_CHECK(Iosb.Information == sizeof(Output) && Output[0] == 7 && Output[9] == 7,
              "gives all that it has");
    ZwClose(Handle);
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = CreateClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = CreateClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = CreateClose;
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Read;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Device = KmtCreateDevice(NAME, 0, FALSE);
    TestNames();
    TestAlerts();
    TestBuffers();
    IoDeleteDevice(Device);
}
