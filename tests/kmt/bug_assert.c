/* STOP: 0x0000DEAD ASSERTION_FAILURE
 * Promise: an assertion that does not hold stops the system and shows what was claimed, where. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    NT_ASSERT(KmtNumber == 0);
    NT_ASSERT(KmtNumber > 0);
    DbgPrint("never reached\n");
}
