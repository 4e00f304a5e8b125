/* STOP: 0x000000DA SYSTEM_PTE_MISUSE
 * Promise: an MDL's own pages are not freed while they are mapped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PHYSICAL_ADDRESS Zero = {0}, Any = {.QuadPart = -1};
    PMDL Mdl = MmAllocatePagesForMdl(Zero, Any, Zero, 5 * PAGE_SIZE);
    MmMapLockedPages(Mdl, KernelMode);
    MmFreePagesFromMdl(Mdl);
}
