/* STOP: 0x000000DA SYSTEM_PTE_MISUSE
 * Promise: a mapping of device memory is ended whole or not at all. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PHYSICAL_ADDRESS Physical = {.QuadPart = 0xB8000}; /* the text screen */
    PVOID Mapped = MmMapIoSpace(Physical, 3 * PAGE_SIZE, MmNonCached);
    MmUnmapIoSpace(Mapped, 2 * PAGE_SIZE);
    DbgPrint("never reached\n");
}
