/* STOP: 0x0000001E KMODE_EXCEPTION_NOT_HANDLED
 * Promise: an exception in a DPC is told apart from one in a thread. */
#include "kmt.h"

static VOID NTAPI Divide(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    *(volatile ULONG *)Context = 1000 / *(volatile ULONG *)Context;
}

static VOID KmtRun(VOID)
{
    volatile ULONG Zero = 0;
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Divide, (PVOID)&Zero);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    KMT_EQUAL(Zero, 0, "never reached");
}
