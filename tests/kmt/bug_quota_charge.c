/* STOP: 0x0000007E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
 * Promise: charging a process more than can be counted: an exception, which nobody handles.
 * SAYS: STOP: 0x0000007E \(0xFFFFFFFFC0000044
 */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PsChargePoolQuota(PsGetCurrentProcess(), PagedPool, 1);
    PsChargePoolQuota(PsGetCurrentProcess(), PagedPool, ~(ULONG_PTR)0);
    DbgPrint("never reached\n");
}
