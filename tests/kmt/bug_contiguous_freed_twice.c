/* STOP: 0x000000DA SYSTEM_PTE_MISUSE
 * Promise: contiguous memory is not freed twice. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PHYSICAL_ADDRESS Any = {.QuadPart = -1};
    PVOID Block = MmAllocateContiguousMemory(100, Any);
    MmFreeContiguousMemory(Block);
    MmFreeContiguousMemory(Block);
}
