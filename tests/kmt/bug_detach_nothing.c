/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_detach_nothing.sys
 * SAYS: 0x0000000000000202
 * A device is detached from one that nothing is attached to. */
#include "kmtdevice.h"

static VOID KmtRun(VOID)
{
    IoDetachDevice(KmtCreateDevice(NULL, 0, FALSE));
    DbgPrint("never reached\n");
}
