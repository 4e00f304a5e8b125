/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a timer set above DISPATCH_LEVEL, as in an interrupt service routine, is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KTIMER Timer;
    KIRQL OldIrql;

    KeInitializeTimer(&Timer);
    KeRaiseIrql(CLOCK_LEVEL, &OldIrql);
    KeSetTimer(&Timer, KmtMs(1), NULL);
    KeLowerIrql(OldIrql);
    KMT_CHECK(FALSE, "never reached");
}
