/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a fast mutex cannot be acquired at DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    FAST_MUTEX Mutex;
    ExInitializeFastMutex(&Mutex);
    KfRaiseIrql(DISPATCH_LEVEL);
    ExAcquireFastMutex(&Mutex);
    DbgPrint("never reached\n");
}
