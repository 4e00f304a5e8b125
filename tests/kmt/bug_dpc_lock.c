/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: parameter 2 is bug_dpc_lock!KeepLock
 * Promise: a DPC that returns with a spin lock it has taken is caught, and named. */
#include "kmt.h"

static KSPIN_LOCK Lock;

static VOID NTAPI KeepLock(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&Lock);
}

static VOID KmtRun(VOID)
{
    KDPC Dpc;
    KeInitializeDpc(&Dpc, KeepLock, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
}
