/* STOP: 0x00000019 BAD_POOL_HEADER
 * Promise: a single byte written behind a pool block is found when it is freed. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 48, 0x74736554);
    Block[48] ^= 1;
    ExFreePoolWithTag(Block, 0x74736554);
}
