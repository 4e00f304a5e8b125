/*
 * Measures: requests, from the I/O manager through a driver that does nothing with them and back.
 *
 * This driver is also the null driver: its device completes all it gets at once, a read with as
 * many bytes as were asked for. Its filter has a completion routine on each request that passes.
 */
#include "bench.h"

#define IOCTL_NOTHING CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

static PDEVICE_OBJECT Null, BufferedNull, DirectNull, Filter, Plain, Below;

static NTSTATUS NTAPI FilterCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Transfer = Stack->MajorFunction == IRP_MJ_READ || Stack->MajorFunction == IRP_MJ_WRITE;

    if (DeviceObject == Plain) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Below, Irp);
    }
    if (DeviceObject == Filter) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, FilterCompletion, NULL, TRUE, TRUE, TRUE);
        return IoCallDriver(Below, Irp);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = Transfer ? Stack->Parameters.Read.Length : 0;
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

/* An IRP of the driver's own: built, sent, completed, freed. */
static VOID MeasureIrp(PCSTR Name, PDEVICE_OBJECT Device)
{
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        PIO_STACK_LOCATION Stack;
        PIRP Irp;

        BenchStart();
        Irp = IoAllocateIrp(Device->StackSize, FALSE);
        Stack = IoGetNextIrpStackLocation(Irp);
        Stack->MajorFunction = IRP_MJ_DEVICE_CONTROL;
        Stack->Parameters.DeviceIoControl.IoControlCode = IOCTL_NOTHING;
        IoSetCompletionRoutine(Irp, KeepIrp, NULL, TRUE, TRUE, TRUE);
        IoCallDriver(Device, Irp);
        IoFreeIrp(Irp);
        BenchStop();
    }
    BenchReport(Name);
}

/* The same with an IRP that the I/O manager builds, finishes in the thread, and frees. */
static VOID MeasureBuiltIrp(VOID)
{
    IO_STATUS_BLOCK StatusBlock;
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        IoCallDriver(Null, IoBuildDeviceIoControlRequest(IOCTL_NOTHING, Null, NULL, 0, NULL, 0,
                                                         FALSE, &Done, &StatusBlock));
        BenchStop();
    }
    BenchReport("irp_built");
}

static HANDLE Open(PUNICODE_STRING Name)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle = NULL;

    InitializeObjectAttributes(&Attributes, Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwOpenFile(&Handle, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &StatusBlock,
               0, FILE_SYNCHRONOUS_IO_NONALERT);
    return Handle;
}

static VOID MeasureWrite(PUNICODE_STRING Name)
{
    HANDLE Handle = Open(Name);
    IO_STATUS_BLOCK StatusBlock;
    CHAR Byte = 'x';

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwWriteFile(Handle, NULL, NULL, NULL, &StatusBlock, &Byte, sizeof(Byte), NULL, NULL);
        BenchStop();
    }
    ZwClose(Handle);
    BenchReport("zwwrite");
}

/* By the way that the device called Name takes its data. */
static VOID MeasureRead(PUNICODE_STRING Name, PCSTR Row)
{
    static UCHAR Buffer[4096];
    HANDLE Handle = Open(Name);
    IO_STATUS_BLOCK StatusBlock;

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwReadFile(Handle, NULL, NULL, NULL, &StatusBlock, Buffer, sizeof(Buffer), NULL, NULL);
        BenchStop();
    }
    ZwClose(Handle);
    BenchReport(Row);
}

/* A control with 16 bytes each way, by each method. */
static VOID MeasureControls(PUNICODE_STRING Name)
{
    static const PCSTR Rows[] = {"zwioctl_buffered", "zwioctl_in", "zwioctl_out",
                                 "zwioctl_neither"};
    HANDLE Handle = Open(Name);
    IO_STATUS_BLOCK StatusBlock;
    UCHAR Input[16] = {0}, Output[16];

    for (ULONG Method = METHOD_BUFFERED; Method <= METHOD_NEITHER; Method++) {
        for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
            BenchStart();
            ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock,
                                  CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, Method, FILE_ANY_ACCESS),
                                  Input, sizeof(Input), Output, sizeof(Output));
            BenchStop();
        }
        BenchReport(Rows[Method]);
    }
    ZwClose(Handle);
}

/* What is told of a file by the I/O manager alone, and a file opened and closed. */
static VOID MeasureFile(PUNICODE_STRING Name)
{
    HANDLE Handle = Open(Name);
    IO_STATUS_BLOCK StatusBlock;
    FILE_POSITION_INFORMATION Position;

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwQueryInformationFile(Handle, &StatusBlock, &Position, sizeof(Position),
                               FilePositionInformation);
        BenchStop();
    }
    ZwClose(Handle);
    BenchReport("zwqueryfile");
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwClose(Open(Name));
        BenchStop();
    }
    BenchReport("zwopen");
}

/* A master with one associated IRP: made, completed, both freed. */
static VOID MeasureAssociated(VOID)
{
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        PIRP Master, Part;

        BenchStart();
        Master = IoAllocateIrp(2, FALSE);
        IoSetNextIrpStackLocation(Master);
        IoSetCompletionRoutine(Master, KeepIrp, NULL, TRUE, TRUE, TRUE);
        IoSetNextIrpStackLocation(Master);
        Master->AssociatedIrp.IrpCount = 1;
        Part = IoMakeAssociatedIrp(Master, Null->StackSize);
        IoGetNextIrpStackLocation(Part)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
        IoCallDriver(Null, Part);
        IoFreeIrp(Master);
        BenchStop();
    }
    BenchReport("irp_associated");
}

