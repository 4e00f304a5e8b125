/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * Promise: an MDL's own pages are not freed twice. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PHYSICAL_ADDRESS Zero = {0}, Any = {.QuadPart = -1};
    PMDL Mdl = MmAllocatePagesForMdl(Zero, Any, Zero, 5 * PAGE_SIZE);
    MmFreePagesFromMdl(Mdl);
    MmFreePagesFromMdl(Mdl);
}
