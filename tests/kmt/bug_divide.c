/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * Promise: a division by zero is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile ULONG Zero = 0;
    volatile ULONG Quotient = 1000 / Zero;
    KMT_EQUAL(Quotient, 0, "never reached");
}
