/* STOP: 0x000000C1 SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION
 * Promise: bytes written before the block in its page are found on freeing.
 * SAYS: STOP: 0x000000C1 \(.*0x0000000000000023\)
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL, 100, TAG);
    Block[-1] = 0;
    ExFreePoolWithTag(Block, TAG);
    DbgPrint("never reached\n");
}
