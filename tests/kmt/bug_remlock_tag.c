/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * SAYS: Culprit: driver bug_remlock_tag.sys
 * SAYS: 0x00000000E7000010
 * A checked remove lock is released with a tag that nobody acquired it with. */
#undef DBG
#define DBG 1
#include "kmt.h"

static IO_REMOVE_LOCK Lock;

static VOID KmtRun(VOID)
{
    IoInitializeRemoveLock(&Lock, 'tsmK', 0, 0);
    IoAcquireRemoveLock(&Lock, &Lock);
    IoReleaseRemoveLock(&Lock, NULL);
    DbgPrint("never reached\n");
}
