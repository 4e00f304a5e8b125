/* STOP: 0x000000C8 IRQL_UNEXPECTED_VALUE
 * Promise: a DPC routine that returns at another IRQL than it was called at is caught, and
 * named. */
#include "kmt.h"

static VOID NTAPI StayRaised(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KfRaiseIrql(CLOCK_LEVEL);
}

static VOID KmtRun(VOID)
{
    KDPC Dpc;
    KeInitializeDpc(&Dpc, StayRaised, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
}
