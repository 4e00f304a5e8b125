/*
 * requestor.c - what drivers ask about a request's origin, and associated IRPs.
 *
 * A driver that splits a request makes an associated IRP for each part. The master counts them in
 * the place of its system buffer, so it must have none; the last to complete completes the master,
 * so the driver needs no completion routine of its own.
 */
#include "iop.h"

PIRP NTAPI IoMakeAssociatedIrp(PIRP Master, CCHAR StackSize)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Master->Flags & (IRP_DEALLOCATE_BUFFER | IRP_ASSOCIATED_IRP)) {
        IopViolation(IopMasterBuffered, __builtin_return_address(0), Master,
                     (ULONG_PTR)Master->AssociatedIrp.SystemBuffer);
    }
    PIRP Irp = IoAllocateIrp(StackSize, FALSE);
    if (Irp != NULL) {
        Irp->Flags |= IRP_ASSOCIATED_IRP;
        Irp->AssociatedIrp.MasterIrp = Master;
        Irp->Tail.Overlay.Thread = Master->Tail.Overlay.Thread;
    }
    return Irp;
}

void IopFinishAssociatedIrp(PIRP Irp, CCHAR PriorityBoost)
{
    PIRP Master = Irp->AssociatedIrp.MasterIrp;
    IopFreeMdls(Irp);
    IoFreeIrp(Irp);
    if (InterlockedDecrement(&Master->AssociatedIrp.IrpCount) == 0) {
        IofCompleteRequest(Master, PriorityBoost);
    }
}

PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp)
{
    PETHREAD Thread = Irp->Tail.Overlay.Thread;
    return Thread != NULL ? Thread->Process : NULL;
}

ULONG NTAPI IoGetRequestorProcessId(PIRP Irp)
{
    PEPROCESS Process = IoGetRequestorProcess(Irp);
    return Process != NULL ? (ULONG)(ULONG_PTR)Process->UniqueProcessId : 0;
}

BOOLEAN NTAPI IoIs32bitProcess(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return FALSE;
}

BOOLEAN NTAPI IoIsOperationSynchronous(PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    if (Irp->Flags & IRP_PAGING_IO) {
        return (Irp->Flags & IRP_SYNCHRONOUS_PAGING_IO) != 0;
    }
    return (Irp->Flags & IRP_SYNCHRONOUS_API) ||
           (File != NULL && (File->Flags & FO_SYNCHRONOUS_IO));
}

PIRP NTAPI IoGetTopLevelIrp(VOID)
{
    return KeGetCurrentThread()->TopLevelIrp;
}

VOID NTAPI IoSetTopLevelIrp(PIRP Irp)
{
    KeGetCurrentThread()->TopLevelIrp = Irp;
}

/* DPCs run on the stack of the thread that they interrupt. */
VOID NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    PKTHREAD Thread = KeGetCurrentThread();
    *LowLimit = (ULONG_PTR)Thread->StackLimit;
    *HighLimit = (ULONG_PTR)Thread->StackBase;
}

PVOID NTAPI IoGetInitialStack(VOID)
{
    return KeGetCurrentThread()->StackBase;
}
