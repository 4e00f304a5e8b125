/* STOP: 0x0000001A MEMORY_MANAGEMENT
 * A part of an MDL is to begin 4 GB behind the whole: not at the place that the difference's low
 * half tells. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * PAGE_SIZE, 'raFK');
    PMDL Whole = IoAllocateMdl(Buffer, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    PMDL Part = IoAllocateMdl(Buffer, PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Whole);
    IoBuildPartialMdl(Whole, Part, Buffer + 0x100000000, PAGE_SIZE);
    DbgPrint("never reached\n");
}
