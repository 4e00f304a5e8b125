/* STOP: 0x00000050 PAGE_FAULT_IN_NONPAGED_AREA
 * Promise: a null pointer dereference at PASSIVE_LEVEL is stopped, and the driver is named in the backtrace. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile ULONG *volatile Pointer = NULL;
    KMT_EQUAL(*Pointer, 0, "never reached");
}
