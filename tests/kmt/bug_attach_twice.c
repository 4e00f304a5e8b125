/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_attach_twice.sys, device [0-9A-Fa-f]+ .Device.KmtTwice of .Driver.kmt_bug_attach_twice
 * SAYS: 0x000000000000100E
 * A filter is attached to two stacks. */
#include "kmtdevice.h"

static VOID KmtRun(VOID)
{
    PDEVICE_OBJECT Filter = KmtCreateDevice(L"\\Device\\KmtTwice", 0, FALSE);
    IoAttachDeviceToDeviceStack(Filter, KmtCreateDevice(NULL, 0, FALSE));
    IoAttachDeviceToDeviceStack(Filter, KmtCreateDevice(NULL, 0, FALSE));
    DbgPrint("never reached\n");
}
