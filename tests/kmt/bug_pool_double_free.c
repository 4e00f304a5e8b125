/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: freeing pool twice is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 0x74736554);
    ExFreePoolWithTag(Block, 0x74736554);
    ExFreePoolWithTag(Block, 0x74736554);
}
