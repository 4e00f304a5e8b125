/* STOP: 0x000000C8 IRQL_UNEXPECTED_VALUE
 * SAYS: parameter 3 is bug_apc_normal_irql!StayRaised
 * Promise: a normal routine of a kernel APC that returns at another IRQL than PASSIVE_LEVEL is
 * named. */
#include "kmt.h"

static VOID NTAPI Kernel(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                         PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
}

static VOID NTAPI StayRaised(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KfRaiseIrql(APC_LEVEL);
}

static VOID KmtRun(VOID)
{
    KAPC Apc;

    KeInitializeApc(&Apc, KeGetCurrentThread(), OriginalApcEnvironment, Kernel, NULL, StayRaised,
                    KernelMode, NULL);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    KmtSleep(1);
}
