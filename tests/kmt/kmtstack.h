/* kmtstack.h - for the drivers that make a mistake with a request: a stack of two devices, a
 * request for its top, and dispatch routines for both, which the test provides. */
#ifndef _KMTSTACK_H_
#define _KMTSTACK_H_

#include "kmtdevice.h"

static PDEVICE_OBJECT Base, Filter;

static NTSTATUS AtBase(PIRP Irp);
static NTSTATUS AtFilter(PIRP Irp);

static NTSTATUS NTAPI KmtDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    return Device == Base ? AtBase(Irp) : AtFilter(Irp);
}

static inline VOID KmtMakeStack(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = KmtDispatch;
    Base = KmtCreateDevice(L"\\Device\\KmtBase", 0, FALSE);
    Filter = KmtCreateDevice(NULL, 0, FALSE);
    IoAttachDeviceToDeviceStack(Filter, Base);
}

static NTSTATUS NTAPI KmtKeep(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP of the driver's own, which comes back to it. */
static inline PIRP KmtMakeRead(PDEVICE_OBJECT Device)
{
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, KmtKeep, NULL, TRUE, TRUE, TRUE);
    return Irp;
}

static inline NTSTATUS KmtPassOn(PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Base, Irp);
}

#endif
