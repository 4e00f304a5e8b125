/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * SAYS: Culprit: driver bug_remlock_many.sys
 * SAYS: 0x00000000E7000012
 * A checked remove lock is acquired more often than its high watermark allows. */
#undef DBG
#define DBG 1
#include "kmt.h"

static IO_REMOVE_LOCK Lock;

static VOID KmtRun(VOID)
{
    IoInitializeRemoveLock(&Lock, 'tsmK', 0, 2);
    IoAcquireRemoveLock(&Lock, (PVOID)1);
    IoAcquireRemoveLock(&Lock, (PVOID)2);
    IoAcquireRemoveLock(&Lock, (PVOID)3);
    DbgPrint("never reached\n");
}
