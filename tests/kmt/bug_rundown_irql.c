/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: nobody waits for rundown at DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    EX_RUNDOWN_REF Ref;
    ExInitializeRundownProtection(&Ref);
    KfRaiseIrql(DISPATCH_LEVEL);
    ExWaitForRundownProtectionRelease(&Ref);
    DbgPrint("never reached\n");
}
