/* STOP: 0x00000035 NO_MORE_IRP_STACK_LOCATIONS
 * SAYS: Culprit: driver bug_irp_no_location.sys
 * Promise: passing a request on without a location for it is stopped. */
#include "kmtdevice.h"

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoMarkIrpPending(Irp);
    return IoCallDriver(Device, Irp);
}

static VOID KmtRun(VOID)
{
    IO_STATUS_BLOCK Iosb;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    PDEVICE_OBJECT Device = KmtCreateDevice(NULL, 0, FALSE);
    KmtControl(Device, KMT_CODE(0, METHOD_BUFFERED), NULL, 0, NULL, 0, &Iosb);
    DbgPrint("never reached\n");
}
