/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * SAYS: STATUS_ASSERTION_FAILURE
 * Promise: NT_ASSERT as Windows' headers have it, an int 2Ch, stops the system as it does there. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    __asm__ volatile("int $0x2c");
    DbgPrint("never reached\n");
}
