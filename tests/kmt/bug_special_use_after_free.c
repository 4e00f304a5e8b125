/* STOP: 0x000000D5 DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL
 * Promise: reading a freed block of special pool faults at once, also on another processor.
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    UCHAR *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL, 100, TAG);
    KAFFINITY Old = KeSetSystemAffinityThreadEx(2);

    Block[0] = 1;
    KeSetSystemAffinityThreadEx(1);
    ExFreePoolWithTag(Block, TAG);
    KeSetSystemAffinityThreadEx(2);
    DbgPrint("# %u\n", ((volatile UCHAR *)Block)[0]);
    KeRevertToUserAffinityThreadEx(Old);
    DbgPrint("never reached\n");
}
