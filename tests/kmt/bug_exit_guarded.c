/* STOP: 0x00000020 KERNEL_APC_PENDING_DURING_EXIT
 * Promise: a thread does not end in a guarded region, even when no APC waits for it. */
#include "kmt.h"

static VOID NTAPI EndInRegion(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterGuardedRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
    DbgPrint("never reached\n");
}

static VOID KmtRun(VOID)
{
    KmtJoin(KmtStartThread(EndInRegion, NULL));
    DbgPrint("never reached\n");
}
