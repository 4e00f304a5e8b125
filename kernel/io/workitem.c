/*
 * workitem.c - I/O work items: executive work items that refer to a device or driver object.
 *
 * The reference is taken by whoever queues and dropped by the worker thread after the routine has
 * returned. The last one may unmap the driver's image, so that must be code of the kernel, and
 * the item, which the routine may have freed or queued again, is not looked at any more.
 *
 * Queued goes to 1 by an interlocked operation, which decides who among several may fill in the
 * item, and back to 0 right before the routine is called.
 */
#include "iop.h"

#define IOP_TAG_WORK_ITEM 0x6B576F49 /* "IoWk" */

/* First parameter of WORKER_INVALID, with Windows' numbers. */
enum {
    IopItemQueuedTwice = 1,
    IopItemFreedQueued = 2,
    IopItemBadObject = 3
};

struct _IO_WORKITEM {
    WORK_QUEUE_ITEM Item;
    PVOID IoObject; /* i  device or driver */
    PVOID Context;
    union {
        PIO_WORKITEM_ROUTINE Routine;
        PIO_WORKITEM_ROUTINE_EX RoutineEx;
        PVOID Address;
    };
    BOOLEAN Ex;           /* which of them */
    volatile LONG Queued; /* o */
};

ULONG NTAPI IoSizeofWorkItem(VOID)
{
    return sizeof(struct _IO_WORKITEM);
}

/* A process begins with the number of a device, too: the object manager knows better. */
static BOOLEAN IopIsObjectOfType(PVOID Object, SHORT Type, POBJECT_TYPE ObjectType)
{
    if (*(PSHORT)Object != Type ||
        !NT_SUCCESS(ObReferenceObjectByPointer(Object, 0, ObjectType, KernelMode))) {
        return FALSE;
    }
    ObfDereferenceObject(Object);
    return TRUE;
}

VOID NTAPI IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (!IopIsObjectOfType(IoObject, IO_TYPE_DEVICE, IoDeviceObjectType) &&
        !IopIsObjectOfType(IoObject, IO_TYPE_DRIVER, IoDriverObjectType)) {
        KeBugCheckEx(WORKER_INVALID, IopItemBadObject, (ULONG_PTR)IoWorkItem, (ULONG_PTR)IoObject,
                     0);
    }
    RtlZeroMemory(IoWorkItem, sizeof(*IoWorkItem));
    IoWorkItem->IoObject = IoObject;
}

PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM Item;
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    Item = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Item), IOP_TAG_WORK_ITEM);
    if (Item != NULL) {
        IoInitializeWorkItem(DeviceObject, Item);
    }
    return Item;
}

VOID NTAPI IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (IoWorkItem->Queued) {
        KeBugCheckEx(WORKER_INVALID, IopItemFreedQueued, (ULONG_PTR)IoWorkItem, 0, 0);
    }
    IoWorkItem->IoObject = NULL;
}

VOID NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    IoUninitializeWorkItem(IoWorkItem);
    ExFreePoolWithTag(IoWorkItem, IOP_TAG_WORK_ITEM);
}

/* In a worker thread; Parameter is the item. */
static VOID NTAPI IopRunWorkItem(PVOID Parameter)
{
    PIO_WORKITEM Item = Parameter;
    struct _IO_WORKITEM Copy = *Item;

    // All has been read: from here on another caller may queue the item for something else.
    __atomic_store_n(&Item->Queued, 0, __ATOMIC_RELEASE);
    if (Copy.Ex) {
        Copy.RoutineEx(Copy.IoObject, Copy.Context, Item);
    } else {
        Copy.Routine(Copy.IoObject, Copy.Context);
    }
    ExCheckWorkerState(Copy.Address, Copy.Context, Item);
    ObfDereferenceObject(Copy.IoObject);
}

/* Fills in and queues an item that the caller has claimed by setting Queued. */
static void IopQueueClaimedItem(PIO_WORKITEM Item, PVOID Routine, BOOLEAN Ex,
                                WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    Item->Address = Routine;
    Item->Ex = Ex;
    Item->Context = Context;
    ObfReferenceObject(Item->IoObject);
    ExInitializeWorkItem(&Item->Item, IopRunWorkItem, Item);
    ExQueueWorkItem(&Item->Item, QueueType);
}

static void IopQueueWorkItem(PIO_WORKITEM Item, PVOID Routine, BOOLEAN Ex,
                             WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (InterlockedExchange(&Item->Queued, 1) != 0) {
        KeBugCheckEx(WORKER_INVALID, IopItemQueuedTwice, (ULONG_PTR)Item, QueueType, 0);
    }
    IopQueueClaimedItem(Item, Routine, Ex, QueueType, Context);
}

VOID NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                           WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IopQueueWorkItem(IoWorkItem, (PVOID)WorkerRoutine, FALSE, QueueType, Context);
}

VOID NTAPI IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                             WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IopQueueWorkItem(IoWorkItem, (PVOID)WorkerRoutine, TRUE, QueueType, Context);
}

BOOLEAN NTAPI IoTryQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                                 WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (InterlockedExchange(&IoWorkItem->Queued, 1) != 0) {
        return FALSE;
    }
    IopQueueClaimedItem(IoWorkItem, (PVOID)WorkerRoutine, TRUE, QueueType, Context);
    return TRUE;
}
