/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * Promise: two kinds of pool at once, with the wish for an exception.
 * SAYS: STOP: 0x0000007E \(0xFFFFFFFFC000000D
 */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 10, 'tseT');
    DbgPrint("never reached\n");
}
