/* STOP: 0x000000C1 SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION
 * Promise: freeing paged special pool at DISPATCH_LEVEL is told.
 * SAYS: STOP: 0x000000C1 \(0x0000000000000002, 0x0000000000000001, .*0x0000000000000031\)
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_SPECIAL_POOL, 100, TAG);
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    ExFreePoolWithTag(Block, TAG);
    KeLowerIrql(OldIrql);
    DbgPrint("never reached\n");
}
