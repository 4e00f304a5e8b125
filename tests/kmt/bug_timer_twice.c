/* STOP: 0x000000C7 TIMER_OR_DPC_INVALID
 * MACHINE: debug=1
 * SAYS: STOP: 0x000000C7 \(0x0000000000000000,
 * Promise: an armed timer that is initialised again is reported. */
#include "kmt.h"

static KTIMER Timer;

static VOID KmtRun(VOID)
{
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, KmtMs(60000), NULL);
    KeInitializeTimer(&Timer);
    DbgPrint("never reached\n");
}
