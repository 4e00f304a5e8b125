/* STOP: 0x000000D6 DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION
 * Promise: reading before a block at the start of its page faults at once.
 * SAYS: STOP: 0x000000D6 \(0xFFFFE0.*FFF, 0x0000000000000000
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG,
                                                 HighPoolPrioritySpecialPoolUnderrun);
    DbgPrint("# %u\n", ((volatile UCHAR *)Block)[-1]);
    DbgPrint("never reached\n");
}
