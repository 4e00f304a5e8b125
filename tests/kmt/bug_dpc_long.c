/* STOP: 0x00000133 DPC_WATCHDOG_VIOLATION
 * MACHINE: cmdline=dpcwatchdog=200
 * SAYS: routine bug_dpc_long!Linger
 * SAYS: STOP: 0x00000133 \(0x0000000000000000, 0x000000000000000E, 0x000000000000000D,
 * Promise: a DPC that does not end is stopped when it has run for longer than the limit, 13 ticks
 * of 15.6 ms here, and named. */
#include "kmt.h"

static VOID NTAPI Linger(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    for (;;) {
        KeStallExecutionProcessor(50);
    }
}

static VOID KmtRun(VOID)
{
    KDPC Dpc;
    KeInitializeDpc(&Dpc, Linger, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
}
