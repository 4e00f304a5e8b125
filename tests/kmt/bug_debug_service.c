/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * SAYS: STATUS_BREAKPOINT
 * Promise: int 2Dh, by which Windows' own routines ask the debugger, is a breakpoint when there is
 * none. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    __asm__ volatile("int $0x2d" : : "a"(1));
    DbgPrint("never reached\n");
}
