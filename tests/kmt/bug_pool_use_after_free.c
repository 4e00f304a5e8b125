/* STOP: 0x00000050 PAGE_FAULT_IN_NONPAGED_AREA
 * Promise: a large allocation is gone when it is freed. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * PAGE_SIZE, 0x74736554);
    ExFreePoolWithTag(Block, 0x74736554);
    Block[0] = 1;
}
