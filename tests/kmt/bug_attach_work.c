/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * SAYS: bug_attach_work!Routine
 * Promise: a work item does not leave its worker attached to another process. */
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

static WORK_QUEUE_ITEM Item;

static VOID NTAPI Routine(PVOID Context)
{
    static KAPC_STATE State;
    KeStackAttachProcess(Context, &State);
}

static VOID KmtRun(VOID)
{
    ExInitializeWorkItem(&Item, Routine, Make());
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    KmtSleep(60000);
    DbgPrint("never reached\n");
}
