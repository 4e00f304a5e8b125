/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: nobody attaches above APC_LEVEL. */
#include "kmt.h"

#include <ntifs.h>

static VOID KmtRun(VOID)
{
    KAPC_STATE State;
    KeRaiseIrqlToDpcLevel();
    KeStackAttachProcess(PsInitialSystemProcess, &State);
    DbgPrint("never reached\n");
}
