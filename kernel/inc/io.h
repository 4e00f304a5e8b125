/* io.h - the I/O manager inside the kernel: drivers' life, for ldr, cm and the console. */
#ifndef _IO_PRIVATE_H_
#define _IO_PRIVATE_H_

#include <ntddk.h>

void IoInitSystem(void); /* object types, \Device, \Driver, \??, IRP lookaside */

/* Makes \Driver\ServiceName for an image mapped at ImageBase and calls its DriverEntry at PASSIVE_LEVEL in a system
 * worker thread. On failure the object is gone again and the image still mapped (ldr unmaps). *DriverObject is referenced. */
NTSTATUS IopLoadDriverObject(PUNICODE_STRING ServiceName, PUNICODE_STRING RegistryPath,
                             PVOID ImageBase, ULONG ImageSize, PDRIVER_INITIALIZE Entry,
                             PVOID DriverSection, PDRIVER_OBJECT *DriverObject);
/* Calls DriverUnload in a worker thread when the driver has one and no device is in use; STATUS_INVALID_DEVICE_REQUEST
 * when it has none, STATUS_DEVICE_BUSY(pending unload as Windows) when files are open. */
NTSTATUS IopUnloadDriverObject(PDRIVER_OBJECT DriverObject);
extern POBJECT_TYPE IoDriverObjectTypeP, IoDeviceObjectTypeP;

#endif
