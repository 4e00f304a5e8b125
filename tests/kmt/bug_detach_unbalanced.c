/* STOP: 0x00000006 INVALID_PROCESS_DETACH_ATTEMPT
 * Promise: nobody detaches more often than attached. */
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

static VOID KmtRun(VOID)
{
    KAPC_STATE State;
    KeStackAttachProcess(Make(), &State);
    KeUnstackDetachProcess(&State);
    KeUnstackDetachProcess(&State);
    DbgPrint("never reached\n");
}
