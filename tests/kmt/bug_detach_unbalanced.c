/* STOP: 0x00000006 INVALID_PROCESS_DETACH_ATTEMPT
 * Promise: nobody detaches more often than attached. */
#include "kmtprocess.h"

static VOID KmtRun(VOID)
{
    KAPC_STATE State;
    KeStackAttachProcess(KmtMakeProcess(), &State);
    KeUnstackDetachProcess(&State);
    KeUnstackDetachProcess(&State);
    DbgPrint("never reached\n");
}
