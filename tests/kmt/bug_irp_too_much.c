/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_irp_too_much.sys
 * Promise: answering with more data than the requester has room for is stopped. */
#include "kmtdevice.h"

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return KmtComplete(Irp, STATUS_SUCCESS, 11);
}

static VOID KmtRun(VOID)
{
    IO_STATUS_BLOCK Iosb;
    UCHAR Input[20] = {0}, Output[10];
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    PDEVICE_OBJECT Device = KmtCreateDevice(NULL, 0, FALSE);
    KmtControl(Device, KMT_CODE(0, METHOD_BUFFERED), Input, 20, Output, 10, &Iosb);
    DbgPrint("never reached\n");
}
