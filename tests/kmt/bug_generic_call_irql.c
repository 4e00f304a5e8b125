/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: KeGenericCallDpc at DISPATCH_LEVEL, where it could not wait for others, is stopped. */
#include "kmt.h"

static VOID NTAPI Nothing(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    KeSignalCallDpcDone(Argument1);
}

static VOID KmtRun(VOID)
{
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeGenericCallDpc(Nothing, NULL);
    KeLowerIrql(OldIrql);
    KMT_CHECK(FALSE, "never reached");
}
