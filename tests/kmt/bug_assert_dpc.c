/* STOP: 0x0000001E KMODE_EXCEPTION_NOT_HANDLED
 * SAYS: \*{3} Assertion failed: KeGetCurrentIrql\(\) == PASSIVE_LEVEL
 * Promise: an assertion that does not hold in a DPC stops the system as any exception there does.
 */
#include "kmt.h"

static VOID NTAPI Assert(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    NT_ASSERT(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static VOID KmtRun(VOID)
{
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Assert, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    DbgPrint("never reached\n");
}
