/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: IoConnectInterruptEx, which has to wait for others that connect, stops above
 * PASSIVE_LEVEL. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_LINE_BASED};

    KfRaiseIrql(APC_LEVEL);
    IoConnectInterruptEx(&Parameters);
    DbgPrint("never reached\n");
}
