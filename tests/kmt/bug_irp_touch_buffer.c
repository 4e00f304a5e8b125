/* STOP: 0x000000D5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL
 * MACHINE: cmdline=verifier=0x11
 * SAYS: bug_irp_touch_buffer!Later
 * A driver keeps the system buffer of a request, and writes to it after the request is done. */
#include "kmtdevice.h"

static PUCHAR Buffer;

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    Buffer = Irp->AssociatedIrp.SystemBuffer;
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static __attribute__((noinline)) VOID Later(VOID)
{
    *(volatile UCHAR *)Buffer = 1;
}

static VOID KmtRun(VOID)
{
    UCHAR Data[16] = {0};
    IO_STATUS_BLOCK Iosb;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    KmtControl(KmtCreateDevice(NULL, 0, FALSE), KMT_CODE(0, METHOD_BUFFERED), Data, sizeof(Data),
               Data, sizeof(Data), &Iosb);
    Later();
    DbgPrint("never reached\n");
}
