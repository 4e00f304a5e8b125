/* STOP: 0x000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL
 * MACHINE: debug=1 cmdline=pageable=1
 * SAYS: this is paged pool: it may be on disk
 * SAYS: of 8192 bytes, tag Test, allocated by bug_paged_in_dpc
 * Promise: nor is it there for a DPC. */
#include "kmt.h"

static VOID NTAPI Touch(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    DbgPrint("the value is %u\n", *(volatile UCHAR *)Context);
    DbgPrint("never reached\n");
}

static VOID KmtRun(VOID)
{
    static KDPC Dpc;
    PUCHAR Block = ExAllocatePool2(POOL_FLAG_PAGED, 2 * PAGE_SIZE, 0x74736554);
    KeInitializeDpc(&Dpc, Touch, Block + PAGE_SIZE + 5);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KmtSleep(1000);
}
