/* STOP: 0x00000192 KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL
 * Promise: a push lock cannot be acquired at DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static EX_PUSH_LOCK Lock;
    ExInitializePushLock(&Lock);
    KfRaiseIrql(DISPATCH_LEVEL);
    ExAcquirePushLockShared(&Lock);
    DbgPrint("never reached\n");
}
