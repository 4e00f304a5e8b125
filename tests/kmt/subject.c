/*
 * Promise: what a debugger is asked to show is there until the driver is unloaded, and then it is
 * gone: requests that are held, lists, strings, pool. (tests/host/test_gdb_io.py looks.)
 */
#include "kmtdevice.h"

#define TAG 'tjbS' /* "Sbjt" */
#define CONTROL KMT_CODE(1, METHOD_BUFFERED)
#define BUFFER_SIZE 0x1800

typedef struct _SUBJECT_ITEM {
    ULONG Number;
    LIST_ENTRY Link;
} SUBJECT_ITEM;

/* Read by name, so the compiler has to leave it as it is written. */
static __attribute__((used)) struct {
    UNICODE_STRING Text;
    ANSI_STRING Narrow;
    LARGE_INTEGER Moment;
    GUID Identity;
    NTSTATUS Status;
    KEVENT Event;
    KSEMAPHORE Semaphore;
    LIST_ENTRY Items, Empty;
    SUBJECT_ITEM Item[3];
    PIRP Write, Control;
    PMDL Mdl;
    PVOID Buffer, Paged, Small, Special, Gone;
    HANDLE Handle, Others[150]; /* more than a leaf of a handle table has */
} Subject = {
    .Text = RTL_CONSTANT_STRING(L"quoted \"text\" \x2192"),
    .Narrow = RTL_CONSTANT_STRING("narrow"),
    .Moment = {.QuadPart = -100000},
    .Identity = {0x4D36E967, 0xE325, 0x11CE, {0xBF, 0xC1, 0x08, 0x00, 0x2B, 0xE1, 0x03, 0x18}},
    .Status = STATUS_ACCESS_DENIED,
};

static PDEVICE_OBJECT Device;

static NTSTATUS NTAPI Hold(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Free(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP Begin(UCHAR MajorFunction)
{
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = MajorFunction;
    IoSetCompletionRoutine(Irp, Free, NULL, TRUE, TRUE, TRUE);
    return Irp;
}

static VOID BeginRequests(VOID)
{
    Subject.Write = Begin(IRP_MJ_WRITE);
    Subject.Mdl = IoAllocateMdl(Subject.Buffer, BUFFER_SIZE, FALSE, FALSE, Subject.Write);
    MmBuildMdlForNonPagedPool(Subject.Mdl);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Subject.Write);
    Stack->Parameters.Write.Length = BUFFER_SIZE;
    Stack->Parameters.Write.ByteOffset.QuadPart = 0x200;
    KMT_EQUAL(IoCallDriver(Device, Subject.Write), STATUS_PENDING, "a write is held");

    Subject.Control = Begin(IRP_MJ_DEVICE_CONTROL);
    Subject.Control->AssociatedIrp.SystemBuffer = Subject.Small;
    Stack = IoGetNextIrpStackLocation(Subject.Control);
    Stack->Parameters.DeviceIoControl.IoControlCode = CONTROL;
    Stack->Parameters.DeviceIoControl.InputBufferLength = 0x10;
    KMT_EQUAL(IoCallDriver(Device, Subject.Control), STATUS_PENDING, "a control is held");
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    for (ULONG i = 0; i < ARRAYSIZE(Subject.Others); i++) {
        ZwClose(Subject.Others[i]);
    }
    KmtComplete(Subject.Control, STATUS_CANCELLED, 0);
    KmtComplete(Subject.Write, STATUS_CANCELLED, 0);
    IoFreeMdl(Subject.Mdl);
    IoDeleteDevice(Device);
    ZwClose(Subject.Handle);
    ExFreePoolWithTag(Subject.Buffer, TAG);
    ExFreePoolWithTag(Subject.Paged, TAG);
    ExFreePoolWithTag(Subject.Special, TAG);
    ExFreePoolWithTag(Subject.Small, TAG);
}

static VOID OpenHandles(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\Subject");
    OBJECT_ATTRIBUTES Attributes;
    ULONG Opened = 0;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    KMT_EQUAL(
        ZwCreateEvent(&Subject.Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
        STATUS_SUCCESS, "there is a handle");
    for (ULONG i = 0; i < ARRAYSIZE(Subject.Others); i++) {
        Opened += NT_SUCCESS(ZwOpenEvent(&Subject.Others[i], EVENT_ALL_ACCESS, &Attributes));
    }
    KMT_EQUAL(Opened, ARRAYSIZE(Subject.Others), "and others");
}

static VOID BeginData(VOID)
{
    InitializeListHead(&Subject.Empty);
    InitializeListHead(&Subject.Items);
    for (ULONG i = 0; i < ARRAYSIZE(Subject.Item); i++) {
        Subject.Item[i].Number = 100 + i;
        InsertTailList(&Subject.Items, &Subject.Item[i].Link);
    }
    KeInitializeEvent(&Subject.Event, NotificationEvent, TRUE);
    KeInitializeSemaphore(&Subject.Semaphore, 2, 5);
    Subject.Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, BUFFER_SIZE, TAG);
    Subject.Paged = ExAllocatePool2(POOL_FLAG_PAGED, 100, TAG);
    Subject.Small = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);
    Subject.Special = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG,
                                                    NormalPoolPrioritySpecialPoolOverrun);
    Subject.Gone = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG,
                                                 NormalPoolPrioritySpecialPoolOverrun);
    ExFreePoolWithTag(Subject.Gone, TAG);
    KMT_CHECK(Subject.Special != NULL && Subject.Buffer != NULL && Subject.Paged != NULL &&
                  Subject.Small != NULL,
              "there is memory");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->DriverUnload = Unload;
    KmtDriverObject->MajorFunction[IRP_MJ_WRITE] = Hold;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Hold;
    Device = KmtCreateDevice(L"\\Device\\KmtSubject", 0, FALSE);
    Device->Flags |= DO_DIRECT_IO;
    BeginData();
    OpenHandles();
    BeginRequests();
}
