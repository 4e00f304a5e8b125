/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * Promise: an MDL is not freed while it is mapped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 0x74736554);
    PMDL Mdl = IoAllocateMdl(Block, 100, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    MmMapLockedPages(Mdl, KernelMode);
    IoFreeMdl(Mdl);
}
