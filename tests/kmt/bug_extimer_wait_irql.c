/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: deleting an Ex timer at DISPATCH_LEVEL with a wait for its callback is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PEX_TIMER Timer = ExAllocateTimer(NULL, NULL, 0);
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    ExDeleteTimer(Timer, TRUE, TRUE, NULL);
    KeLowerIrql(OldIrql);
    KMT_CHECK(FALSE, "never reached");
}
