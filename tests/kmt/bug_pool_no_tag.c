/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: memory without a tag, which nobody could account for, is not given out. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 0);
}
