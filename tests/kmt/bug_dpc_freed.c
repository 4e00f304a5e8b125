/* STOP: 0x000000C7 TIMER_OR_DPC_INVALID
 * MACHINE: debug=1
 * SAYS: STOP: 0x000000C7 \(0x0000000000000001,
 * Promise: pool that is freed with a queued DPC in it is reported, in blocks of whole pages,
 * too. */
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
    PUCHAR Pages = ExAllocatePoolWithTag(NonPagedPoolNx, 3 * PAGE_SIZE, 'tmtK');
    PKDPC Dpc = (PKDPC)(Pages + 2 * PAGE_SIZE);

    KeInitializeDpc(Dpc, Run, NULL);
    KeRaiseIrqlToDpcLevel();
    KeInsertQueueDpc(Dpc, NULL, NULL);
    ExFreePoolWithTag(Pages, 'tmtK');
    DbgPrint("never reached\n");
}
