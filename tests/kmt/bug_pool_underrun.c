/* STOP: 0x00000019 BAD_POOL_HEADER
 * Promise: writing before a pool block is found when it is freed. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 48, 0x74736554);
    Block[-15] ^= 1;
    ExFreePoolWithTag(Block, 0x74736554);
}
