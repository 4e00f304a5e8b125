/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * Promise: a quota allocation that fails raises, unless it is told not to.
 * SAYS: STOP: 0x0000007E \(0xFFFFFFFFC000009A
 */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KMT_CHECK(ExAllocatePoolWithQuotaTag((POOL_TYPE)(PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
                                         (SIZE_T)1 << 40, 'tseT') == NULL,
              "told not to raise, it does not");
    ExAllocatePoolWithQuotaTag(PagedPool, (SIZE_T)1 << 40, 'tseT');
    DbgPrint("never reached\n");
}
