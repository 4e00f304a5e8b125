/* STOP: 0x00000040 TARGET_MDL_TOO_SMALL
 * Promise: a part has room for its pages. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static UCHAR Buffer[4 * PAGE_SIZE];
    PMDL Whole = IoAllocateMdl(Buffer, sizeof(Buffer), FALSE, FALSE, NULL);
    PMDL Part = IoAllocateMdl(Buffer, 16, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Whole, KernelMode, IoReadAccess);
    IoBuildPartialMdl(Whole, Part, Buffer + 100, 3 * PAGE_SIZE);
}
