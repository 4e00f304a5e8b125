/* STOP: 0x000000DA SYSTEM_PTE_MISUSE
 * Promise: non-cached memory is not freed as contiguous memory. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    MmFreeContiguousMemory(MmAllocateNonCachedMemory(100));
}
