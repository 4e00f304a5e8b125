/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a spin lock cannot be acquired above DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KIRQL OldIrql;
    KeInitializeSpinLock(&Lock);
    KfRaiseIrql(CLOCK_LEVEL);
    KeAcquireSpinLock(&Lock, &OldIrql);
    DbgPrint("never reached\n");
}
