/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * SAYS: STATUS_ACCESS_VIOLATION
 * Promise: pages that may only be read are not locked for writing. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PMDL Mdl = IoAllocateMdl((PVOID)(ULONG_PTR)KmtRun, 64, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
}
