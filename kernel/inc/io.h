/*
 * io.h - the I/O manager inside the kernel: drivers' life, for ldr and the console.
 *
 * A driver's image belongs to its driver object from the moment IopLoadDriverObject is called: code
 * of the image may run, and pointers into it may exist, as long as the object does. Devices, and
 * threads made by IoCreateSystemThread, refer to the object.
 */
#ifndef _IO_PRIVATE_H_
#define _IO_PRIVATE_H_

#include <ntddk.h>

/* Phase 1, after ExInitSystem: the types Driver, Device and File, \Driver, \FileSystem, IRP
 * lookaside lists, the boot disk's file system with C: and \SystemRoot. Bugchecks on failure. */
void IoInitSystem(void);

/* Whether Thread is the current one, or waits until this has called a driver's routine for it, or
 * for one that waits for it so, and so on. What Thread owns, this thread may use. NULL: FALSE. */
BOOLEAN IoWorksFor(PKTHREAD Thread);

/*
 * Called exactly once for every IopLoadDriverObject, failed or not: the driver object is gone, so
 * nothing runs in the image any more and its owner unmaps it. DriverSection is what was given then.
 * After a load that failed this is usually before IopLoadDriverObject returns, but later when the
 * driver left something behind that still refers to its object. PASSIVE_LEVEL.
 */
typedef void IO_DRIVER_GONE(PVOID DriverSection);

/*
 * Makes \Driver\ServiceName for an image mapped at ImageBase and calls its DriverEntry at
 * PASSIVE_LEVEL in a system worker thread; waits for it. PASSIVE_LEVEL.
 *   RegistryPath   the service's key; DriverEntry gets a copy that lives as long as the call
 *   Gone           see above; called even when this fails
 *   DriverObject   receives the object, referenced
 * STATUS_IMAGE_ALREADY_LOADED: the name is taken. STATUS_INSUFFICIENT_RESOURCES. Any error of
 * DriverEntry: left-over devices have been deleted and the name is free again.
 */
NTSTATUS IopLoadDriverObject(PUNICODE_STRING ServiceName, PUNICODE_STRING RegistryPath,
                             PVOID ImageBase, ULONG ImageSize, PDRIVER_INITIALIZE Entry,
                             PVOID DriverSection, IO_DRIVER_GONE *Gone,
                             PDRIVER_OBJECT *DriverObject);

/*
 * Calls DriverUnload in a system worker thread, takes the name out of \Driver and drops the
 * reference that kept the driver loaded. PASSIVE_LEVEL. The caller still owns its own reference.
 * STATUS_INVALID_DEVICE_REQUEST: the driver has no DriverUnload and stays for ever.
 * STATUS_DEVICE_BUSY: files are open, another driver is attached, or a reinitialisation routine is
 * being called. As on Windows the unload is pending from now on: the devices refuse new opens, and
 * the last close unloads. STATUS_DELETE_PENDING: it has been unloaded already.
 */
NTSTATUS IopUnloadDriverObject(PDRIVER_OBJECT DriverObject);

/* TRUE from IopUnloadDriverObject's STATUS_DEVICE_BUSY until the object is gone. Any IRQL. */
BOOLEAN IopIsUnloadPending(PDRIVER_OBJECT DriverObject);

/* The drivers that start with the system have been loaded: the boot-start ones, or All. Calls the
 * reinitialisation routines that waited for it. PASSIVE_LEVEL. */
void IoDriversStarted(BOOLEAN All);

/* Tells the drivers that have asked for it of the end of the system, once: before the machine is
 * switched off, restarted, or an emulator is left, in an orderly way. PASSIVE_LEVEL. */
void IoShutdownSystem(void);

/* Cancels the current thread's IRPs and waits until the last has completed; the thread is ending.
 * PASSIVE_LEVEL. */
void IoCancelThreadIo(void);

/* Whether Code is in a driver under verification: all drivers in the debug kernel, in the release
 * kernel those that `verifier` names. Any IRQL. */
BOOLEAN IopIsVerified(PVOID Code);

#endif
