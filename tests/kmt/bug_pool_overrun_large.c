/* STOP: 0x00000050 PAGE_FAULT_IN_NONPAGED_AREA
 * Promise: writing past a large allocation faults. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * PAGE_SIZE, 0x74736554);
    Block[2 * PAGE_SIZE] = 1;
}