/* An interface enabled, until who has registered for the class is told. */
static NTSTATUS NTAPI Notified(PVOID Notification, PVOID Context)
{
    UNREFERENCED_PARAMETER(Notification);
    BenchStop();
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static VOID MeasureNotification(VOID)
{
    static const GUID Class = {0x91919191, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
    PDEVICE_OBJECT Device = NULL;
    UNICODE_STRING Link;
    KEVENT Told;
    PVOID Entry;

    KeInitializeEvent(&Told, SynchronizationEvent, FALSE);
    IoReportDetectedDevice(BenchDriverObject, Isa, 0, 0, NULL, NULL, FALSE, &Device);
    if (Device == NULL || !NT_SUCCESS(IoRegisterDeviceInterface(Device, &Class, NULL, &Link))) {
        return; /* without its line the test fails */
    }
    IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class,
                                   BenchDriverObject, Notified, &Told, &Entry);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        IoSetDeviceInterfaceState(&Link, TRUE);
        KeWaitForSingleObject(&Told, Executive, KernelMode, FALSE, NULL);
        IoUnregisterPlugPlayNotificationEx(Entry);
        IoSetDeviceInterfaceState(&Link, FALSE);
        IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class,
                                       BenchDriverObject, Notified, &Told, &Entry);
    }
    BenchReport("pnp_notify");
    IoUnregisterPlugPlayNotificationEx(Entry);
    RtlFreeUnicodeString(&Link);
    IoDeleteDevice(Device);
}

static PDEVICE_OBJECT CreateDevice(PUNICODE_STRING Name, ULONG Flags)
{
    PDEVICE_OBJECT Device;

    if (!NT_SUCCESS(
            IoCreateDevice(BenchDriverObject, 0, Name, FILE_DEVICE_NULL, 0, FALSE, &Device))) {
        KeBugCheck(MANUALLY_INITIATED_CRASH);
    }
    Device->Flags |= Flags;
    Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return Device;
}

static VOID MeasureAllocation(VOID)
{
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        IoFreeIrp(IoAllocateIrp(1, FALSE));
        BenchStop();
    }
    BenchReport("irp_allocate");
}

static VOID MeasureRemoveLock(VOID)
{
    static IO_REMOVE_LOCK Lock;

    IoInitializeRemoveLock(&Lock, BENCH_TAG, 0, 0);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        IoAcquireRemoveLock(&Lock, &Lock);
        IoReleaseRemoveLock(&Lock, &Lock);
        BenchStop();
    }
    BenchReport("removelock");
}

/* The queue of the cancel-safe queue: a list with a spin lock, as drivers have it. */
static struct {
    IO_CSQ Csq;
    KSPIN_LOCK Lock;
    LIST_ENTRY List;
} Queue;

static VOID NTAPI QueueInsert(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    InsertTailList(&Queue.List, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI QueueRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI QueuePeek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PLIST_ENTRY Next = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : Queue.List.Flink;

    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(PeekContext);
    return Next != &Queue.List ? CONTAINING_RECORD(Next, IRP, Tail.Overlay.ListEntry) : NULL;
}

static VOID NTAPI QueueAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeAcquireSpinLock(&Queue.Lock, Irql);
}

static VOID NTAPI QueueRelease(PIO_CSQ Csq, KIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeReleaseSpinLock(&Queue.Lock, Irql);
}

static VOID NTAPI QueueCancel(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(Irp);
}

static VOID MeasureQueue(VOID)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoSetNextIrpStackLocation(Irp);
    KeInitializeSpinLock(&Queue.Lock);
    InitializeListHead(&Queue.List);
    IoCsqInitialize(&Queue.Csq, QueueInsert, QueueRemove, QueuePeek, QueueAcquire, QueueRelease,
                    QueueCancel);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        IoCsqInsertIrp(&Queue.Csq, Irp, NULL);
        IoCsqRemoveNextIrp(&Queue.Csq, NULL);
        BenchStop();
    }
    IoFreeIrp(Irp);
    BenchReport("csq");
}

static VOID BenchRun(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\BenchNull");
    UNICODE_STRING BufferedName = RTL_CONSTANT_STRING(L"\\Device\\BenchBufferedNull");
    UNICODE_STRING DirectName = RTL_CONSTANT_STRING(L"\\Device\\BenchDirectNull");

    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        BenchDriverObject->MajorFunction[i] = Dispatch;
    }
    Null = CreateDevice(&Name, 0);
    BufferedNull = CreateDevice(&BufferedName, DO_BUFFERED_IO);
    DirectNull = CreateDevice(&DirectName, DO_DIRECT_IO);
    MeasureIrp("irp", Null);
    MeasureBuiltIrp();
    MeasureAllocation();
    MeasureRemoveLock();
    MeasureQueue();
    MeasureWrite(&Name);
    MeasureRead(&BufferedName, "zwread4k");
    MeasureRead(&DirectName, "zwread4k_direct");
    MeasureRead(&Name, "zwread4k_neither");
    MeasureControls(&Name);
    MeasureFile(&Name);
    MeasureAssociated();
    MeasureNotification();
    Filter = CreateDevice(NULL, 0);
    Below = IoAttachDeviceToDeviceStack(Filter, Null);
    MeasureIrp("irp_filter", Filter);
    IoDetachDevice(Below);
    IoDeleteDevice(Filter);
    Plain = CreateDevice(NULL, 0);
    Below = IoAttachDeviceToDeviceStack(Plain, Null);
    MeasureIrp("irp_skip", Plain);
    IoDetachDevice(Below);
    IoDeleteDevice(Plain);
    IoDeleteDevice(DirectNull);
    IoDeleteDevice(BufferedNull);
    IoDeleteDevice(Null);
}
