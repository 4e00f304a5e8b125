/* STOP: 0x0000004E PFN_LIST_CORRUPT
 * SAYS: 0x000000000000009A
 * Promise: pages of pool are not freed while they are locked. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * PAGE_SIZE, 0x74736554);
    PMDL Mdl = IoAllocateMdl(Block, 100, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    ExFreePoolWithTag(Block, 0x74736554);
}
