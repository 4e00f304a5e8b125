/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * SAYS: \*{3} Assertion failed: KmtNumber > 0
 * Promise: an assertion that does not hold is a breakpoint, which stops the system as on Windows;
 * the crash shows what was claimed, where. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    NT_ASSERT(KmtNumber == 0);
    NT_ASSERT(KmtNumber > 0);
    DbgPrint("never reached\n");
}
