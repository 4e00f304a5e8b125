/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_call_deleted_device.sys, IRP
 * SAYS: STOP: 0x000000C9 .0x0000000000000004,
 * A request is sent to a device that was deleted, and that nobody refers to. */
#include "kmtstack.h"

static NTSTATUS AtBase(PIRP Irp)
{
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS AtFilter(PIRP Irp)
{
    return KmtPassOn(Irp);
}

static VOID KmtRun(VOID)
{
    PDEVICE_OBJECT Device;
    PIRP Irp;
    KmtMakeStack();
    Device = KmtCreateDevice(NULL, 0, FALSE);
    Irp = KmtMakeRead(Device);
    IoDeleteDevice(Device);
    IoCallDriver(Device, Irp);
    DbgPrint("never reached\n");
}
