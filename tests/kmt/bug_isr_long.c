/* STOP: 0x00000133 DPC_WATCHDOG_VIOLATION
 * MACHINE: cmdline=dpcwatchdog=50
 * SAYS: STOP: 0x00000133 \(0x0000000000000001, 0x0000000000000018,
 * Promise: a service routine that does not end is stopped by the limit for all time at
 * DISPATCH_LEVEL or above: 300 ms here, 24 ticks at first. */
#include "kmtrtc.h"

static BOOLEAN NTAPI Linger(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    for (;;) {
        KeStallExecutionProcessor(50);
    }
}

static VOID KmtRun(VOID)
{
    KmtServeRtc(Linger);
}
