/* STOP: 0x00000006 INVALID_PROCESS_DETACH_ATTEMPT
 * Promise: APCs of the attached environment are not left behind: who keeps them off must not
 * detach. */
#include "kmtprocess.h"

static VOID NTAPI Kernel(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context, PVOID *Argument1,
                         PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID KmtRun(VOID)
{
    static KAPC Apc;
    KAPC_STATE State;
    KeStackAttachProcess(KmtMakeProcess(), &State);
    KeEnterGuardedRegion();
    KeInitializeApc(&Apc, KeGetCurrentThread(), CurrentApcEnvironment, Kernel, NULL, NULL,
                    KernelMode, NULL);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    KeUnstackDetachProcess(&State);
    DbgPrint("never reached\n");
}
