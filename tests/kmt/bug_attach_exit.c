/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * Promise: a thread does not end attached to another process. */
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

static VOID NTAPI Ending(PVOID Context)
{
    KAPC_STATE State;
    KeStackAttachProcess(Context, &State);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID KmtRun(VOID)
{
    KmtJoin(KmtStartThread(Ending, Make()));
    DbgPrint("never reached\n");
}
