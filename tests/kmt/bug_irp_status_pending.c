/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_irp_status_pending.sys
 * Promise: completing a request with STATUS_PENDING is stopped. */
#include "kmtdevice.h"

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return KmtComplete(Irp, STATUS_PENDING, 0);
}

static VOID KmtRun(VOID)
{
    IO_STATUS_BLOCK Iosb;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    PDEVICE_OBJECT Device = KmtCreateDevice(NULL, 0, FALSE);
    KmtControl(Device, KMT_CODE(0, METHOD_BUFFERED), NULL, 0, NULL, 0, &Iosb);
    DbgPrint("never reached\n");
}
