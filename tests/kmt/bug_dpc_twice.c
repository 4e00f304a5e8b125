/* STOP: 0x000000C7 TIMER_OR_DPC_INVALID
 * MACHINE: debug=1
 * SAYS: STOP: 0x000000C7 \(0x0000000000000001,
 * Promise: a queued DPC that is initialised again is reported. */
#include "kmt.h"

static VOID NTAPI Run(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID KmtRun(VOID)
{
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Run, NULL);
    KeRaiseIrqlToDpcLevel();
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeInitializeDpc(&Dpc, Run, NULL);
    DbgPrint("never reached\n");
}
