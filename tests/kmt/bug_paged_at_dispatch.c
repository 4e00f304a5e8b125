/* STOP: 0x000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL
 * MACHINE: debug=1 cmdline=pageable=1
 * SAYS: this is paged pool: it may be on disk
 * SAYS: in the block .* bytes, tag Test, allocated by bug_paged_at_dispatch
 * Promise: paged pool is not there at DISPATCH_LEVEL, even if it was touched a moment ago. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile LONG *Block = ExAllocatePool2(POOL_FLAG_PAGED, 100, 0x74736554);
    KIRQL OldIrql;
    Block[10] = 1;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Block[10] = 2;
    DbgPrint("never reached\n");
}
