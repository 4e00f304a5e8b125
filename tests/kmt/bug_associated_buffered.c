/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_associated_buffered.sys
 * SAYS: 0x000000000000100F
 * A buffered request is split into associated IRPs: their count would stand in the place of the
 * system buffer's address. */
#include "kmtdevice.h"

static NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Write(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoMakeAssociatedIrp(Irp, Device->StackSize);
    DbgPrint("never reached\n");
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID KmtRun(VOID)
{
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb;
    LARGE_INTEGER Zero = {.QuadPart = 0};
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_WRITE] = Write;
    KmtCreateDevice(L"\\Device\\KmtBuffered", 0, FALSE)->Flags |= DO_BUFFERED_IO;
    KmtOpen(&Handle, L"\\Device\\KmtBuffered", FILE_WRITE_DATA | SYNCHRONIZE,
            FILE_SYNCHRONOUS_IO_NONALERT);
    ZwWriteFile(Handle, NULL, NULL, NULL, &Iosb, &Zero, sizeof(Zero), &Zero, NULL);
}
