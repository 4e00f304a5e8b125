/* nt/io_stack.h - device stacks: filters attach to devices, and send IRPs on (book ch. 7). */
#include <wdm.h>

#ifndef _NT_IO_STACK_
#define _NT_IO_STACK_

/* What a completion routine answers: the walk up goes on, or the IRP is the routine's driver's
 * again. Any status but STATUS_MORE_PROCESSING_REQUIRED goes on. WDK; book ch. 7. */
#define STATUS_CONTINUE_COMPLETION STATUS_SUCCESS
typedef enum _IO_COMPLETION_ROUTINE_RESULT {
    ContinueCompletion = STATUS_CONTINUE_COMPLETION,
    StopCompletion = STATUS_MORE_PROCESSING_REQUIRED
} IO_COMPLETION_ROUTINE_RESULT, *PIO_COMPLETION_ROUTINE_RESULT;

/* IoAttachDeviceToDeviceStack with a name: TargetDevice is opened, for reading its attributes, and
 * closed again. PASSIVE_LEVEL.
 *   AttachedDevice  receives the device that was on top, before requests reach SourceDevice
 * STATUS_NO_SUCH_DEVICE: it is initializing or going away. Errors as ZwOpenFile.
 * WDK: IoAttachDevice. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoAttachDevice(_In_ PDEVICE_OBJECT SourceDevice,
                                          _In_ PUNICODE_STRING TargetDevice,
                                          _Out_ PDEVICE_OBJECT *AttachedDevice);

/* Puts SourceDevice on top of TargetDevice's stack and sets its StackSize, AlignmentRequirement and
 * SectorSize; answers the device that was on top, which is where SourceDevice sends its requests
 * on; NULL when that one is initializing or going away, or the stack has 125 devices. Requests may
 * come before this returns. A SourceDevice that is attached already, or has TargetDevice above it,
 * bugchecks DRIVER_VERIFIER_IOMANAGER_VIOLATION (100Eh). IRQL <= DISPATCH_LEVEL. WDK:
 * IoAttachDeviceToDeviceStack; book ch. 7. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(_In_ PDEVICE_OBJECT SourceDevice,
                                                             _In_ PDEVICE_OBJECT TargetDevice);

/* The same; the answer is in *AttachedToDeviceObject, which may be in the device extension, before
 * any request can come. IRQL <= DISPATCH_LEVEL. STATUS_NO_SUCH_DEVICE, and NULL there.
 * WDK: IoAttachDeviceToDeviceStackSafe. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoAttachDeviceToDeviceStackSafe(
    _In_ PDEVICE_OBJECT SourceDevice, _In_ PDEVICE_OBJECT TargetDevice,
    _Outptr_ PDEVICE_OBJECT *AttachedToDeviceObject);

/* Takes the device that is attached to TargetDevice off it: TargetDevice is what
 * IoAttachDeviceToDeviceStack answered. A request may be on its way still: it is called with a
 * device that was deleted, too. IRQL <= DISPATCH_LEVEL (WDK: PASSIVE_LEVEL). Bugchecks
 * DRIVER_VERIFIER_IOMANAGER_VIOLATION when nothing is attached. WDK: IoDetachDevice; book ch. 7. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoDetachDevice(_Inout_ PDEVICE_OBJECT TargetDevice);

/* IoGetAttachedDevice: the top of DeviceObject's stack, which is DeviceObject when nothing is
 * attached; IoGetAttachedDeviceReference: the same, to be dereferenced by the caller.
 * IRQL <= DISPATCH_LEVEL. WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetAttachedDevice(_In_ PDEVICE_OBJECT DeviceObject);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetAttachedDeviceReference(_In_ PDEVICE_OBJECT DeviceObject);

/* The device below, to be dereferenced by the caller; NULL: none, or DeviceObject or its driver is
 * going away. IRQL <= DISPATCH_LEVEL. WDK: IoGetLowerDeviceObject. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetLowerDeviceObject(_In_ PDEVICE_OBJECT DeviceObject);

/* The bottom of the stack, to be dereferenced by the caller. IRQL <= DISPATCH_LEVEL.
 * WDK: IoGetDeviceAttachmentBaseRef. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetDeviceAttachmentBaseRef(_In_ PDEVICE_OBJECT DeviceObject);

/*
 * IoSetCompletionRoutine for a driver that may be unloaded: DeviceObject, and with it the driver,
 * stays until the routine has returned. IRQL <= DISPATCH_LEVEL. STATUS_INSUFFICIENT_RESOURCES: no
 * routine was set. The IRP must be sent: what this allocates is freed on the IRP's way up.
 * WDK: IoSetCompletionRoutineEx.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoSetCompletionRoutineEx(_In_ PDEVICE_OBJECT DeviceObject, _In_ PIRP Irp,
                                                    _In_ PIO_COMPLETION_ROUTINE CompletionRoutine,
                                                    _In_opt_ PVOID Context,
                                                    _In_ BOOLEAN InvokeOnSuccess,
                                                    _In_ BOOLEAN InvokeOnError,
                                                    _In_ BOOLEAN InvokeOnCancel);

/* Sends a copy of the caller's location to DeviceObject and waits until the lower drivers are done;
 * the IRP is then the caller's again, to be completed. FALSE: there is no location left, nothing
 * was sent. PASSIVE_LEVEL. WDK: IoForwardIrpSynchronously. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI BOOLEAN NTAPI IoForwardIrpSynchronously(_In_ PDEVICE_OBJECT DeviceObject,
                                                    _In_ PIRP Irp);
#define IoForwardAndCatchIrp IoForwardIrpSynchronously

/* Sends Irp, whose next location is filled in, and waits; the IRP is then the caller's, to be
 * freed or sent again. The final status. PASSIVE_LEVEL. WDK: IoSynchronousCallDriver. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoSynchronousCallDriver(_In_ PDEVICE_OBJECT DeviceObject, _In_ PIRP Irp);

/* PoCallDriver passes an IRP_MJ_POWER on, as IoCallDriver does. PoStartNextPowerIrp has nothing to
 * do since Windows Vista: power IRPs do not wait for each other. IRQL <= DISPATCH_LEVEL. WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI PoCallDriver(_In_ PDEVICE_OBJECT DeviceObject, _Inout_ PIRP Irp);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI PoStartNextPowerIrp(_Inout_ PIRP Irp);

#endif
