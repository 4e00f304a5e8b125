/* STOP: 0x00000021 QUOTA_UNDERFLOW
 * Promise: returning more quota than was charged.
 */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PsChargePoolQuota(PsGetCurrentProcess(), NonPagedPoolNx, 100);
    PsReturnPoolQuota(PsGetCurrentProcess(), NonPagedPoolNx, 50);
    PsReturnPoolQuota(PsGetCurrentProcess(), NonPagedPoolNx, (ULONG_PTR)1 << 40);
    DbgPrint("never reached\n");
}
