/* STOP: 0x000000C1 SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION
 * Promise: an overrun of a block at the start of its page is found on freeing.
 * SAYS: STOP: 0x000000C1 \(.*0x0000000000000024\)
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG,
                                                 HighPoolPrioritySpecialPoolUnderrun);
    RtlFillMemory(Block, 4096, 0xEE);
    ExFreePoolWithTag(Block, TAG);
    DbgPrint("never reached\n");
}
