/*
 * Promises: a driver sees create, cleanup and close in this order, once each, at the right moments;
 * a failed create is followed by nothing; a handle made by the file's pointer has a cleanup of its
 * own; an exclusive device has one user; synchronous files do one request after another and keep
 * their place; asynchronous ones tell their end by event, by handle and by APC; the handle's rights
 * decide which controls pass; files of the boot disk read.
 */
#include "kmtdevice.h"
#include <ntifs.h>

#define NAME L"\\Device\\KmtFiles"
#define SYNC_ACCESS (GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE)
#define SYNC FILE_SYNCHRONOUS_IO_NONALERT
#define DATA_SIZE 4096

static PDEVICE_OBJECT Device;
static UCHAR Data[DATA_SIZE]; /* what the device holds */
static LONG Creates, Cleanups, Closes;
static NTSTATUS CreateStatus;
static WCHAR LastName[32];
static LONG InFlight, MostInFlight;
static BOOLEAN Late; /* answer reads and writes from a DPC, one at a time */
static KTIMER Timer;
static KDPC Dpc;

static NTSTATUS NTAPI Create(PDEVICE_OBJECT Object, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Creates);
    ULONG Length = min(File->FileName.Length, sizeof(LastName) - sizeof(WCHAR));
    RtlZeroMemory(LastName, sizeof(LastName));
    RtlCopyMemory(LastName, File->FileName.Buffer, Length);
    return KmtComplete(Irp, CreateStatus, FILE_OPENED);
}

static NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Cleanups);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Close(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Closes);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI CompleteInDpc(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedDecrement(&InFlight);
    IoCompleteRequest((PIRP)Context, IO_NO_INCREMENT);
}

static NTSTATUS Answer(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    LARGE_INTEGER Due = KmtMs(5);
    if (!Late) {
        return KmtComplete(Irp, Status, Information);
    }
    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    LONG Now = InterlockedIncrement(&InFlight);
    MostInFlight = max(MostInFlight, Now);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, CompleteInDpc, Irp);
    KeSetTimer(&Timer, Due, &Dpc);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Transfer(PDEVICE_OBJECT Object, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Offset = (ULONG)Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Stack->Parameters.Read.Length;
    PUCHAR Buffer = Irp->AssociatedIrp.SystemBuffer;
    if (Length == 0) {
        return Answer(Irp, Buffer == NULL && Irp->MdlAddress == NULL ? 0 : STATUS_DATA_ERROR, 0);
    }
    if (Object->Flags & DO_DIRECT_IO) {
        Buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    if (Offset >= DATA_SIZE) {
        return Answer(Irp, STATUS_END_OF_FILE, 0);
    }
    Length = min(Length, DATA_SIZE - Offset);
    if (Stack->MajorFunction == IRP_MJ_READ) {
        RtlCopyMemory(Buffer, Data + Offset, Length);
    } else {
        RtlCopyMemory(Data + Offset, Buffer, Length);
    }
    Stack->FileObject->CurrentByteOffset.QuadPart = Offset + Length;
    return Answer(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static BOOLEAN Saw(LONG NewCreates, LONG NewCleanups, LONG NewCloses)
{
    return InterlockedExchange(&Creates, 0) == NewCreates &&
           InterlockedExchange(&Cleanups, 0) == NewCleanups &&
           InterlockedExchange(&Closes, 0) == NewCloses;
}

static VOID TestLife(VOID)
{
    HANDLE Handle;
    PFILE_OBJECT File;
    PDEVICE_OBJECT Found;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME);
    KMT_EQUAL(KmtOpen(&Handle, NAME, FILE_READ_DATA, 0), STATUS_SUCCESS, "open");
    KMT_CHECK(Saw(1, 0, 0), "the driver saw a create");
    KMT_EQUAL(Device->ReferenceCount, 1, "the device counts it");
    ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&File, NULL);
    ZwClose(Handle);
    KMT_CHECK(Saw(0, 1, 0), "the last handle sends the cleanup");
    KMT_EQUAL(Device->ReferenceCount, 1, "the device is open still");
    ObDereferenceObject(File);
    KMT_CHECK(Saw(0, 0, 1), "the last reference sends the close");
    KMT_EQUAL(Device->ReferenceCount, 0, "the device is not open any more");
    KMT_EQUAL(KmtOpen(&Handle, NAME L"\\Sub\\Name", FILE_READ_DATA, 0), STATUS_SUCCESS,
              "open with more of a path");
    KMT_EQUAL(_wcsicmp(LastName, L"\\Sub\\Name"), 0, "which is the file's name");
    ZwClose(Handle);
    KMT_CHECK(Saw(1, 1, 1), "create, cleanup and close");
    CreateStatus = STATUS_DEVICE_NOT_READY;
    KMT_EQUAL(KmtOpen(&Handle, NAME, FILE_READ_DATA, 0), STATUS_DEVICE_NOT_READY, "a driver's no");
    KMT_CHECK(Saw(1, 0, 0), "is followed by nothing");
    KMT_EQUAL(Device->ReferenceCount, 0, "and not counted");
    CreateStatus = STATUS_SUCCESS;
    KMT_EQUAL(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Found), STATUS_SUCCESS,
              "IoGetDeviceObjectPointer");
    KMT_CHECK(Found == Device && File->DeviceObject == Device, "finds the device");
    KMT_CHECK(Saw(1, 1, 0), "which saw a create and a cleanup");
    ObDereferenceObject(File);
    KMT_CHECK(Saw(0, 0, 1), "and sees the close when the file goes");
}

