/*
 * nt/ps_quota.h - what processes are charged for pool memory.
 *
 * Each process has a usage, a peak and a limit for either pool; executable pool counts as
 * non-paged. The System process, too, is charged, but has no limit unless one is set. Book ch. 3.
 */
#include <wdm.h>

#ifndef _NT_PS_QUOTA_
#define _NT_PS_QUOTA_

/* Charges Process with Amount bytes. STATUS_QUOTA_EXCEEDED, and nothing charged: it has a limit,
 * which this would exceed. PoolType: PagedPool or any non-paged type. WDK:
 * PsChargeProcessPoolQuota. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI PsChargeProcessPoolQuota(_In_ PEPROCESS Process, _In_ POOL_TYPE PoolType,
                                                    _In_ ULONG_PTR Amount);
/* The same, but failing is an exception. WDK: PsChargePoolQuota. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI PsChargePoolQuota(_In_ PEPROCESS Process, _In_ POOL_TYPE PoolType,
                                         _In_ ULONG_PTR Amount);
/* Gives back what was charged. More than that bugchecks QUOTA_UNDERFLOW. WDK: PsReturnPoolQuota. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI PsReturnPoolQuota(_In_ PEPROCESS Process, _In_ POOL_TYPE PoolType,
                                         _In_ ULONG_PTR Amount);

#endif
