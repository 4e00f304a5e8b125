/* STOP: 0x000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL
 * Promise: a bad pointer at DISPATCH_LEVEL is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile ULONG *volatile Pointer = (volatile ULONG *)0x1000;
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    KMT_EQUAL(*Pointer, 0, "never reached");
    KeLowerIrql(OldIrql);
}
