/*
 * beep.c - the speaker as a device: the smallest driver with every part of the StartIo model.
 *
 * A request travels  dispatch routine -> device queue -> StartIo -> completed at once,  and leaves
 * a timer running whose DPC stops the tone. The I/O manager's device queue guarantees that StartIo
 * never runs for two requests at a time, but the DPC may run on another processor meanwhile, so
 * what both of them touch is guarded by Lock:
 *
 *     PASSIVE_LEVEL    BeepCreate, BeepDeviceControl, BeepCleanup, BeepClose, BeepUnload
 *     DISPATCH_LEVEL   BeepStartIo, BeepStopTone (the timer's DPC), BeepCancel
 *
 * The device queue itself is guarded by the system's cancel spin lock, as IoStartPacket does when
 * it is given a cancel routine.
 */
#include <ntddk.h>
#include <ntddbeep.h>

typedef struct _BEEP_EXTENSION {
    KSPIN_LOCK Lock; /* of all that follows */
    KTIMER Timer;
    KDPC StopDpc;
    BOOLEAN Sounding;
    PFILE_OBJECT Owner; /* through which the tone was asked for; NULL: by no file */
    ULONG64 StopTime;   /* interrupt time, 100 ns, or BEEP_NEVER */
} BEEP_EXTENSION, *PBEEP_EXTENSION;

#define BEEP_NEVER 0xFFFFFFFFFFFFFFFFULL

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD BeepUnload;
static DRIVER_DISPATCH BeepCreate, BeepCleanup, BeepClose, BeepDeviceControl;
static DRIVER_STARTIO BeepStartIo;
static DRIVER_CANCEL BeepCancel;
static KDEFERRED_ROUTINE BeepStopTone;

/* No symbolic link: as on Windows, the device is for the kernel, which knows it by its own name. */
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DD_BEEP_DEVICE_NAME_U);
    PDEVICE_OBJECT DeviceObject;
    PBEEP_EXTENSION Extension;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, sizeof(BEEP_EXTENSION), &Name, FILE_DEVICE_BEEP, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Extension = DeviceObject->DeviceExtension;
    KeInitializeSpinLock(&Extension->Lock);
    KeInitializeTimer(&Extension->Timer);
    KeInitializeDpc(&Extension->StopDpc, BeepStopTone, Extension);
    /* BeepStartIo asks for the next request itself: not from within, or a long queue would need a
     * deep stack. */
    IoSetStartIoAttributes(DeviceObject, TRUE, FALSE);

    DriverObject->DriverUnload = BeepUnload;
    DriverObject->DriverStartIo = BeepStartIo;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = BeepCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = BeepClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = BeepCleanup;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = BeepDeviceControl;
    return STATUS_SUCCESS;
}

static NTSTATUS BeepComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The exact time, and not that of the last clock interrupt, which may be 15 ms ago. */
static ULONG64 BeepNow(void)
{
    ULONG64 TimeStamp;

    return KeQueryInterruptTimePrecise(&TimeStamp);
}

/* Arms the timer for StopTime. Lock is held. */
static void BeepArmTimer(PBEEP_EXTENSION Extension)
{
    LARGE_INTEGER DueTime = {.QuadPart = (LONG64)(BeepNow() - Extension->StopTime)};

    /* Relative times are negative; a time already past means "at once". */
    DueTime.QuadPart = DueTime.QuadPart < 0 ? DueTime.QuadPart : -1;
    KeSetTimer(&Extension->Timer, DueTime, &Extension->StopDpc);
}

/* Ends the tone, if one sounds. Lock is held. */
static void BeepSilence(PBEEP_EXTENSION Extension)
{
    KeCancelTimer(&Extension->Timer);
    if (Extension->Sounding) {
        HalMakeBeep(0);
        Extension->Sounding = FALSE;
        Extension->Owner = NULL;
    }
}

/* Begins a tone, whatever sounded before, and notes when and by whom it is to be ended. Lock is
 * held. */
static BOOLEAN BeepStart(PBEEP_EXTENSION Extension, const BEEP_SET_PARAMETERS *Parameters,
                         PFILE_OBJECT Owner)
{
    KeCancelTimer(&Extension->Timer);
    if (!HalMakeBeep(Parameters->Frequency)) {
        BeepSilence(Extension);
        return FALSE;
    }
    Extension->Sounding = TRUE;
    Extension->Owner = Owner;
    Extension->StopTime = BEEP_NEVER;
    if (Parameters->Duration != MAXULONG) {
        Extension->StopTime = BeepNow() + Parameters->Duration * 10000ULL;
        BeepArmTimer(Extension);
    }
    return TRUE;
}

/*
 * The tone's time is over - or that of the tone before it: its timer may have expired just before
 * StartIo cancelled it, and then this DPC was already on its way, waiting for Lock. StopTime tells
 * the two apart.
 */
static VOID NTAPI BeepStopTone(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PBEEP_EXTENSION Extension = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    if (Extension->Sounding && Extension->StopTime != BEEP_NEVER) {
        if (BeepNow() >= Extension->StopTime) {
            BeepSilence(Extension);
        } else {
            BeepArmTimer(Extension);
        }
    }
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
}

