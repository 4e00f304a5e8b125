/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * SAYS: bug_attach_apc!Kernel
 * Promise: an APC leaves the thread in the process where it found it. */
#include "kmtprocess.h"

static PEPROCESS Other;

static VOID NTAPI Kernel(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context, PVOID *Argument1,
                         PVOID *Argument2)
{
    static KAPC_STATE State;
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeStackAttachProcess(Other, &State);
}

static VOID KmtRun(VOID)
{
    static KAPC Apc;
    Other = KmtMakeProcess();
    KeInitializeApc(&Apc, KeGetCurrentThread(), OriginalApcEnvironment, Kernel, NULL, NULL,
                    KernelMode, NULL);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    DbgPrint("never reached\n");
}
