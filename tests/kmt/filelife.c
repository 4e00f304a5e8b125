/*
 * Promises: file objects live as drivers expect, whatever those do: a create that is answered with
 * a warning is no open file, one that is answered later finds the filter that came meanwhile; a
 * device may delete itself while it is being opened; a cleanup may open the device again; a file
 * that another was opened relative to is not kept by that; a file in a child process is closed
 * there, when that ends; and a read ends once, cancelled, completed or cleaned up.
 */
#include "kmtprocess.h"
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtLife"
#define DOOMED L"\\Device\\KmtDoomed"
#define ROUNDS 150

static PDEVICE_OBJECT Device, Doomed, Filter, Below;
static volatile LONG Creates, Cleanups, Closes, Reads, Filtered, Wrong;
static PFILE_OBJECT Related;    /* of the last create */
static PEPROCESS CleanupsWhere; /* the process of the last cleanup */

/* The create or read that is answered later. */
static KSPIN_LOCK Lock;
static PIRP Pending;
static KTIMER Timer;
static KDPC TimerDpc;

static BOOLEAN IsNamed(PFILE_OBJECT File, PCWSTR Name)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    return RtlEqualUnicodeString(&File->FileName, &String, FALSE) != 0;
}

static PIRP TakePending(VOID)
{
    KIRQL Irql;
    KeAcquireSpinLock(&Lock, &Irql);
    PIRP Irp = Pending;
    /* Who cancels it has it, then. */
    if (Irp != NULL && IoSetCancelRoutine(Irp, NULL) == NULL) {
        Irp = NULL;
    }
    if (Irp != NULL) {
        Pending = NULL;
    }
    KeReleaseSpinLock(&Lock, Irql);
    return Irp;
}

static VOID NTAPI CancelPending(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KIRQL Irql;
    KeAcquireSpinLock(&Lock, &Irql);
    Wrong += Pending != Irp;
    Pending = NULL;
    KeReleaseSpinLock(&Lock, Irql);
    KmtComplete(Irp, STATUS_CANCELLED, 0);
}

static VOID NTAPI CompletePending(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PIRP Irp = TakePending();
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Irp != NULL) {
        KmtComplete(Irp, STATUS_SUCCESS, 0);
    }
}

static NTSTATUS Pend(PIRP Irp)
{
    KIRQL Irql;
    KeAcquireSpinLock(&Lock, &Irql);
    IoMarkIrpPending(Irp);
    Pending = Irp;
    IoSetCancelRoutine(Irp, CancelPending);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        Pending = NULL;
        KeReleaseSpinLock(&Lock, Irql);
        KmtComplete(Irp, STATUS_CANCELLED, 0);
        return STATUS_PENDING;
    }
    KeReleaseSpinLock(&Lock, Irql);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Create(PDEVICE_OBJECT Object, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    InterlockedIncrement(&Creates);
    Related = File->RelatedFileObject;
    if (Object == Doomed) {
        Doomed = NULL;
        IoDeleteDevice(Object);
    } else if (IsNamed(File, L"\\warn")) {
        return KmtComplete(Irp, STATUS_BUFFER_OVERFLOW, 0);
    } else if (IsNamed(File, L"\\odd")) {
        return KmtComplete(Irp, STATUS_OPLOCK_BREAK_IN_PROGRESS, FILE_OPENED);
    } else if (IsNamed(File, L"\\later")) {
        return Pend(Irp);
    }
    return KmtComplete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

static NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT Object, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP Read;
    HANDLE Handle;
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Cleanups);
    CleanupsWhere = PsGetCurrentProcess();
    if (IsNamed(File, L"\\again")) {
        Wrong += KmtOpen(&Handle, NAME L"\\plain", FILE_READ_DATA, 0) != STATUS_SUCCESS ||
                 ZwClose(Handle) != STATUS_SUCCESS;
    }
    if (IsNamed(File, L"\\wait") && (Read = TakePending()) != NULL) {
        KmtComplete(Read, STATUS_CANCELLED, 0);
    }
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Close(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Closes);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Reads);
    if (IsNamed(IoGetCurrentIrpStackLocation(Irp)->FileObject, L"\\wait")) {
        return Pend(Irp);
    }
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Object, PIRP Irp)
{
    if (Object == Filter) {
        InterlockedIncrement(&Filtered);
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Below, Irp);
    }
    switch (IoGetCurrentIrpStackLocation(Irp)->MajorFunction) {
    case IRP_MJ_CREATE:
        return Create(Object, Irp);
    case IRP_MJ_CLEANUP:
        return Cleanup(Object, Irp);
    case IRP_MJ_CLOSE:
        return Close(Object, Irp);
    default:
        return Read(Object, Irp);
    }
}

/* What has come since the last call. */
static BOOLEAN Came(LONG NewCreates, LONG NewCleanups, LONG NewCloses)
{
    return InterlockedExchange(&Creates, 0) == NewCreates &&
           InterlockedExchange(&Cleanups, 0) == NewCleanups &&
           InterlockedExchange(&Closes, 0) == NewCloses;
}

