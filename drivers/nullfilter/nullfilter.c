/*
 * nullfilter.c - an upper filter that does nothing but count.
 *
 * The driver has two kinds of devices: the control device, by which clients attach and detach, and
 * the filter itself, which has no name. Every request to the filter goes the same way:
 *
 *     requester ──► filter ── copy, completion routine ──► device below
 *               ◄── filter ◄──────────── completed ──────┘
 *
 * What makes a filter difficult is its end. Requests may be inside it, on their way down or up,
 * when it is to go, and a requester may have found it on top of the stack a moment before. The
 * remove lock counts those inside: detaching takes the filter off the stack first, so that nobody
 * new finds it, and waits for them then. Who has found it but comes too late is sent on without
 * being counted.
 *
 * The control device's mutex makes attaching and detaching one at a time.
 */
#include <ntddk.h>
#include "nullfilter.h"

#define NULLFILTER_TAG 'tlFN' /* "NFlt" in memory */
C_ASSERT(NULLFILTER_MAJORS == IRP_MJ_MAXIMUM_FUNCTION + 1);

typedef struct _NULLFILTER_CONTROL {
    KMUTEX Mutex;
    PDEVICE_OBJECT Filter;    /* Mutex; NULL: not attached */
    BOOLEAN Detaching;        /* Mutex; Filter is on its way out */
    NULLFILTER_COUNTS Counts; /* each number interlocked; Attached not used */
} NULLFILTER_CONTROL, *PNULLFILTER_CONTROL;

typedef struct _NULLFILTER_EXTENSION {
    PDEVICE_OBJECT Below; /* set before a request can come */
    IO_REMOVE_LOCK RemoveLock;
} NULLFILTER_EXTENSION, *PNULLFILTER_EXTENSION;

static PDEVICE_OBJECT NullFilterControl; /* set by DriverEntry */

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD NullFilterUnload;
static DRIVER_DISPATCH NullFilterDispatch;
static IO_COMPLETION_ROUTINE NullFilterCompleted;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NULLFILTER_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(NULLFILTER_SYMLINK_NAME);
    PNULLFILTER_CONTROL Control;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, sizeof(NULLFILTER_CONTROL), &Name, NULLFILTER_DEVICE, 0,
                            FALSE, &NullFilterControl);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(NullFilterControl);
        return Status;
    }
    Control = NullFilterControl->DeviceExtension;
    KeInitializeMutex(&Control->Mutex, 0);
    DriverObject->DriverUnload = NullFilterUnload;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        DriverObject->MajorFunction[i] = NullFilterDispatch;
    }
    return STATUS_SUCCESS;
}

/*** The filter. ***/

static VOID NullFilterCount(PULONG Count)
{
    InterlockedIncrement((PLONG)Count);
}

static NTSTATUS NTAPI NullFilterCompleted(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PNULLFILTER_CONTROL Control = NullFilterControl->DeviceExtension;
    PNULLFILTER_EXTENSION Extension = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    NullFilterCount(&Control->Counts.Completed);
    if (!NT_SUCCESS(Irp->IoStatus.Status)) {
        NullFilterCount(&Control->Counts.Failed);
    }
    /* The filter's own location was the one that said "pending" to the requester. */
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* The routine's last instructions run after the remove lock has been let go: the Ex form keeps the
 * driver in memory until they have. */
static NTSTATUS NullFilterPass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PNULLFILTER_CONTROL Control = NullFilterControl->DeviceExtension;
    PNULLFILTER_EXTENSION Extension = DeviceObject->DeviceExtension;
    NTSTATUS Status;

    if (!NT_SUCCESS(IoAcquireRemoveLock(&Extension->RemoveLock, Irp))) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Extension->Below, Irp);
    }
    NullFilterCount(&Control->Counts.Passed[IoGetCurrentIrpStackLocation(Irp)->MajorFunction]);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    Status = IoSetCompletionRoutineEx(DeviceObject, Irp, NullFilterCompleted, Extension, TRUE, TRUE,
                                      TRUE);
    if (!NT_SUCCESS(Status)) {
        IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
        Irp->IoStatus.Status = Status;
        Irp->IoStatus.Information = 0;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    return IoCallDriver(Extension->Below, Irp);
}

/*** Attaching and detaching. ***/

/* A mutex, because attaching wants PASSIVE_LEVEL: a fast mutex would raise the IRQL. */
static VOID NullFilterLock(PNULLFILTER_CONTROL Control)
{
    KeWaitForSingleObject(&Control->Mutex, Executive, KernelMode, FALSE, NULL);
}

/* Makes a filter and puts it on top of Target's stack. Buffers have to come the way that the
 * devices below expect them from the first request on, so the flags are there before the filter
 * is. */
