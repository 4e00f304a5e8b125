/* STOP: 0x00000162 KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE
 * Promise: a push lock held shared is not given back as exclusive. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static EX_PUSH_LOCK Lock;
    ExInitializePushLock(&Lock);
    KeEnterCriticalRegion();
    ExAcquirePushLockShared(&Lock);
    ExReleasePushLockExclusive(&Lock);
    DbgPrint("never reached\n");
}