/* Whoever makes a handle by a file's pointer has the driver told of its end, too. */
static VOID TestHandleByPointer(VOID)
{
    HANDLE Handle, Copy;
    PFILE_OBJECT File;
    PDEVICE_OBJECT Found;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME);
    IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Found);
    KMT_CHECK(Saw(1, 1, 0) && (File->Flags & FO_HANDLE_CREATED), "a file that had a handle");
    KMT_EQUAL(ObOpenObjectByPointer(File, OBJ_KERNEL_HANDLE, NULL, FILE_READ_DATA,
                                    *IoFileObjectType, KernelMode, &Handle),
              STATUS_SUCCESS, "gets another");
    KMT_EQUAL(ZwDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(), &Copy, 0, 0,
                                DUPLICATE_SAME_ACCESS),
              STATUS_SUCCESS, "and a duplicate of that");
    ZwClose(Handle);
    KMT_CHECK(Saw(0, 0, 0), "which is one more");
    ZwClose(Copy);
    KMT_CHECK(Saw(0, 1, 0), "the last one's end is a cleanup again");
    ObDereferenceObject(File);
    KMT_CHECK(Saw(0, 0, 1), "and there is one close");
}

/* The driver has opened the file before the object manager refuses the handle. */
static VOID TestNoHandle(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    HANDLE Handle;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_PERMANENT, NULL, NULL);
    KMT_EQUAL(ZwOpenFile(&Handle, FILE_READ_DATA, &Attributes, &Iosb, 0, 0),
              STATUS_INVALID_PARAMETER, "a file that gets no handle");
    KMT_CHECK(Saw(1, 1, 1), "is cleaned up and closed");
}

static VOID TestRefusals(VOID)
{
    HANDLE Handle;
    PDEVICE_OBJECT Other = KmtCreateDevice(L"\\Device\\KmtExclusive", 0, TRUE);
    HANDLE Second;
    KMT_EQUAL(KmtOpen(&Handle, L"\\Device\\KmtExclusive", FILE_READ_DATA, 0), STATUS_SUCCESS,
              "an exclusive device opens");
    KMT_EQUAL(KmtOpen(&Second, L"\\Device\\KmtExclusive", FILE_READ_DATA, 0), STATUS_ACCESS_DENIED,
              "once");
    ZwClose(Handle);
    KMT_EQUAL(KmtOpen(&Handle, L"\\Device\\KmtExclusive", FILE_READ_DATA, 0), STATUS_SUCCESS,
              "and again after that");
    ObReferenceObject(Other);
    IoDeleteDevice(Other);
    KMT_EQUAL(KmtOpen(&Second, L"\\Device\\KmtExclusive", FILE_READ_DATA, 0),
              STATUS_OBJECT_NAME_NOT_FOUND, "a deleted device has no name");
    KMT_EQUAL(ObReferenceObject(Other) - 1, 2, "but lives while it is open");
    ObDereferenceObject(Other);
    ZwClose(Handle);
    KMT_EQUAL(ObDereferenceObject(Other), 0, "and goes with the last file");
    Device->Flags |= DO_DEVICE_INITIALIZING;
    KMT_EQUAL(KmtOpen(&Handle, NAME, FILE_READ_DATA, 0), STATUS_NO_SUCH_DEVICE,
              "a device that is initializing does not open");
    Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    KMT_EQUAL(KmtOpen(&Handle, L"\\Device", FILE_READ_DATA, 0), STATUS_OBJECT_TYPE_MISMATCH,
              "a directory is no device");
    KMT_EQUAL(KmtOpen(&Handle, NAME, FILE_READ_DATA, SYNC), STATUS_INVALID_PARAMETER,
              "a synchronous file needs SYNCHRONIZE");
    Saw(0, 0, 0);
}

