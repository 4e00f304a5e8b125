/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: freeing what is no pool memory is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static DECLSPEC_ALIGN(16) UCHAR Image[64];
    ExFreePoolWithTag(Image + 32, 0x74736554);
}
