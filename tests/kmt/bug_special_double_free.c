/* STOP: 0x000000CC PAGE_FAULT_IN_FREED_SPECIAL_POOL
 * Promise: the second free of a block faults on the block.
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL, 100, TAG);
    ExFreePoolWithTag(Block, TAG);
    ExFreePoolWithTag(Block, TAG);
    DbgPrint("never reached\n");
}
