/* STOP: 0x0000007F UNEXPECTED_KERNEL_MODE_TRAP
 * SAYS: kernel stack .* is full
 * Promise: a stack overflow hits the guard page and is reported on another stack, with the stack's
 * limits. */
#include "kmt.h"

static volatile ULONG Depth;

static __attribute__((noinline)) ULONG Recurse(ULONG n)
{
    volatile UCHAR Frame[512];
    Frame[0] = (UCHAR)n;
    Depth = n;
    if (n == MAXULONG) {
        return 0;
    }
    return Recurse(n + 1) + Frame[0];
}

static VOID KmtRun(VOID)
{
    Depth = Recurse(0);
}
