/* nt/io_requestor.h - who sent a request, and on what stack; associated requests (book ch. 7). */
#include <wdm.h>

#ifndef _NT_IO_REQUESTOR_
#define _NT_IO_REQUESTOR_

/*
 * An IRP with StackSize locations for a part of the work that Irp, the master, stands for; the
 * caller is the driver that has the master. It sets Irp->AssociatedIrp.IrpCount to how many there
 * are before it sends the first, and the master's IoStatus. An associated IRP that completes is
 * freed, with its MDLs, unless its completion routine keeps it; the last one completes the master.
 * NULL: memory is exhausted. The count shares its place with the master's system buffer and with a
 * master of its own: a buffered or an associated IRP as Irp bugchecks
 * DRIVER_VERIFIER_IOMANAGER_VIOLATION (100Fh). IRQL <= DISPATCH_LEVEL. WDK: IoMakeAssociatedIrp;
 * book ch. 7.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PIRP NTAPI IoMakeAssociatedIrp(_In_ PIRP Irp, _In_ CCHAR StackSize);

/* The process of the thread that Irp was made for, not referenced; NULL: it was made for none.
 * IoGetRequestorProcessId answers its id, or 0. IRQL <= DISPATCH_LEVEL. WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PEPROCESS NTAPI IoGetRequestorProcess(_In_ PIRP Irp);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI ULONG NTAPI IoGetRequestorProcessId(_In_ PIRP Irp);

/* Whether a 32-bit process sent the request, whose structures then have 32-bit pointers; there are
 * none here: FALSE. With Irp NULL: whether the current process is one. IRQL <= DISPATCH_LEVEL.
 * WDK: IoIs32bitProcess; book ch. 7. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI IoIs32bitProcess(_In_opt_ PIRP Irp);

/* Whether whoever sent Irp waits for it: the file is synchronous, or the service always waits. Irp
 * is at a driver. IRQL <= DISPATCH_LEVEL. WDK: IoIsOperationSynchronous. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI IoIsOperationSynchronous(_In_ PIRP Irp);

/* IoSetTopLevelIrp notes an IRP, or a constant like FSRTL_FSP_TOP_LEVEL_IRP, in the current thread
 * for a file system that calls itself; IoGetTopLevelIrp answers it, NULL at first. IRQL <=
 * DISPATCH_LEVEL. WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PIRP NTAPI IoGetTopLevelIrp(VOID);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoSetTopLevelIrp(_In_opt_ PIRP Irp);

/* The stack that the caller runs on: its lowest usable address, and the one behind its highest.
 * IRQL <= DISPATCH_LEVEL. WDK: IoGetStackLimits; book ch. 7. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoGetStackLimits(_Out_ PULONG_PTR LowLimit, _Out_ PULONG_PTR HighLimit);

/* Where the current thread's stack begins: its highest address. Any IRQL. WDK:
 * IoGetInitialStack. */
NTKERNELAPI PVOID NTAPI IoGetInitialStack(VOID);

/* Bytes of the stack below the caller's frame. WDK: IoGetRemainingStackSize; book ch. 7. */
FORCEINLINE ULONG_PTR IoGetRemainingStackSize(VOID)
{
    ULONG_PTR Low, High;
    IoGetStackLimits(&Low, &High);
    return (ULONG_PTR)&Low - Low;
}

#endif