static VOID TestSynchronous(ULONG Flags)
{
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb;
    UCHAR Buffer[64];
    LARGE_INTEGER Offset = {.QuadPart = 1000};
    Device->Flags = (Device->Flags & ~(ULONG)(DO_BUFFERED_IO | DO_DIRECT_IO)) | Flags;
    for (ULONG i = 0; i < DATA_SIZE; i++) {
        Data[i] = (UCHAR)(i * 7);
    }
    KmtOpen(&Handle, NAME, SYNC_ACCESS, SYNC);
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 64, NULL, NULL), STATUS_SUCCESS,
              "read");
    KMT_CHECK(Iosb.Information == 64 && RtlEqualMemory(Buffer, Data, 64), "from the beginning");
    ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 64, NULL, NULL);
    KMT_CHECK(RtlEqualMemory(Buffer, Data + 64, 64), "and go on from there");
    ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 64, &Offset, NULL);
    KMT_CHECK(RtlEqualMemory(Buffer, Data + 1000, 64), "or from anywhere");
    Offset.QuadPart = DATA_SIZE - 10;
    ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 64, &Offset, NULL);
    KMT_EQUAL(Iosb.Information, 10, "as much as there is");
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 64, NULL, NULL),
              STATUS_END_OF_FILE, "and no more");
    Offset.QuadPart = -5;
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 64, &Offset, NULL),
              STATUS_INVALID_PARAMETER, "an offset is not negative");
    Offset.QuadPart = 100;
    KMT_EQUAL(ZwWriteFile(Handle, NULL, NULL, NULL, &Iosb, "Etude", 5, &Offset, NULL),
              STATUS_SUCCESS, "write");
    KMT_CHECK(Iosb.Information == 5 && RtlEqualMemory(Data + 100, "Etude", 5), "the data is there");
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 0, &Offset, NULL), STATUS_SUCCESS,
              "nothing to read");
    ZwClose(Handle);
}

static HANDLE Shared;

static VOID NTAPI ReadShared(PVOID Context)
{
    IO_STATUS_BLOCK Iosb;
    UCHAR Buffer[32];
    LONG Failures = 0;
    for (int i = 0; i < 10; i++) {
        Failures +=
            ZwReadFile(Shared, NULL, NULL, NULL, &Iosb, Buffer, 32, NULL, NULL) != STATUS_SUCCESS ||
            Iosb.Information != 32;
    }
    InterlockedAdd((PLONG)Context, Failures);
}

static VOID TestSerialization(VOID)
{
    PETHREAD Threads[4];
    PFILE_OBJECT File;
    LONG Failures = 0;
    Late = TRUE;
    MostInFlight = 0;
    KmtOpen(&Shared, NAME, SYNC_ACCESS, SYNC);
    for (int i = 0; i < 4; i++) {
        Threads[i] = KmtStartThread(ReadShared, &Failures);
    }
    for (int i = 0; i < 4; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Failures, 0, "four threads read one synchronous file");
    KMT_EQUAL(MostInFlight, 1, "one request at a time");
    ObReferenceObjectByHandle(Shared, 0, *IoFileObjectType, KernelMode, (PVOID *)&File, NULL);
    KMT_EQUAL(File->CurrentByteOffset.QuadPart, 4 * 10 * 32, "and none reads the same again");
    ObDereferenceObject(File);
    ZwClose(Shared);
    Late = FALSE;
}

