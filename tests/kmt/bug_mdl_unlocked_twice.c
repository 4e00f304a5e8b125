/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * SAYS: 0x000000000000007C
 * Promise: pages are not unlocked twice. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static UCHAR Buffer[64];
    PMDL Mdl = IoAllocateMdl(Buffer, sizeof(Buffer), FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    MmUnlockPages(Mdl);
    MmUnlockPages(Mdl);
}
