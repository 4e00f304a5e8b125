/* STOP: 0x00000162 KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE
 * Promise: a free push lock is not given back. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static EX_PUSH_LOCK Lock;
    ExInitializePushLock(&Lock);
    ExReleasePushLockShared(&Lock);
    DbgPrint("never reached\n");
}