static VOID TestAnswers(VOID)
{
    HANDLE Handle = NULL;
    Came(0, 0, 0);
    KMT_EQUAL(KmtOpen(&Handle, NAME L"\\warn", FILE_READ_DATA, 0), STATUS_BUFFER_OVERFLOW,
              "a create that is answered with a warning");
    KMT_CHECK(Handle == NULL && Came(1, 0, 0), "is no open file");
    KMT_EQUAL(KmtOpen(&Handle, NAME L"\\odd", FILE_READ_DATA, 0), STATUS_OPLOCK_BREAK_IN_PROGRESS,
              "one with another success");
    KMT_CHECK(NT_SUCCESS(ZwClose(Handle)) && Came(1, 1, 1), "is one");
    KmtOpen(&Handle, NAME L"\\again", FILE_READ_DATA, 0);
    KMT_CHECK(NT_SUCCESS(ZwClose(Handle)) && Came(2, 2, 2) && Wrong == 0,
              "a cleanup opens the device again");
    KMT_EQUAL(Device->ReferenceCount, 0, "nothing is left open");
}

static NTSTATUS OpenRelative(PHANDLE Handle, HANDLE Root, PCWSTR Name)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING String;
    IO_STATUS_BLOCK Iosb;
    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Attributes, &String, OBJ_KERNEL_HANDLE, Root, NULL);
    return ZwOpenFile(Handle, FILE_READ_DATA, &Attributes, &Iosb, 0, 0);
}

static PFILE_OBJECT FileOf(HANDLE Handle)
{
    PVOID File = NULL;
    if (NT_SUCCESS(
            ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, &File, NULL))) {
        ObDereferenceObject(File);
    }
    return File;
}

static VOID TestRelatives(VOID)
{
    HANDLE Root, Child, Again;
    PFILE_OBJECT File;
    KmtOpen(&Root, NAME L"\\root", FILE_READ_DATA, 0);
    KMT_EQUAL(OpenRelative(&Child, Root, L"child"), STATUS_SUCCESS, "relative to a file");
    File = FileOf(Child);
    KMT_CHECK(Related == FileOf(Root) && IsNamed(File, L"child"), "as the driver sees");
    KMT_CHECK(File->RelatedFileObject == NULL, "during the create only");
    Came(0, 0, 0);
    ZwClose(Root);
    KMT_CHECK(Came(0, 1, 1), "which does not keep that file");
    KMT_EQUAL(OpenRelative(&Again, Child, L""), STATUS_SUCCESS, "an empty name, relative to it");
    KMT_CHECK(Related == File && FileOf(Again)->FileName.Length == 0, "is the driver's business");
    ZwClose(Child);
    ZwClose(Again);
    KMT_CHECK(Came(1, 2, 2), "they are closed, too");
}

static BOOLEAN IsListed(PDEVICE_OBJECT Wanted)
{
    PDEVICE_OBJECT At = KmtDriverObject->DeviceObject;
    while (At != NULL && At != Wanted) {
        At = At->NextDevice;
    }
    return At != NULL;
}

static VOID TestDoomed(VOID)
{
    IO_STATUS_BLOCK Iosb;
    HANDLE Handle, Other;
    UCHAR Byte;
    PDEVICE_OBJECT Self = Doomed = KmtCreateDevice(DOOMED, 0, FALSE);
    KMT_EQUAL(KmtOpen(&Handle, DOOMED, FILE_READ_DATA | SYNCHRONIZE, FILE_SYNCHRONOUS_IO_NONALERT),
              STATUS_SUCCESS, "a device that deletes itself while it is being opened is open");
    KMT_EQUAL(KmtOpen(&Other, DOOMED, FILE_READ_DATA, 0), STATUS_OBJECT_NAME_NOT_FOUND,
              "its name is gone");
    KMT_EQUAL(OpenRelative(&Other, Handle, L"x"), STATUS_NO_SUCH_DEVICE,
              "nothing more is opened there");
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, &Byte, 1, NULL, NULL), STATUS_SUCCESS,
              "but it can be read from");
    KMT_CHECK(IsListed(Self), "and is there");
    Came(0, 0, 0);
    ZwClose(Handle);
    KMT_CHECK(Came(0, 1, 1) && !IsListed(Self), "until it is closed");
}

/*** A filter that comes while a create is answered. ***/

static HANDLE LateHandle;
static NTSTATUS LateStatus;

static VOID NTAPI OpenLate(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    LateStatus = KmtOpen(&LateHandle, NAME L"\\later", FILE_READ_DATA | SYNCHRONIZE,
                         FILE_SYNCHRONOUS_IO_NONALERT);
}