/* Next request of the device queue, at DISPATCH_LEVEL, one at a time. */
static VOID NTAPI BeepStartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PBEEP_EXTENSION Extension = DeviceObject->DeviceExtension;
    PBEEP_SET_PARAMETERS Parameters = Irp->AssociatedIrp.SystemBuffer;
    PFILE_OBJECT FileObject = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    BOOLEAN Done = TRUE;
    KIRQL OldIrql;

    /* Too late to cancel: nothing here takes any time. BeepCancel may have started already; it sees
     * that the request is the current one and leaves it alone. */
    IoAcquireCancelSpinLock(&OldIrql);
    IoSetCancelRoutine(Irp, NULL);
    IoReleaseCancelSpinLock(OldIrql);

    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    if (Parameters->Frequency == 0) {
        BeepSilence(Extension);
    } else {
        Done = BeepStart(Extension, Parameters, FileObject);
    }
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);

    /* The next request first: completing this one may take long. */
    IoStartNextPacket(DeviceObject, TRUE);
    BeepComplete(Irp, Done ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
}

/* Called with the cancel spin lock held, for a request that StartIo has not taken out of reach. */
static VOID NTAPI BeepCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BOOLEAN Queued =
        KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    /* Not in the queue: it is on its way into StartIo, which completes it in a moment. */
    if (Queued) {
        BeepComplete(Irp, STATUS_CANCELLED);
    }
}

static NTSTATUS NTAPI BeepCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return BeepComplete(Irp, STATUS_SUCCESS);
}

/* Requests are checked before they are queued: StartIo can then rely on them. */
static NTSTATUS BeepCheck(const IO_STACK_LOCATION *Stack, const BEEP_SET_PARAMETERS *Parameters)
{
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_BEEP_SET) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(*Parameters)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Parameters->Frequency != 0 && (Parameters->Frequency < BEEP_FREQUENCY_MINIMUM ||
                                       Parameters->Frequency > BEEP_FREQUENCY_MAXIMUM)) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI BeepDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = BeepCheck(Stack, Irp->AssociatedIrp.SystemBuffer);

    if (!NT_SUCCESS(Status)) {
        return BeepComplete(Irp, Status);
    }
    /* Marked before it can be completed, and it can be as soon as the I/O manager has it. */
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, BeepCancel);
    return STATUS_PENDING;
}

/* Takes one queued request of FileObject out of the device queue; NULL when there is none. Nobody
 * else adds or removes while the cancel spin lock is held. */
static PIRP BeepRemoveQueued(PDEVICE_OBJECT DeviceObject, PFILE_OBJECT FileObject)
{
    PKDEVICE_QUEUE Queue = &DeviceObject->DeviceQueue;

    for (PLIST_ENTRY Link = Queue->DeviceListHead.Flink; Link != &Queue->DeviceListHead;
         Link = Link->Flink) {
        PIRP Irp = CONTAINING_RECORD(Link, IRP, Tail.Overlay.DeviceQueueEntry.DeviceListEntry);

        if (IoGetCurrentIrpStackLocation(Irp)->FileObject == FileObject &&
            KeRemoveEntryDeviceQueue(Queue, &Irp->Tail.Overlay.DeviceQueueEntry)) {
            IoSetCancelRoutine(Irp, NULL);
            return Irp;
        }
    }
    return NULL;
}

/* One at a time, since a request must not be completed with the spin lock held. */
static void BeepFlushQueue(PDEVICE_OBJECT DeviceObject, PFILE_OBJECT FileObject)
{
    KIRQL OldIrql;
    PIRP Irp;

    do {
        IoAcquireCancelSpinLock(&OldIrql);
        Irp = BeepRemoveQueued(DeviceObject, FileObject);
        IoReleaseCancelSpinLock(OldIrql);
        if (Irp != NULL) {
            BeepComplete(Irp, STATUS_CANCELLED);
        }
    } while (Irp != NULL);
}

/* Ends the tone that was asked for through FileObject. */
static void BeepEndTone(PBEEP_EXTENSION Extension, PFILE_OBJECT FileObject)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Extension->Lock, &OldIrql);
    if (Extension->Owner == FileObject) {
        BeepSilence(Extension);
    }
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
}

/* The last handle to a file has been closed: its requests end, and its tone. */
static NTSTATUS NTAPI BeepCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILE_OBJECT FileObject = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    BeepFlushQueue(DeviceObject, FileObject);
    BeepEndTone(DeviceObject->DeviceExtension, FileObject);
    return BeepComplete(Irp, STATUS_SUCCESS);
}

/* The last reference too is gone. A driver that came by IoGetDeviceObjectPointer has no handle, and
 * may have asked for a tone after cleanup. */
static NTSTATUS NTAPI BeepClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BeepEndTone(DeviceObject->DeviceExtension, IoGetCurrentIrpStackLocation(Irp)->FileObject);
    return BeepComplete(Irp, STATUS_SUCCESS);
}

/* No file is open any more, but a tone may still sound, and its DPC may be about to run. */
static VOID NTAPI BeepUnload(PDRIVER_OBJECT DriverObject)
{
    PDEVICE_OBJECT DeviceObject = DriverObject->DeviceObject;
    PBEEP_EXTENSION Extension = DeviceObject->DeviceExtension;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Extension->Lock, &OldIrql);
    BeepSilence(Extension);
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
    KeFlushQueuedDpcs();
    IoDeleteDevice(DeviceObject);
}