static NTSTATUS NullFilterCreate(PDEVICE_OBJECT Target, PDEVICE_OBJECT *Filter)
{
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(Target);
    PNULLFILTER_EXTENSION Extension;
    NTSTATUS Status;

    Status = IoCreateDevice(NullFilterControl->DriverObject, sizeof(*Extension), NULL,
                            FILE_DEVICE_UNKNOWN, 0, FALSE, Filter);
    if (NT_SUCCESS(Status)) {
        Extension = (*Filter)->DeviceExtension;
        IoInitializeRemoveLock(&Extension->RemoveLock, NULLFILTER_TAG, 0, 0);
        (*Filter)->Flags |= Top->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO);
        Status = IoAttachDeviceToDeviceStackSafe(*Filter, Target, &Extension->Below);
        if (NT_SUCCESS(Status)) {
            (*Filter)->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
        } else {
            IoDeleteDevice(*Filter);
        }
    }
    ObDereferenceObject(Top);
    return Status;
}

/* The open file keeps the device where it is until the filter does. */
static NTSTATUS NullFilterFind(PUNICODE_STRING Name, PDEVICE_OBJECT *Filter)
{
    PFILE_OBJECT File;
    PDEVICE_OBJECT Top;
    NTSTATUS Status = IoGetDeviceObjectPointer(Name, FILE_READ_ATTRIBUTES, &File, &Top);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* The request to detach a filter from the control device would wait for itself. */
    Status = File->DeviceObject == NullFilterControl ? STATUS_INVALID_PARAMETER
                                                     : NullFilterCreate(File->DeviceObject, Filter);
    ObDereferenceObject(File);
    return Status;
}

static NTSTATUS NullFilterAttach(PNULLFILTER_CONTROL Control, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.InputBufferLength;
    UNICODE_STRING Target = {.Buffer = Irp->AssociatedIrp.SystemBuffer};
    NTSTATUS Status = STATUS_DEVICE_ALREADY_ATTACHED;

    if (Length == 0 || Length % sizeof(WCHAR) != 0 || Length > UNICODE_STRING_MAX_BYTES) {
        return STATUS_INVALID_PARAMETER;
    }
    Target.Length = Target.MaximumLength = (USHORT)Length;
    NullFilterLock(Control);
    if (Control->Filter == NULL) {
        RtlZeroMemory(&Control->Counts, sizeof(Control->Counts));
        Status = NullFilterFind(&Target, &Control->Filter);
        if (!NT_SUCCESS(Status)) {
            Control->Filter = NULL;
        }
    }
    KeReleaseMutex(&Control->Mutex, FALSE);
    return Status;
}

static NTSTATUS NullFilterDetach(PNULLFILTER_CONTROL Control)
{
    PDEVICE_OBJECT Filter;
    PNULLFILTER_EXTENSION Extension;

    NullFilterLock(Control);
    Filter = Control->Detaching ? NULL : Control->Filter;
    Control->Detaching |= Filter != NULL;
    KeReleaseMutex(&Control->Mutex, FALSE);
    if (Filter == NULL) {
        return STATUS_DEVICE_NOT_CONNECTED;
    }
    Extension = Filter->DeviceExtension;
    IoAcquireRemoveLock(&Extension->RemoveLock, NULL);
    IoDetachDevice(Extension->Below);
    /* Outside the mutex: it takes as long as the requests inside. */
    IoReleaseRemoveLockAndWait(&Extension->RemoveLock, NULL);
    IoDeleteDevice(Filter);
    NullFilterLock(Control);
    Control->Filter = NULL;
    Control->Detaching = FALSE;
    KeReleaseMutex(&Control->Mutex, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS NullFilterQuery(PNULLFILTER_CONTROL Control, PIRP Irp)
{
    PNULLFILTER_COUNTS Counts = Irp->AssociatedIrp.SystemBuffer;

    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength <
        sizeof(*Counts)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    NullFilterLock(Control);
    *Counts = Control->Counts;
    Counts->Attached = Control->Filter != NULL;
    KeReleaseMutex(&Control->Mutex, FALSE);
    Irp->IoStatus.Information = sizeof(*Counts);
    return STATUS_SUCCESS;
}

/*** The control device. ***/

static NTSTATUS NullFilterDeviceControl(PNULLFILTER_CONTROL Control, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_NULLFILTER_ATTACH:
        return NullFilterAttach(Control, Irp);
    case IOCTL_NULLFILTER_DETACH:
        return NullFilterDetach(Control);
    case IOCTL_NULLFILTER_QUERY:
        return NullFilterQuery(Control, Irp);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS NullFilterServe(PNULLFILTER_CONTROL Control, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->MajorFunction) {
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        return STATUS_SUCCESS;
    case IRP_MJ_DEVICE_CONTROL:
        return NullFilterDeviceControl(Control, Irp);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS NTAPI NullFilterDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status;

    if (DeviceObject != NullFilterControl) {
        return NullFilterPass(DeviceObject, Irp);
    }
    Irp->IoStatus.Information = 0;
    Status = NullFilterServe(DeviceObject->DeviceExtension, Irp);
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NTAPI NullFilterUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(NULLFILTER_SYMLINK_NAME);

    UNREFERENCED_PARAMETER(DriverObject);
    NullFilterDetach(NullFilterControl->DeviceExtension);
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(NullFilterControl);
}
