/* STOP: 0x000000B8 ATTEMPTED_SWITCH_FROM_DPC
 * Promise: a DPC that waits is stopped. */
#include "kmt.h"

static KEVENT Never, Done;

static VOID NTAPI WaitInDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);
    KeSetEvent(&Done, 0, FALSE);
}

static VOID KmtRun(VOID)
{
    KDPC Dpc;
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    KeInitializeDpc(&Dpc, WaitInDpc, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KMT_EQUAL(KmtWait(&Done, 1000), STATUS_TIMEOUT, "the DPC does not get past its wait");
}
