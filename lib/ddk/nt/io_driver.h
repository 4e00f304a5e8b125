/* nt/io_driver.h - a driver's life besides its devices: reinitialisation, shutdown, extensions of
 * its driver object, the event log (book ch. 3 and 7). */
#include <wdm.h>

#ifndef _NT_IO_DRIVER_
#define _NT_IO_DRIVER_

/* Count: how often the routine has been called for this driver, with this call. */
typedef VOID NTAPI DRIVER_REINITIALIZE(_In_ PDRIVER_OBJECT DriverObject, _In_opt_ PVOID Context,
                                       _In_ ULONG Count);
typedef DRIVER_REINITIALIZE *PDRIVER_REINITIALIZE;

/*
 * IoRegisterDriverReinitialization has Routine(DriverObject, Context, Count) called once, at
 * PASSIVE_LEVEL in a system thread, after the drivers that are being loaded now: all of those
 * that start with the system, or the one that is loaded later. IoRegisterBootDriverReinitialization
 * does so after all boot-start drivers, before the system-start ones. To be called by DriverEntry,
 * or by Routine for another call. Nothing happens when memory is exhausted, or if DriverEntry
 * fails. IRQL: PASSIVE_LEVEL. WDK.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI VOID NTAPI IoRegisterDriverReinitialization(_In_ PDRIVER_OBJECT DriverObject,
                                                        _In_ PDRIVER_REINITIALIZE Routine,
                                                        _In_opt_ PVOID Context);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI VOID NTAPI IoRegisterBootDriverReinitialization(_In_ PDRIVER_OBJECT DriverObject,
                                                            _In_ PDRIVER_REINITIALIZE Routine,
                                                            _In_opt_ PVOID Context);

/* IoRegisterShutdownNotification has IRP_MJ_SHUTDOWN sent to the device's stack before the machine
 * is switched off or restarted; the device registered last hears of it first.
 * IoRegisterLastChanceShutdownNotification does so after all of those.
 * IoUnregisterShutdownNotification takes back both, as often as they were called; IoDeleteDevice
 * does it, too, and from then on registering answers STATUS_DELETE_PENDING. PASSIVE_LEVEL.
 * STATUS_INSUFFICIENT_RESOURCES. WDK; book ch. 3. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoRegisterShutdownNotification(_In_ PDEVICE_OBJECT DeviceObject);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoRegisterLastChanceShutdownNotification(
    _In_ PDEVICE_OBJECT DeviceObject);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI VOID NTAPI IoUnregisterShutdownNotification(_In_ PDEVICE_OBJECT DeviceObject);

/* Size zeroed bytes that belong to the driver object under the key ClientIdentificationAddress, any
 * address of the driver's, and go with the object. IRQL <= APC_LEVEL. STATUS_OBJECT_NAME_COLLISION:
 * there are some with this key; STATUS_INSUFFICIENT_RESOURCES. WDK:
 * IoAllocateDriverObjectExtension. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoAllocateDriverObjectExtension(_In_ PDRIVER_OBJECT DriverObject,
                                                           _In_ PVOID ClientIdentificationAddress,
                                                           _In_ ULONG DriverObjectExtensionSize,
                                                           _Out_ PVOID *DriverObjectExtension);

/* Those bytes, or NULL. IRQL <= DISPATCH_LEVEL. WDK: IoGetDriverObjectExtension. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI IoGetDriverObjectExtension(_In_ PDRIVER_OBJECT DriverObject,
                                                   _In_ PVOID ClientIdentificationAddress);

/* An entry of the event log. Strings: NumberOfStrings terminated ones from StringOffset on. */
typedef struct _IO_ERROR_LOG_PACKET {
    UCHAR MajorFunctionCode;
    UCHAR RetryCount;
    USHORT DumpDataSize; /* bytes of DumpData, a multiple of 4 */
    USHORT NumberOfStrings;
    USHORT StringOffset;
    USHORT EventCategory;
    NTSTATUS ErrorCode;
    ULONG UniqueErrorValue;
    NTSTATUS FinalStatus;
    ULONG SequenceNumber;
    ULONG IoControlCode;
    LARGE_INTEGER DeviceOffset;
    ULONG DumpData[1];
} IO_ERROR_LOG_PACKET, *PIO_ERROR_LOG_PACKET;
#define ERROR_LOG_MAXIMUM_SIZE 240
C_ASSERT(sizeof(IO_ERROR_LOG_PACKET) == 0x30);

/* IoAllocateErrorLogEntry makes a zeroed entry of EntrySize bytes about IoObject, a device or
 * driver object; NULL: memory is exhausted, or EntrySize is less than an IO_ERROR_LOG_PACKET or
 * more than ERROR_LOG_MAXIMUM_SIZE. The caller fills it in and gives it to IoWriteErrorLogEntry,
 * which puts it into the log (the console's `eventlog` lists it), or to IoFreeErrorLogEntry. IRQL
 * <= DISPATCH_LEVEL. WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI IoAllocateErrorLogEntry(_In_ PVOID IoObject, _In_ UCHAR EntrySize);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoWriteErrorLogEntry(_In_ PVOID ElEntry);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoFreeErrorLogEntry(_In_ PVOID ElEntry);

#endif
