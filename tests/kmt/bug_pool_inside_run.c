/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: freeing from the middle of a large allocation is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 3 * PAGE_SIZE, 0x74736554);
    ExFreePoolWithTag(Block + PAGE_SIZE, 0x74736554);
}
