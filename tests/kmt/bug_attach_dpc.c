/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * Promise: a DPC, which runs on somebody's stack, may not take that thread to another process. */
#include "kmt.h"

#include <ntifs.h>

static KDPC Dpc;

static VOID NTAPI Routine(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    static KAPC_STATE State;
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeStackAttachProcess(PsInitialSystemProcess, &State);
}

static VOID KmtRun(VOID)
{
    KeInitializeDpc(&Dpc, Routine, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    DbgPrint("never reached\n");
}
