/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * Promise: a null pointer dereference at PASSIVE_LEVEL is stopped, and the driver is named in the
 * backtrace. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile ULONG *volatile Pointer = NULL;
    KMT_EQUAL(*Pointer, 0, "never reached");
}
