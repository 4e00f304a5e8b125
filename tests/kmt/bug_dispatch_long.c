/* STOP: 0x00000133 DPC_WATCHDOG_VIOLATION
 * MACHINE: cmdline=dpcwatchdog=50
 * SAYS: STOP: 0x00000133 \(0x0000000000000001, 0x0000000000000018,
 * Promise: a thread that does not come down from DISPATCH_LEVEL is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KeRaiseIrqlToDpcLevel();
    for (;;) {
        KeStallExecutionProcessor(50);
    }
}
