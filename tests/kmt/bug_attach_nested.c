/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * Promise: KeAttachProcess does not nest. */
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
    KeAttachProcess(Make());
    KeAttachProcess(Make());
    DbgPrint("never reached\n");
}
