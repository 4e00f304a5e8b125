/* STOP: 0x000000CB DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS
 * MACHINE: debug=1
 * SAYS: 2 locked pages, MDL [0-9A-F]+: bug_unload_locked!
 * Promise: a driver that goes without unlocking pages is stopped, and is told where it locked
 * them. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_PAGED, 2 * PAGE_SIZE, 'tseT');
    PMDL Mdl = IoAllocateMdl(Buffer, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
}
