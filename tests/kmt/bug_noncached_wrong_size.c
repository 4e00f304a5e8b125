/* STOP: 0x000000DA SYSTEM_PTE_MISUSE
 * Promise: non-cached memory is freed with its size. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    MmFreeNonCachedMemory(MmAllocateNonCachedMemory(5000), 4096);
}
