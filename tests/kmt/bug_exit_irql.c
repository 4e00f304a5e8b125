/* STOP: 0x00000020 KERNEL_APC_PENDING_DURING_EXIT
 * Promise: a thread's routine that returns at raised IRQL is stopped, and named. */
#include "kmt.h"

static VOID NTAPI ReturnHigh(PVOID Context)
{
    KIRQL OldIrql;
    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(APC_LEVEL, &OldIrql);
}

static VOID KmtRun(VOID)
{
    KmtJoin(KmtStartThread(ReturnHigh, NULL));
    DbgPrint("never reached\n");
}
