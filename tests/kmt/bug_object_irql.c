/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a handle is not looked up at DISPATCH_LEVEL. */
#include "kmtob.h"

static VOID KmtRun(VOID)
{
    HANDLE Handle;
    PVOID Object;
    KIRQL OldIrql;

    ObMakeEvent(&Handle, NULL, NULL, 0);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL);
    KeLowerIrql(OldIrql);
}
