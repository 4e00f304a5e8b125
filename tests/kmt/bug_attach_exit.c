/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * Promise: a thread does not end attached to another process. */
#include "kmtprocess.h"

static VOID NTAPI Ending(PVOID Context)
{
    KAPC_STATE State;
    KeStackAttachProcess(Context, &State);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID KmtRun(VOID)
{
    KmtJoin(KmtStartThread(Ending, KmtMakeProcess()));
    DbgPrint("never reached\n");
}
