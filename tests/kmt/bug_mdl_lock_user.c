/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * SAYS: STATUS_ACCESS_VIOLATION
 * Promise: on behalf of user mode, system memory is not locked. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static UCHAR Buffer[64];
    PMDL Mdl = IoAllocateMdl(Buffer, sizeof(Buffer), FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, UserMode, IoReadAccess);
}
