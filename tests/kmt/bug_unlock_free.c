/* STOP: 0x00000010 SPIN_LOCK_NOT_OWNED
 * Promise: releasing a spin lock that nobody holds is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KeInitializeSpinLock(&Lock);
    KeReleaseSpinLock(&Lock, PASSIVE_LEVEL);
}
