/* STOP: 0x000000BE ATTEMPTED_WRITE_TO_READONLY_MEMORY
 * Promise: a mapping without write access is not written to. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static UCHAR Room[sizeof(MDL) + 2 * sizeof(PFN_NUMBER)];
    PMDL Mdl = (PMDL)(PVOID)Room;
    PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, PAGE_SIZE, 0x74736554);
    UCHAR *Mapped;
    MmInitializeMdl(Mdl, Block, PAGE_SIZE);
    MmBuildMdlForNonPagedPool(Mdl);
    Mapped = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, TRUE,
                                          NormalPagePriority | MdlMappingNoWrite);
    Mapped[0] = 1;
}
