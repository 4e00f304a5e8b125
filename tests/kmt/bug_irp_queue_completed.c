/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_irp_queue_completed.sys, IRP
 * SAYS: STOP: 0x000000C9 .0x0000000000001009,
 * An IRP is queued for StartIo after it has been completed. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS AtFilter(PIRP Irp)
{
    return KmtPassOn(Irp);
}

static VOID NTAPI StartIo(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
}

static VOID KmtRun(VOID)
{
    PIRP Irp;
    KmtMakeStack();
    KmtDriverObject->DriverStartIo = StartIo;
    Irp = KmtMakeRead(Filter);
    IoCallDriver(Filter, Irp);
    IoStartPacket(Base, Irp, NULL, NULL);
    DbgPrint("never reached\n");
}
