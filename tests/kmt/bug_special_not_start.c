/* STOP: 0x000000C1 SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION
 * Promise: freeing an address inside of a block is told.
 * SAYS: STOP: 0x000000C1 \(.*, 0x0000000000000064, .*0x0000000000000021\)
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL, 100, TAG);
    ExFreePoolWithTag(Block + 16, TAG);
    DbgPrint("never reached\n");
}
