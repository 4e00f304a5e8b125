/* STOP: 0x000000D6 DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION
 * Promise: writing behind a block of special pool faults at once.
 * SAYS: STOP: 0x000000D6 \(0xFFFFE0.*000, 0x0000000000000001
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL, 100, TAG);
    Block[112] = 1;
    DbgPrint("never reached\n");
}
