/* STOP: 0x0000001E KMODE_EXCEPTION_NOT_HANDLED
 * Promise: a division by zero is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile ULONG Zero = 0;
    KMT_EQUAL(1000 / Zero, 0, "never reached");
}
