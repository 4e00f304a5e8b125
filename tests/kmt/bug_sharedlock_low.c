/* STOP: 0x00000009 IRQL_NOT_GREATER_OR_EQUAL
 * Promise: a shared spin lock taken AtDpcLevel below DISPATCH_LEVEL is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    EX_SPIN_LOCK Lock = 0;
    ExAcquireSpinLockSharedAtDpcLevel(&Lock);
    DbgPrint("never reached\n");
}
