/* nt/io_build.h - IRPs that the I/O manager fills in for drivers that send their own (book ch.
 * 7). */
#include <wdm.h>

#ifndef _NT_IO_BUILD_
#define _NT_IO_BUILD_

/*
 * An IRP for DeviceObject, ready for IoCallDriver, which must follow in this thread. It belongs to
 * the thread: its completion frees it with its buffers, and the thread's end cancels it.
 * PASSIVE_LEVEL, for the call and while it is waited for.
 *   MajorFunction   IRP_MJ_READ, WRITE, FLUSH_BUFFERS, SHUTDOWN or PNP
 *   Buffer, Length, StartingOffset  of a read or write; passed on as the device's flags say
 *   Event           set when IoCallDriver answered STATUS_PENDING and the request is done
 *   IoStatusBlock   filled then, and when it succeeded at once
 * NULL: out of memory, or a buffered or direct buffer that is not mapped.
 * WDK: IoBuildSynchronousFsdRequest; book ch. 7.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI PIRP NTAPI IoBuildSynchronousFsdRequest(_In_ ULONG MajorFunction,
                                                    _In_ PDEVICE_OBJECT DeviceObject,
                                                    _In_opt_ PVOID Buffer, _In_opt_ ULONG Length,
                                                    _In_opt_ PLARGE_INTEGER StartingOffset,
                                                    _In_ PKEVENT Event,
                                                    _Out_ PIO_STATUS_BLOCK IoStatusBlock);

/*
 * The same without an event, for a driver that hears of the end by its completion routine, in any
 * thread; the IRP belongs to no thread. The routine answers STATUS_MORE_PROCESSING_REQUIRED and
 * frees what there is: Irp->AssociatedIrp.SystemBuffer with ExFreePool when Irp->Flags has
 * IRP_DEALLOCATE_BUFFER (after copying a read's data to Irp->UserBuffer), each MDL with
 * MmUnlockPages, when its flags have MDL_PAGES_LOCKED, and IoFreeMdl, the IRP with IoFreeIrp.
 * IRQL <= APC_LEVEL. WDK: IoBuildAsynchronousFsdRequest; book ch. 7.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI PIRP NTAPI IoBuildAsynchronousFsdRequest(_In_ ULONG MajorFunction,
                                                     _In_ PDEVICE_OBJECT DeviceObject,
                                                     _In_opt_ PVOID Buffer, _In_opt_ ULONG Length,
                                                     _In_opt_ PLARGE_INTEGER StartingOffset,
                                                     _In_opt_ PIO_STATUS_BLOCK IoStatusBlock);

/* IoAllocateIrpEx, IoSizeofIrpEx, IoInitializeIrpEx: IoAllocateIrp, IoSizeOfIrp and IoInitializeIrp
 * for an IRP that is going to be sent to DeviceObject. WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PIRP NTAPI IoAllocateIrpEx(_In_ PDEVICE_OBJECT DeviceObject, _In_ CCHAR StackSize,
                                       _In_ BOOLEAN ChargeQuota);
NTKERNELAPI USHORT NTAPI IoSizeofIrpEx(_In_ PDEVICE_OBJECT DeviceObject, _In_ CCHAR StackSize);
NTKERNELAPI VOID NTAPI IoInitializeIrpEx(_Out_ PIRP Irp, _In_ PDEVICE_OBJECT DeviceObject,
                                         _In_ USHORT PacketSize, _In_ CCHAR StackSize);

#endif
