/* STOP: 0x00000050 PAGE_FAULT_IN_NONPAGED_AREA
 * Promise: a system address with nothing behind it is no exception that a handler could have
 * taken. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile ULONG *volatile Pointer = (volatile ULONG *)0xFFFFFE0000001000;
    KMT_EQUAL(*Pointer, 0, "never reached");
}
