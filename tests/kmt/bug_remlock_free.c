/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * SAYS: Culprit: driver bug_remlock_free.sys
 * SAYS: 0x00000000E7000013
 * A remove lock that nobody has acquired is released. */
#include "kmt.h"

static IO_REMOVE_LOCK Lock;

static VOID KmtRun(VOID)
{
    IoInitializeRemoveLock(&Lock, 'tsmK', 0, 0);
    IoReleaseRemoveLock(&Lock, NULL);
    DbgPrint("never reached\n");
}
