/* STOP: 0x00000006 INVALID_PROCESS_DETACH_ATTEMPT
 * Promise: APCs of the attached environment are not left behind: who keeps them off must not detach. */
#include "kmt.h"

#include <ntexapi.h>

static PEPROCESS Make(VOID)
{
    HANDLE Handle;
    PVOID Process = NULL;
    ZwCreateProcessEx(&Handle, PROCESS_ALL_ACCESS, NULL, NtCurrentProcess(), 0, NULL, NULL, NULL,
                      0);
    ObReferenceObjectByHandle(Handle, 0, *PsProcessType, KernelMode, &Process, NULL);
    ZwClose(Handle);
    return (PEPROCESS)Process;
}

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
    KeStackAttachProcess(Make(), &State);
    KeEnterGuardedRegion();
    KeInitializeApc(&Apc, KeGetCurrentThread(), CurrentApcEnvironment, Kernel, NULL, NULL,
                    KernelMode, NULL);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    KeUnstackDetachProcess(&State);
    DbgPrint("never reached\n");
}
