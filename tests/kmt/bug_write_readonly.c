/* STOP: 0x000000BE ATTEMPTED_WRITE_TO_READONLY_MEMORY
 * Promise: a write to code is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile UCHAR *Code = (volatile UCHAR *)(ULONG_PTR)&KmtRun;
    *Code = 0xC3;
}
