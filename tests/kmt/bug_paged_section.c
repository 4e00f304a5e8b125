/* STOP: 0x000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL
 * MACHINE: debug=1 cmdline=pageable=1
 * SAYS: this is a pageable section of a driver
 * SAYS: parameter 1 is bug_paged_section!Paged
 * Promise: code in a pageable section does not run at DISPATCH_LEVEL. */
#include "kmt.h"

__attribute__((section("PAGE"), noinline)) static VOID Paged(VOID)
{
    DbgPrint("never reached\n");
}

static VOID KmtRun(VOID)
{
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Paged();
}
