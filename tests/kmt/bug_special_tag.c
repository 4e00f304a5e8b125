/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: freeing special pool under another tag is told.
 * SAYS: STOP: 0x000000C2 \(0x000000000000000A
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL, 100, TAG);
    ExFreePoolWithTag(Block, 'rehO');
    DbgPrint("never reached\n");
}
