/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: KeLowerIrql to a level above the current one stops there, not at its consequences. */
#include "kmt.h"
#include "irqlimports.h"

static VOID KmtRun(VOID)
{
    ImportedLower(DISPATCH_LEVEL);
    DbgPrint("never reached\n");
}
