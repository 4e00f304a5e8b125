/*
 * nt/io_work.h - I/O work items (book ch. 6): work items that keep a driver's device or driver
 * object, and with it the driver's image, from the moment they are queued until their routine has
 * returned.
 *
 * Misuse bugchecks WORKER_INVALID: 1 (item, queue) it is queued already; 2 (item) freed or
 * uninitialised while it is queued; 3 (item, object) made for something that is neither a device
 * nor a driver object. What a routine must leave behind: see ExQueueWorkItem.
 */
#include <wdm.h>

#ifndef _NT_IO_WORK_
#define _NT_IO_WORK_

typedef struct _IO_WORKITEM *PIO_WORKITEM;

typedef VOID NTAPI IO_WORKITEM_ROUTINE(_In_ PDEVICE_OBJECT DeviceObject, _In_opt_ PVOID Context);
typedef IO_WORKITEM_ROUTINE *PIO_WORKITEM_ROUTINE;
typedef VOID NTAPI IO_WORKITEM_ROUTINE_EX(_In_ PVOID IoObject, _In_opt_ PVOID Context,
                                          _In_ PIO_WORKITEM IoWorkItem);
typedef IO_WORKITEM_ROUTINE_EX *PIO_WORKITEM_ROUTINE_EX;

/* A new work item for DeviceObject (no reference yet); NULL when memory is exhausted. Ends with
 * IoFreeWorkItem. IRQL <= DISPATCH_LEVEL. WDK: IoAllocateWorkItem; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PIO_WORKITEM NTAPI IoAllocateWorkItem(_In_ PDEVICE_OBJECT DeviceObject);

/* Frees an item of IoAllocateWorkItem that is not queued; its own routine may do it.
 * IRQL <= DISPATCH_LEVEL. WDK: IoFreeWorkItem; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoFreeWorkItem(_In_ PIO_WORKITEM IoWorkItem);

/* Bytes of resident, 8-byte aligned memory that IoInitializeWorkItem wants. Any IRQL.
 * WDK: IoSizeofWorkItem; book ch. 6. */
NTKERNELAPI ULONG NTAPI IoSizeofWorkItem(VOID);

/* Makes the caller's memory a work item for IoObject, a device or driver object. Ends with
 * IoUninitializeWorkItem. IRQL <= DISPATCH_LEVEL. WDK: IoInitializeWorkItem; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoInitializeWorkItem(_In_ PVOID IoObject, _Out_ PIO_WORKITEM IoWorkItem);

/* The memory is the caller's again; the item is not queued. IRQL <= DISPATCH_LEVEL.
 * WDK: IoUninitializeWorkItem; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoUninitializeWorkItem(_Inout_ PIO_WORKITEM IoWorkItem);

/*
 * Has WorkerRoutine(device object, Context) called at PASSIVE_LEVEL by a system worker thread. The
 * item, which must not be queued, may be queued again or freed once the routine runs.
 *   QueueType   as ExQueueWorkItem
 * IRQL <= DISPATCH_LEVEL. WDK: IoQueueWorkItem; book ch. 6.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoQueueWorkItem(_Inout_ PIO_WORKITEM IoWorkItem,
                                       _In_ PIO_WORKITEM_ROUTINE WorkerRoutine,
                                       _In_ WORK_QUEUE_TYPE QueueType, _In_opt_ PVOID Context);

/* The same for a routine that is told the item too, so that it can free it; with an item of
 * IoInitializeWorkItem the object may be a driver. IRQL <= DISPATCH_LEVEL.
 * WDK: IoQueueWorkItemEx; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoQueueWorkItemEx(_Inout_ PIO_WORKITEM IoWorkItem,
                                         _In_ PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                                         _In_ WORK_QUEUE_TYPE QueueType, _In_opt_ PVOID Context);

/* IoQueueWorkItemEx unless the item is queued already: then FALSE, and nothing is changed. Several
 * callers may try at once; one of them wins. IRQL <= DISPATCH_LEVEL. WDK: IoTryQueueWorkItem. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI IoTryQueueWorkItem(_Inout_ PIO_WORKITEM IoWorkItem,
                                             _In_ PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                                             _In_ WORK_QUEUE_TYPE QueueType,
                                             _In_opt_ PVOID Context);

#endif
