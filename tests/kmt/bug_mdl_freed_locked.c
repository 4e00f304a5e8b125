/* STOP: 0x000000CB DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS
 * MACHINE: debug=1
 * SAYS: parameter 1 is bug_mdl_freed_locked
 * Promise: an MDL is not freed while it locks pages; who locked them is named. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static UCHAR Buffer[64];
    PMDL Mdl = IoAllocateMdl(Buffer, sizeof(Buffer), FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    IoFreeMdl(Mdl);
}
