/*
 * attach.c - device stacks: who is on top of whom.
 *
 * AttachedDevice leads up, and drivers may read it; AttachedTo, in io's own extension, leads down.
 * Both change only with IopDatabaseLock held, and a device is on top of at most one other. A device
 * that is in a stack is not kept by that: the driver above detaches first, and a lower device's
 * deletion waits until it has (IopSettleDevice).
 *
 * Requests find the top once, when they begin. A filter may be detached and deleted at that moment
 * and yet be called: so whoever calls it holds a reference, and a filter that comes and goes while
 * its stack is in use passes such a late request on to the device that it was attached to.
 */
#include "iop.h"

static BOOLEAN IopIsGoing(PDEVICE_OBJECT Device)
{
    return (IopExtension(Device)->ExtensionFlags & (DOE_DELETE_PENDING | DOE_DELETED)) != 0 ||
           IopDriver(Device->DriverObject)->UnloadPending;
}

static PDEVICE_OBJECT IopTopLocked(PDEVICE_OBJECT Device)
{
    while (Device->AttachedDevice != NULL) {
        Device = Device->AttachedDevice;
    }
    return Device;
}

static PDEVICE_OBJECT IopBaseLocked(PDEVICE_OBJECT Device)
{
    while (IopExtension(Device)->AttachedTo != NULL) {
        Device = IopExtension(Device)->AttachedTo;
    }
    return Device;
}

/* Nothing attached, as usual: whether that is so before or after another thread attaches is
 * open. */
static BOOLEAN IopIsTop(PDEVICE_OBJECT Device)
{
    return __atomic_load_n(&Device->AttachedDevice, __ATOMIC_ACQUIRE) == NULL;
}

PDEVICE_OBJECT NTAPI IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject)
{
    if (IopIsTop(DeviceObject)) {
        return DeviceObject;
    }
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Top = IopTopLocked(DeviceObject);
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Top;
}

PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    return IoGetAttachedDevice(FileObject->DeviceObject);
}

PDEVICE_OBJECT NTAPI IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Top = IopTopLocked(DeviceObject);
    ObfReferenceObject(Top);
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Top;
}

PDEVICE_OBJECT NTAPI IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Lower = IopIsGoing(DeviceObject) ? NULL : IopExtension(DeviceObject)->AttachedTo;
    if (Lower != NULL) {
        ObfReferenceObject(Lower);
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Lower;
}

PDEVICE_OBJECT NTAPI IoGetDeviceAttachmentBaseRef(PDEVICE_OBJECT DeviceObject)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Base = IopBaseLocked(DeviceObject);
    ObfReferenceObject(Base);
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Base;
}

PDEVICE_OBJECT IopReferenceTop(PDEVICE_OBJECT Device)
{
    // Alone it needs no reference: the caller has it open.
    if (IopIsTop(Device)) {
        return Device;
    }
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(Device);
    if (Top == Device) {
        ObfDereferenceObject(Top);
    }
    return Top;
}

void IopReleaseTop(PDEVICE_OBJECT Device, PDEVICE_OBJECT Top)
{
    if (Top != Device) {
        ObfDereferenceObject(Top);
    }
}

/* Attached, if given, has the answer before anybody can call Source through the stack. */
static PDEVICE_OBJECT IopAttach(PDEVICE_OBJECT Source, PDEVICE_OBJECT Target,
                                PDEVICE_OBJECT *Attached)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PDEVICE_OBJECT Top = IopTopLocked(Target);
    // Onto a stack that Source is the bottom of: the stack would have no top any more.
    if (IopExtension(Source)->AttachedTo != NULL || IopBaseLocked(Top) == Source) {
        IopViolation(IopAttachedTwice, Source, NULL, (ULONG_PTR)IopExtension(Source)->AttachedTo);
    }
    if ((Top->Flags & DO_DEVICE_INITIALIZING) || Top->StackSize >= IOP_MAXIMUM_STACK ||
        IopIsGoing(Top)) {
        Top = NULL;
    } else {
        IopExtension(Source)->AttachedTo = Top;
        Source->StackSize = (CCHAR)(Top->StackSize + 1);
        Source->AlignmentRequirement = Top->AlignmentRequirement;
        Source->SectorSize = Top->SectorSize;
    }
    if (Attached != NULL) {
        *Attached = Top;
    }
    if (Top != NULL) {
        __atomic_store_n(&Top->AttachedDevice, Source, __ATOMIC_RELEASE);
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Top;
}

PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(PDEVICE_OBJECT Source, PDEVICE_OBJECT Target)
{
    return IopAttach(Source, Target, NULL);
}

NTSTATUS NTAPI IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT Source, PDEVICE_OBJECT Target,
                                               PDEVICE_OBJECT *AttachedToDeviceObject)
{
    return IopAttach(Source, Target, AttachedToDeviceObject) != NULL ? STATUS_SUCCESS
                                                                     : STATUS_NO_SUCH_DEVICE;
}

/* The open file keeps the target where it is until the attachment does. */
NTSTATUS NTAPI IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice,
                              PDEVICE_OBJECT *AttachedDevice)
{
    PFILE_OBJECT File;
    PDEVICE_OBJECT Target;
    NTSTATUS Status = IoGetDeviceObjectPointer(TargetDevice, FILE_READ_ATTRIBUTES, &File, &Target);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoAttachDeviceToDeviceStackSafe(SourceDevice, File->DeviceObject, AttachedDevice);
    ObfDereferenceObject(File);
    return Status;
}

/* A deletion or unload of the lower device may have waited for this. */
VOID NTAPI IoDetachDevice(PDEVICE_OBJECT Target)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    if (Target->AttachedDevice == NULL) {
        IopViolation(IopDetachedNothing, __builtin_return_address(0), NULL, (ULONG_PTR)Target);
    }
    IopExtension(Target->AttachedDevice)->AttachedTo = NULL;
    __atomic_store_n(&Target->AttachedDevice, NULL, __ATOMIC_RELEASE);
    IopSettleDevice(Target, OldIrql);
}
