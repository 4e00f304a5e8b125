/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * SAYS: 0x00000000000000B0
 * Promise: an MDL is not locked twice. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static UCHAR Buffer[64];
    PMDL Mdl = IoAllocateMdl(Buffer, sizeof(Buffer), FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
}
