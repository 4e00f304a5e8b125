/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_attach_cycle.sys, device [0-9A-Fa-f]+ .Device.KmtCycle of .Driver.kmt_bug_attach_cycle
 * SAYS: 0x000000000000100E
 * The device at the bottom of a stack is attached to the stack's top: the way up would never
 * end. */
#include "kmtdevice.h"

static VOID KmtRun(VOID)
{
    PDEVICE_OBJECT Bottom = KmtCreateDevice(L"\\Device\\KmtCycle", 0, FALSE);
    PDEVICE_OBJECT Middle = KmtCreateDevice(NULL, 0, FALSE);
    IoAttachDeviceToDeviceStack(Middle, Bottom);
    IoAttachDeviceToDeviceStack(KmtCreateDevice(NULL, 0, FALSE), Bottom);
    IoAttachDeviceToDeviceStack(Bottom, Middle);
    DbgPrint("never reached\n");
}
