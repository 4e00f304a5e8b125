/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: freeing a block once more is stopped as such also when the page that it was in has been
 * given back meanwhile.
 * SAYS: STOP: 0x000000C2 \(0x0000000000000046, 0xFFFF
 */
#include "kmt.h"

#define BLOCKS 4000

/* Two blocks fill a page, so these are many more pages than the pools keep; most of them go when
 * all blocks are free. */
static VOID KmtRun(VOID)
{
    static PVOID Blocks[BLOCKS];
    ULONG Gone = BLOCKS;

    for (ULONG i = 0; i < BLOCKS; i++) {
        Blocks[i] = ExAllocatePool2(POOL_FLAG_NON_PAGED, 1900, 'tseT');
    }
    for (ULONG i = 0; i < BLOCKS; i++) {
        ExFreePoolWithTag(Blocks[i], 'tseT');
    }
    for (ULONG i = 0; i < BLOCKS; i++) {
        if (!MmIsAddressValid(Blocks[i])) {
            Gone = i;
        }
    }
    if (KMT_CHECK(Gone != BLOCKS, "a page has been given back")) {
        ExFreePoolWithTag(Blocks[Gone], 'tseT');
    }
}
