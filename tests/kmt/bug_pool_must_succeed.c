/* STOP: 0x000000C2 BAD_POOL_CALLER
 * Promise: asking for pool that must not fail, which there is none of.
 * SAYS: STOP: 0x000000C2 \(0x000000000000009A
 */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    ExAllocatePoolWithTag(NonPagedPoolMustSucceed, 64, 'tseT');
    DbgPrint("never reached\n");
}