static VOID TestFilter(VOID)
{
    IO_STATUS_BLOCK Iosb;
    UCHAR Byte;
    PETHREAD Thread = KmtStartThread(OpenLate, NULL);
    ULONG Looks = 0;
    while (*(PIRP volatile *)&Pending == NULL && KmtLookAgain(&Looks)) {
    }
    PDEVICE_OBJECT New = KmtCreateDevice(NULL, 0, FALSE);
    Filter = New;
    IoAttachDeviceToDeviceStackSafe(New, Device, &Below);
    CompletePending(NULL, NULL, NULL, NULL);
    KmtJoin(Thread);
    KMT_CHECK(LateStatus == STATUS_SUCCESS && Filtered == 0, "the create goes on without it");
    ZwReadFile(LateHandle, NULL, NULL, NULL, &Iosb, &Byte, 1, NULL, NULL);
    KMT_EQUAL(Filtered, 1, "a read finds the filter");
    IoDetachDevice(Below);
    Came(0, 0, 0);
    ZwClose(LateHandle);
    KMT_CHECK(Filtered == 1 && Came(0, 1, 1), "and the close that it has gone");
    Filter = NULL;
    IoDeleteDevice(New);
}

/*** Another process. ***/

static VOID TestChild(VOID)
{
    PEPROCESS Child;
    HANDLE Process = KmtMakeChild(NtCurrentProcess(), 0, &Child), Handle, There = NULL;
    KmtOpen(&Handle, NAME L"\\plain", FILE_READ_DATA, 0);
    KMT_EQUAL(ZwDuplicateObject(NtCurrentProcess(), Handle, Process, &There, 0, 0,
                                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
              STATUS_SUCCESS, "a file is moved to a child");
    KMT_CHECK(Came(1, 0, 0), "and stays open");
    KMT_EQUAL(ZwDuplicateObject(Process, There, NtCurrentProcess(), &Handle, 0, OBJ_KERNEL_HANDLE,
                                DUPLICATE_SAME_ACCESS),
              STATUS_SUCCESS, "copied back");
    KMT_CHECK(NT_SUCCESS(ZwClose(Handle)) && Came(0, 0, 0), "and closed it is still open there");
    ZwClose(Process);
    PVOID Address = Child; /* to compare with: nobody looks into it */
    ObDereferenceObject(Child);
    ULONG Looks = 0;
    while (*(volatile LONG *)&Closes == 0 && KmtLookAgain(&Looks)) {
    }
    KMT_CHECK(Came(0, 1, 1) && (PVOID)CleanupsWhere == Address,
              "the child's end closes it, in the child");
}

/*** Reads that end in several ways. ***/

static BOOLEAN EndsOnce(ULONG Round, PULONG Cancelled)
{
    static UCHAR Byte;
    static IO_STATUS_BLOCK Iosb, CancelIosb;
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)(Round * 37 % 400)}, Start = {.QuadPart = 0};
    HANDLE Handle, Event;
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(KmtOpen(&Handle, NAME L"\\wait", FILE_READ_DATA, 0)) ||
        !NT_SUCCESS(
            ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE))) {
        return FALSE;
    }
    Iosb.Status = STATUS_PENDING;
    NTSTATUS Status = ZwReadFile(Handle, Event, NULL, NULL, &Iosb, &Byte, 1, &Start, NULL);
    KeSetTimer(&Timer, Due, &TimerDpc);
    if (Round % 3 == 0) {
        ZwCancelIoFileEx(Handle, NULL, &CancelIosb);
    }
    ZwClose(Handle); // whose cleanup ends what is left
    LARGE_INTEGER Limit = KmtMs(30000);
    Status = Status == STATUS_PENDING ? ZwWaitForSingleObject(Event, FALSE, &Limit) : Status;
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    ZwClose(Event);
    *Cancelled += Iosb.Status == STATUS_CANCELLED;
    return Status == STATUS_SUCCESS &&
           (Iosb.Status == STATUS_CANCELLED || Iosb.Status == STATUS_SUCCESS) && Pending == NULL;
}

static VOID TestReads(VOID)
{
    ULONG Once = 0, Cancelled = 0;
    LONG Before = Reads;
    Came(0, 0, 0);
    for (ULONG i = 0; i < ROUNDS; i++) {
        Once += EndsOnce(i, &Cancelled);
    }
    DbgPrint("# %u of %u reads were cancelled\n", Cancelled, ROUNDS);
    KMT_EQUAL(Once, ROUNDS, "a read ends once, completed, cancelled or cleaned up");
    KMT_EQUAL(Reads - Before, ROUNDS, "each was sent");
    KMT_CHECK(Came(ROUNDS, ROUNDS, ROUNDS) && Wrong == 0, "and its file closed");
}

static VOID KmtRun(VOID)
{
    KeInitializeSpinLock(&Lock);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&TimerDpc, CompletePending, NULL);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        KmtDriverObject->MajorFunction[i] = Dispatch;
    }
    Device = KmtCreateDevice(NAME, 0, FALSE);
    TestAnswers();
    TestRelatives();
    TestDoomed();
    TestFilter();
    TestChild();
    TestReads();
    KMT_EQUAL(Device->ReferenceCount, 0, "nothing is left open");
    IoDeleteDevice(Device);
}
