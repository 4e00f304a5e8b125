/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * Promise: a breakpoint with a status is one, too, and the status is in a register for who
 * looks. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    DbgBreakPointWithStatus(DBG_STATUS_FATAL);
    DbgPrint("never reached\n");
}
