/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a shared spin lock cannot be acquired above DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    EX_SPIN_LOCK Lock = 0;
    KfRaiseIrql(CLOCK_LEVEL);
    ExAcquireSpinLockExclusive(&Lock);
    DbgPrint("never reached\n");
}
