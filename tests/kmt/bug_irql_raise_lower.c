/* STOP: 0x00000009 IRQL_NOT_GREATER_OR_EQUAL
 * Promise: KfRaiseIrql to a level below the current one stops there, not at its consequences. */
#include "kmt.h"
#include "irqlimports.h"

static VOID KmtRun(VOID)
{
    ImportedRaise(DISPATCH_LEVEL);
    ImportedRaise(APC_LEVEL);
    DbgPrint("never reached\n");
}
