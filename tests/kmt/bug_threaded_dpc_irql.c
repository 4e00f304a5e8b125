/* STOP: 0x000000C8 IRQL_UNEXPECTED_VALUE
 * Promise: a threaded DPC that returns at a raised IRQL is stopped. */
#include "kmt.h"

static VOID NTAPI Raise(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeRaiseIrql(APC_LEVEL, &OldIrql);
}

static VOID KmtRun(VOID)
{
    KDPC Dpc;
    KeInitializeThreadedDpc(&Dpc, Raise, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    KMT_CHECK(FALSE, "never reached");
}
