/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a resource cannot be acquired at DISPATCH_LEVEL, not even without waiting. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static ERESOURCE Resource;
    ExInitializeResourceLite(&Resource);
    KfRaiseIrql(DISPATCH_LEVEL);
    ExAcquireResourceSharedLite(&Resource, FALSE);
    DbgPrint("never reached\n");
}
