/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: paged pool is not given out at DISPATCH_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    ExAllocatePool2(POOL_FLAG_PAGED, 100, 0x74736554);
}
