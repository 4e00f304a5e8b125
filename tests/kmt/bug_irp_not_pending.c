/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_irp_not_pending.sys
 * Promise: marking a request pending and answering something else is stopped. */
#include "kmtdevice.h"

static NTSTATUS NTAPI Create(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoMarkIrpPending(Irp);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID KmtRun(VOID)
{
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb;
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = Create;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    KmtCreateDevice(L"\\Device\\KmtBug", 0, FALSE);
    KmtOpen(&Handle, L"\\Device\\KmtBug", SYNCHRONIZE, FILE_SYNCHRONOUS_IO_NONALERT);
    ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, KMT_CODE(0, METHOD_BUFFERED), NULL, 0,
                          NULL, 0);
    DbgPrint("never reached\n");
}
