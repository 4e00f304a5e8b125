/* STOP: 0x000000DA SYSTEM_PTE_MISUSE
 * Promise: a mapping is not ended twice. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static UCHAR Room[sizeof(MDL) + 2 * sizeof(PFN_NUMBER)];
    PMDL Mdl = (PMDL)(PVOID)Room;
    PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, PAGE_SIZE, 0x74736554);
    PVOID Mapped;
    MmInitializeMdl(Mdl, Block, PAGE_SIZE);
    MmBuildMdlForNonPagedPool(Mdl);
    Mapped =
        MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, TRUE, NormalPagePriority);
    MmUnmapLockedPages(Mapped, Mdl);
    MmUnmapLockedPages(Mapped, Mdl);
}
