/* STOP: 0x000000FC ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY
 * Promise: pool memory cannot be executed, not even type 0. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePoolWithTag(NonPagedPool, 16, 0x74736554);
    Block[0] = 0xC3;
    ((VOID(NTAPI *)(VOID))(PVOID)Block)();
}
