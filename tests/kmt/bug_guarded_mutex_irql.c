/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a guarded mutex cannot be acquired at DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KGUARDED_MUTEX Mutex;
    KeInitializeGuardedMutex(&Mutex);
    KfRaiseIrql(DISPATCH_LEVEL);
    KeTryToAcquireGuardedMutex(&Mutex);
    DbgPrint("never reached\n");
}
