/* STOP: 0x00000044 MULTIPLE_IRP_COMPLETE_REQUESTS
 * SAYS: Culprit: driver bug_irp_complete_twice.sys
 * Promise: completing a request twice is stopped. */
#include "kmtdevice.h"

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    KIRQL Irql;
    KeRaiseIrql(APC_LEVEL, &Irql); // so that the IRP is there still
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    KmtComplete(Irp, STATUS_SUCCESS, 0);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

static VOID KmtRun(VOID)
{
    IO_STATUS_BLOCK Iosb;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    PDEVICE_OBJECT Device = KmtCreateDevice(NULL, 0, FALSE);
    KmtControl(Device, KMT_CODE(0, METHOD_BUFFERED), NULL, 0, NULL, 0, &Iosb);
    DbgPrint("never reached\n");
}
