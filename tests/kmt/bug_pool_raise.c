/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * Promise: allocating more than there is, with the wish for an exception, which nobody handles.
 * SAYS: STOP: 0x0000007E \(0xFFFFFFFFC000009A
 */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE, (SIZE_T)1 << 40, 'tseT');
    DbgPrint("never reached\n");
}
