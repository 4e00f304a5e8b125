/* STOP: 0x00000019 BAD_POOL_HEADER
 * Promise: writing past a pool block is found when it is freed. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 48, 0x74736554);
    RtlFillMemory(Block, 48 + 32, 0xCC);
    ExFreePoolWithTag(Block, 0x74736554);
}
