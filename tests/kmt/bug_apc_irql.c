/* STOP: 0x000000C8 IRQL_UNEXPECTED_VALUE
 * SAYS: parameter 3 is bug_apc_irql!StayRaised
 * Promise: a kernel routine of an APC that returns at another IRQL than APC_LEVEL is named. */
#include "kmt.h"

static VOID NTAPI StayRaised(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                             PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    KfRaiseIrql(DISPATCH_LEVEL);
}

static VOID KmtRun(VOID)
{
    KAPC Apc;

    KeInitializeApc(&Apc, KeGetCurrentThread(), OriginalApcEnvironment, StayRaised, NULL, NULL,
                    KernelMode, NULL);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    KmtSleep(1);
}