static LONG ApcCalls;
static PVOID ApcContext;
static PIO_STATUS_BLOCK ApcIosb;
static KIRQL ApcIrql;

static VOID NTAPI ApcRoutine(PVOID Context, PIO_STATUS_BLOCK Iosb, ULONG Reserved)
{
    UNREFERENCED_PARAMETER(Reserved);
    ApcCalls++;
    ApcContext = Context;
    ApcIosb = Iosb;
    ApcIrql = KeGetCurrentIrql();
}

static VOID TestAsynchronous(VOID)
{
    HANDLE Handle, Event;
    OBJECT_ATTRIBUTES Attributes;
    static IO_STATUS_BLOCK Iosb;
    static UCHAR Buffer[64];
    LARGE_INTEGER Offset = {.QuadPart = 0};
    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, TRUE);
    KmtOpen(&Handle, NAME, SYNC_ACCESS, 0);
    Late = TRUE;
    KMT_EQUAL(ZwReadFile(Handle, Event, NULL, NULL, &Iosb, Buffer, 64, &Offset, NULL),
              STATUS_PENDING, "an asynchronous read is pending");
    KMT_EQUAL(ZwWaitForSingleObject(Event, FALSE, NULL), STATUS_SUCCESS, "the event tells its end");
    KMT_CHECK(Iosb.Status == STATUS_SUCCESS && Iosb.Information == 64, "with a status block");
    KMT_CHECK(RtlEqualMemory(Buffer, Data, 64), "and the data");
    Iosb.Information = 0;
    ZwReadFile(Handle, NULL, ApcRoutine, &Iosb, &Iosb, Buffer, 64, &Offset, NULL);
    KMT_EQUAL(ZwWaitForSingleObject(Handle, FALSE, NULL), STATUS_SUCCESS, "the file tells it");
    KMT_EQUAL(Iosb.Information, 64, "the status block is filled");
    KmtSleep(1);
    KMT_CHECK(ApcCalls == 1 && ApcContext == &Iosb && ApcIosb == &Iosb,
              "the APC routine is called");
    KMT_EQUAL(ApcIrql, PASSIVE_LEVEL, "at PASSIVE_LEVEL");
    Late = FALSE;
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 64, NULL, NULL),
              STATUS_INVALID_PARAMETER, "an asynchronous file has no place");
    KMT_EQUAL(ZwReadFile(Handle, Event, ApcRoutine, NULL, &Iosb, Buffer, 64, &Offset, NULL),
              STATUS_SUCCESS, "answered at once");
    KmtSleep(1);
    KMT_EQUAL(ApcCalls, 2, "the APC routine is called, too");
    Offset.QuadPart = DATA_SIZE;
    KMT_EQUAL(ZwReadFile(Handle, Event, ApcRoutine, NULL, &Iosb, Buffer, 64, &Offset, NULL),
              STATUS_END_OF_FILE, "refused at once");
    KmtSleep(1);
    KMT_EQUAL(ApcCalls, 2, "needs no APC");
    LARGE_INTEGER Now = {.QuadPart = 0};
    KMT_EQUAL(ZwWaitForSingleObject(Event, FALSE, &Now), STATUS_TIMEOUT, "and no event");
    ZwClose(Handle);
    KMT_EQUAL(ZwReadFile(Event, NULL, NULL, NULL, &Iosb, Buffer, 64, &Offset, NULL),
              STATUS_OBJECT_TYPE_MISMATCH, "an event is no file");
    ZwClose(Event);
    KMT_EQUAL(ZwReadFile(Event, NULL, NULL, NULL, &Iosb, Buffer, 64, &Offset, NULL),
              STATUS_INVALID_HANDLE, "a closed handle is none");
}

static NTSTATUS TryControl(ACCESS_MASK Access, ULONG CodeAccess)
{
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb;
    KmtOpen(&Handle, NAME, Access | SYNCHRONIZE, SYNC);
    NTSTATUS Status = ZwDeviceIoControlFile(
        Handle, NULL, NULL, NULL, &Iosb,
        CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, CodeAccess), NULL, 0, NULL, 0);
    ZwClose(Handle);
    return Status;
}

