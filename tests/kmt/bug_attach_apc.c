/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * SAYS: bug_attach_apc!Kernel
 * Promise: an APC leaves the thread in the process where it found it. */
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
    Other = Make();
    KeInitializeApc(&Apc, KeGetCurrentThread(), OriginalApcEnvironment, Kernel, NULL, NULL,
                    KernelMode, NULL);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    DbgPrint("never reached\n");
}
