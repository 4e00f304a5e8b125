/* STOP: 0x00000139 KERNEL_SECURITY_CHECK_FAILURE
 * SAYS: STOP: 0x00000139 \(0x0000000000000003,
 * Promise: a link of a list of the kernel's that somebody has overwritten is stopped when the
 * kernel uses it: here an armed timer's. */
#include "kmt.h"

static KTIMER Timer;

static VOID KmtRun(VOID)
{
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, KmtMs(60000), NULL);
    Timer.TimerListEntry.Blink = &Timer.TimerListEntry;
    KeCancelTimer(&Timer);
    DbgPrint("never reached\n");
}