static VOID TestAccess(VOID)
{
    const ULONG Both = FILE_READ_ACCESS | FILE_WRITE_ACCESS;
    KMT_EQUAL(TryControl(FILE_READ_DATA, FILE_ANY_ACCESS), STATUS_SUCCESS, "any access will do");
    KMT_EQUAL(TryControl(FILE_READ_DATA, FILE_READ_ACCESS), STATUS_SUCCESS, "read, with read");
    KMT_EQUAL(TryControl(FILE_READ_DATA, FILE_WRITE_ACCESS), STATUS_ACCESS_DENIED,
              "write, with read");
    KMT_EQUAL(TryControl(GENERIC_READ, Both), STATUS_ACCESS_DENIED, "both, with generic read");
    KMT_EQUAL(TryControl(GENERIC_READ | GENERIC_WRITE, Both), STATUS_SUCCESS, "both, with both");
    KMT_EQUAL(TryControl(GENERIC_ALL, Both), STATUS_SUCCESS, "both, with everything");
    KMT_EQUAL(TryControl(MAXIMUM_ALLOWED, Both), STATUS_SUCCESS, "both, with what is allowed");
}

static VOID TestBootDisk(VOID)
{
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb;
    UCHAR Buffer[16];
    LARGE_INTEGER Far = {.QuadPart = 1LL << 40};
    KMT_EQUAL(KmtOpen(&Handle, L"\\??\\c:\\TESTS\\files.sys", GENERIC_READ | SYNCHRONIZE, SYNC),
              STATUS_SUCCESS, "a file of the boot disk");
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 16, NULL, NULL), STATUS_SUCCESS,
              "reads");
    KMT_CHECK(Buffer[0] == 'M' && Buffer[1] == 'Z', "and is this driver's image");
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 16, &Far, NULL),
              STATUS_END_OF_FILE, "which ends somewhere");
    KMT_EQUAL(ZwWriteFile(Handle, NULL, NULL, NULL, &Iosb, Buffer, 16, NULL, NULL),
              STATUS_INVALID_DEVICE_REQUEST, "and cannot be written");
    ZwClose(Handle);
    KMT_EQUAL(KmtOpen(&Handle, L"\\SystemRoot\\tests\\files.sys", FILE_READ_DATA, 0),
              STATUS_SUCCESS, "by \\SystemRoot");
    ZwClose(Handle);
    KMT_EQUAL(KmtOpen(&Handle, L"\\??\\C:\\tests\\none.sys", FILE_READ_DATA, 0),
              STATUS_OBJECT_NAME_NOT_FOUND, "no such file");
    KMT_EQUAL(KmtOpen(&Handle, L"\\??\\C:\\none\\none.sys", FILE_READ_DATA, 0),
              STATUS_OBJECT_PATH_NOT_FOUND, "no such folder");
    KMT_EQUAL(KmtOpen(&Handle, L"\\??\\C:\\tests", FILE_READ_DATA, FILE_NON_DIRECTORY_FILE),
              STATUS_FILE_IS_A_DIRECTORY, "a folder");
    KMT_EQUAL(KmtOpen(&Handle, L"\\??\\C:\\tests\\files.sys", GENERIC_WRITE, 0),
              STATUS_MEDIA_WRITE_PROTECTED, "the disk is read-only");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = Create;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = Close;
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Transfer;
    KmtDriverObject->MajorFunction[IRP_MJ_WRITE] = Transfer;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Device = KmtCreateDevice(NAME, 0, FALSE);
    TestLife();
    TestHandleByPointer();
    TestNoHandle();
    TestRefusals();
    TestSynchronous(DO_BUFFERED_IO);
    Late = TRUE;
    TestSynchronous(DO_BUFFERED_IO);
    Late = FALSE;
    TestSynchronous(DO_DIRECT_IO);
    TestSerialization();
    TestAsynchronous();
    TestAccess();
    TestBootDisk();
    KeFlushQueuedDpcs(); /* the last one may still be returning */
    IoDeleteDevice(Device);
}
