/* STOP: 0x000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL
 * MACHINE: debug=1 cmdline=pageable=1
 * SAYS: this is a pageable section of a driver
 * Promise: a driver that has made itself pageable is not there at DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KIRQL OldIrql;
    MmPageEntireDriver((PVOID)(ULONG_PTR)KmtRun);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    DbgPrint("never reached\n");
}
