/* STOP: 0x000000C8 IRQL_UNEXPECTED_VALUE
 * SAYS: parameter 3 is bug_isr_irql!StayRaised
 * Promise: a service routine that returns at another IRQL than it was called at is caught, and
 * named. */
#include "kmtrtc.h"

static BOOLEAN NTAPI StayRaised(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    KfRaiseIrql(CLOCK_LEVEL);
    return TRUE;
}

static VOID KmtRun(VOID)
{
    KmtServeRtc(StayRaised);
}
