/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: freeing pool with another tag is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 0x74736554);
    ExFreePoolWithTag(Block, 0x72657468);
}
