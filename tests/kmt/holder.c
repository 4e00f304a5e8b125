/*
 * Promise, together with the console: a driver whose device is open does not unload, but is
 * pending: its devices refuse new opens, and the last close unloads it. This driver opens
 * \\Device\\Beep and closes it when it is unloaded itself. Alone it proves that the open works.
 */
#include "kmtdevice.h"

static HANDLE Handle;

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    HANDLE Second;
    NTSTATUS Status = KmtOpen(&Second, L"\\Device\\Beep", 1, 0);
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("# opening it once more: 0x%08X\n", Status);
    if (NT_SUCCESS(Status)) {
        ZwClose(Second);
    }
    ZwClose(Handle);
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->DriverUnload = Unload;
    KMT_EQUAL(KmtOpen(&Handle, L"\\Device\\Beep", FILE_READ_DATA, 0), STATUS_SUCCESS,
              "the beep device is open");
}
