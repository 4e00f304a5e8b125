/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: parameter 4 is bug_pool_block_locked
 * Promise: a small block of pool is not freed while an MDL locks it. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_PAGED, 100, 0x74736554);
    PMDL Mdl = IoAllocateMdl(Block, 100, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    ExFreePoolWithTag(Block, 0x74736554);
}
