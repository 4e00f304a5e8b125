/* STOP: 0x000000DA SYSTEM_PTE_MISUSE
 * Promise: a mapping of device memory is not ended twice, although its addresses have not been
 * reused. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PHYSICAL_ADDRESS Physical = {.QuadPart = 0xB8000}; /* the text screen */
    PVOID Mapped = MmMapIoSpace(Physical, PAGE_SIZE, MmNonCached);
    MmUnmapIoSpace(Mapped, PAGE_SIZE);
    MmUnmapIoSpace(Mapped, PAGE_SIZE);
    DbgPrint("never reached\n");
}
