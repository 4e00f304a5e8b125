/* STOP: 0x000000C1 SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION
 * Promise: the second free of a block at the start of its page is told.
 * SAYS: STOP: 0x000000C1 \(.*0x0000000000000020\)
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG,
                                                 HighPoolPrioritySpecialPoolUnderrun);
    ExFreePoolWithTag(Block, TAG);
    ExFreePoolWithTag(Block, TAG);
    DbgPrint("never reached\n");
}
