/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * SAYS: 0x000000000000007D
 * Promise: an MDL of non-paged pool is not unlocked. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 0x74736554);
    PMDL Mdl = IoAllocateMdl(Block, 100, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    MmUnlockPages(Mdl);
}
