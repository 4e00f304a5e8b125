/*
 * nt/io_csq.h - cancel-safe queues (book ch. 7): the driver owns the queue and its lock and says
 * how to put an IRP in and take one out; the I/O manager sets and takes the cancel routines, so
 * that whoever gets an IRP, the driver or its cancellation, is the only one. IRPs in a queue have
 * Tail.Overlay.DriverContext[3] for the I/O manager; the rest of Tail.Overlay's driver part is the
 * driver's, ListEntry among it.
 */
#include <wdm.h>

#ifndef _NT_IO_CSQ_
#define _NT_IO_CSQ_

/* IO_CSQ.Type, IO_CSQ_IRP_CONTEXT.Type. */
#define IO_TYPE_CSQ_IRP_CONTEXT 1
#define IO_TYPE_CSQ 2
#define IO_TYPE_CSQ_EX 3

typedef struct _IO_CSQ IO_CSQ, *PIO_CSQ;

/* The driver's memory, valid until the IRP has left the queue: finds it there by IoCsqRemoveIrp. */
typedef struct _IO_CSQ_IRP_CONTEXT {
    ULONG Type;
    PIRP Irp; /* NULL: it is in no queue any more */
    PIO_CSQ Csq;
} IO_CSQ_IRP_CONTEXT, *PIO_CSQ_IRP_CONTEXT;

/* What the driver provides. All but the last are called with the queue's lock held, and for the
 * lock itself; CsqPeekNextIrp answers the IRP behind Irp, the first for NULL, that PeekContext
 * means, or NULL; CsqCompleteCanceledIrp completes it, without any lock. An insertion that fails
 * has queued nothing. */
typedef VOID NTAPI IO_CSQ_INSERT_IRP(_In_ PIO_CSQ Csq, _In_ PIRP Irp);
typedef IO_CSQ_INSERT_IRP *PIO_CSQ_INSERT_IRP;
typedef NTSTATUS NTAPI IO_CSQ_INSERT_IRP_EX(_In_ PIO_CSQ Csq, _In_ PIRP Irp,
                                            _In_opt_ PVOID InsertContext);
typedef IO_CSQ_INSERT_IRP_EX *PIO_CSQ_INSERT_IRP_EX;
typedef VOID NTAPI IO_CSQ_REMOVE_IRP(_In_ PIO_CSQ Csq, _In_ PIRP Irp);
typedef IO_CSQ_REMOVE_IRP *PIO_CSQ_REMOVE_IRP;
typedef PIRP NTAPI IO_CSQ_PEEK_NEXT_IRP(_In_ PIO_CSQ Csq, _In_opt_ PIRP Irp,
                                        _In_opt_ PVOID PeekContext);
typedef IO_CSQ_PEEK_NEXT_IRP *PIO_CSQ_PEEK_NEXT_IRP;
typedef VOID NTAPI IO_CSQ_ACQUIRE_LOCK(_In_ PIO_CSQ Csq, _Out_ PKIRQL Irql);
typedef IO_CSQ_ACQUIRE_LOCK *PIO_CSQ_ACQUIRE_LOCK;
typedef VOID NTAPI IO_CSQ_RELEASE_LOCK(_In_ PIO_CSQ Csq, _In_ KIRQL Irql);
typedef IO_CSQ_RELEASE_LOCK *PIO_CSQ_RELEASE_LOCK;
typedef VOID NTAPI IO_CSQ_COMPLETE_CANCELED_IRP(_In_ PIO_CSQ Csq, _In_ PIRP Irp);
typedef IO_CSQ_COMPLETE_CANCELED_IRP *PIO_CSQ_COMPLETE_CANCELED_IRP;

struct _IO_CSQ {
    ULONG Type;
    PIO_CSQ_INSERT_IRP CsqInsertIrp; /* IO_TYPE_CSQ_EX: a PIO_CSQ_INSERT_IRP_EX */
    PIO_CSQ_REMOVE_IRP CsqRemoveIrp;
    PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp;
    PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock;
    PIO_CSQ_RELEASE_LOCK CsqReleaseLock;
    PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp;
    PVOID ReservePointer;
};

C_ASSERT(sizeof(IO_CSQ) == 0x40 && sizeof(IO_CSQ_IRP_CONTEXT) == 0x18);

/* IoCsqInitialize, IoCsqInitializeEx: fills in a queue of the driver's memory. Any IRQL.
 * STATUS_SUCCESS. WDK: IoCsqInitialize, IoCsqInitializeEx; book ch. 7. */
NTKERNELAPI NTSTATUS NTAPI IoCsqInitialize(
    _Out_ PIO_CSQ Csq, _In_ PIO_CSQ_INSERT_IRP CsqInsertIrp, _In_ PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
    _In_ PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp, _In_ PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
    _In_ PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
    _In_ PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp);
NTKERNELAPI NTSTATUS NTAPI IoCsqInitializeEx(
    _Out_ PIO_CSQ Csq, _In_ PIO_CSQ_INSERT_IRP_EX CsqInsertIrpEx,
    _In_ PIO_CSQ_REMOVE_IRP CsqRemoveIrp, _In_ PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
    _In_ PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock, _In_ PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
    _In_ PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp);

/* Marks Irp pending and puts it into the queue; one that is cancelled already is completed by
 * CsqCompleteCanceledIrp before this returns. The dispatch routine answers STATUS_PENDING, and
 * touches the IRP no more. IRQL <= DISPATCH_LEVEL, as the queue's lock allows.
 *   Context  to find the IRP again by IoCsqRemoveIrp, or NULL
 * WDK: IoCsqInsertIrp; book ch. 7. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoCsqInsertIrp(_In_ PIO_CSQ Csq, _In_ PIRP Irp,
                                      _Out_opt_ PIO_CSQ_IRP_CONTEXT Context);

/* The same; a queue of IoCsqInitializeEx gets InsertContext, and may refuse: its error is answered,
 * and the IRP is the caller's as before, not marked. Otherwise what CsqInsertIrpEx answered, or
 * STATUS_SUCCESS. IRQL <= DISPATCH_LEVEL. WDK: IoCsqInsertIrpEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoCsqInsertIrpEx(_In_ PIO_CSQ Csq, _In_ PIRP Irp,
                                            _Out_opt_ PIO_CSQ_IRP_CONTEXT Context,
                                            _In_opt_ PVOID InsertContext);

/* The IRP of Context, out of the queue, to be completed by the caller; NULL: it has left the queue,
 * or its cancellation has it. IRQL <= DISPATCH_LEVEL. WDK: IoCsqRemoveIrp. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PIRP NTAPI IoCsqRemoveIrp(_In_ PIO_CSQ Csq, _In_ PIO_CSQ_IRP_CONTEXT Context);

/* The first IRP that CsqPeekNextIrp finds for PeekContext, out of the queue; NULL: none. Those
 * being cancelled are passed over. IRQL <= DISPATCH_LEVEL. WDK: IoCsqRemoveNextIrp; book ch. 7. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PIRP NTAPI IoCsqRemoveNextIrp(_In_ PIO_CSQ Csq, _In_opt_ PVOID PeekContext);

#endif
