/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * SAYS: bug_attach_work!Routine
 * Promise: a work item does not leave its worker attached to another process. */
#include "kmtprocess.h"

static WORK_QUEUE_ITEM Item;

static VOID NTAPI Routine(PVOID Context)
{
    static KAPC_STATE State;
    KeStackAttachProcess(Context, &State);
}

static VOID KmtRun(VOID)
{
    ExInitializeWorkItem(&Item, Routine, KmtMakeProcess());
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    KmtSleep(60000);
    DbgPrint("never reached\n");
}
