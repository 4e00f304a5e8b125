/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * Promise: a process whose last reference goes while a thread is attached to it is not deleted
 * under it. */
#include "kmtprocess.h"

static VOID KmtRun(VOID)
{
    PEPROCESS Process = KmtMakeProcess();
    KAPC_STATE State;
    KeStackAttachProcess(Process, &State);
    ObDereferenceObject(Process);
    DbgPrint("never reached\n");
}
