/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * Promise: a breakpoint without a debugger stops the system, as on Windows. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    DbgBreakPoint();
    DbgPrint("never reached\n");
}
