/* STOP: 0x000000DA SYSTEM_PTE_MISUSE
 * SAYS: 0x0000000000000101
 * Promise: reserved addresses are given back by who reserved them. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID Reserved = MmAllocateMappingAddress(PAGE_SIZE, 0x74736554);
    MmFreeMappingAddress(Reserved, 0x11111111);
}
