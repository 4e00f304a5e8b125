/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * SAYS: Culprit: driver bug_remlock_twice.sys
 * SAYS: 0x00000000E7000014
 * A device is removed twice. */
#include "kmt.h"

static IO_REMOVE_LOCK Lock;

static VOID KmtRun(VOID)
{
    IoInitializeRemoveLock(&Lock, 'tsmK', 0, 0);
    IoAcquireRemoveLock(&Lock, NULL);
    IoReleaseRemoveLockAndWait(&Lock, NULL);
    IoReleaseRemoveLockAndWait(&Lock, NULL);
    DbgPrint("never reached\n");
}
