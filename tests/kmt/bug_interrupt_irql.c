/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: KeSynchronizeExecution from above the interrupt's SynchronizeIrql, where its service
 * routine may be what is interrupted, stops there instead of hanging. */
#include "kmt.h"

static BOOLEAN NTAPI Serve(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    return FALSE;
}

static BOOLEAN NTAPI Synchronized(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    DbgPrint("never reached\n");
    return TRUE;
}

static VOID KmtRun(VOID)
{
    PKINTERRUPT Interrupt;
    KAFFINITY Affinity;
    KIRQL Irql;
    ULONG Vector = HalGetInterruptVector(Isa, 0, 8, 8, &Irql, &Affinity);

    if (NT_SUCCESS(IoConnectInterrupt(&Interrupt, Serve, NULL, NULL, Vector, Irql, Irql, Latched,
                                      FALSE, Affinity, FALSE))) {
        KfRaiseIrql(Irql + 1);
        KeSynchronizeExecution(Interrupt, Synchronized, NULL);
    }
}
