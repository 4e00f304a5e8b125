/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: wanted: IopTimerLock .*\n.*held: IopCancelSpinLock
 * Promise: a lock that is taken after one of a higher rank is reported, with both. The I/O timers'
 * lock comes before the cancel lock: their routines are called with it held. */
#include "kmtdevice.h"

static VOID NTAPI Tick(PDEVICE_OBJECT Device, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
}

static VOID KmtRun(VOID)
{
    PDEVICE_OBJECT Device;
    KIRQL OldIrql;

    IoCreateDevice(KmtDriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    IoInitializeTimer(Device, Tick, NULL);
    IoAcquireCancelSpinLock(&OldIrql);
    IoStartTimer(Device);
    IoReleaseCancelSpinLock(OldIrql);
}
