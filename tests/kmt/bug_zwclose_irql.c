/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a handle is closed at PASSIVE_LEVEL only: what it refers to may have to wait. */
#include "kmtob.h"

static VOID KmtRun(VOID)
{
    HANDLE Handle;
    KIRQL OldIrql;

    ObMakeEvent(&Handle, NULL, NULL, 0);
    KeRaiseIrql(APC_LEVEL, &OldIrql);
    ZwClose(Handle);
    KeLowerIrql(OldIrql);
}
