/*
 * nt/ex_rundown.h - rundown protection: many use an object until its owner waits for all of them to
 * be done; from then on nobody can (book ch. 6).
 *
 * The cache-aware kind does the same with a cache line for each processor. A protection released
 * more often than acquired stops the system; so does a call at a higher IRQL than stated, with
 * IRQL_NOT_LESS_OR_EQUAL.
 */
#include <wdm.h>

#ifndef _NT_EX_RUNDOWN_
#define _NT_EX_RUNDOWN_

#define EX_RUNDOWN_ACTIVE 0x1
#define EX_RUNDOWN_COUNT_SHIFT 0x1
#define EX_RUNDOWN_COUNT_INC (1 << EX_RUNDOWN_COUNT_SHIFT)
typedef struct _EX_RUNDOWN_REF {
    union {
        volatile ULONG_PTR Count; /* users in steps of EX_RUNDOWN_COUNT_INC, or EX_RUNDOWN_ACTIVE */
        volatile PVOID Ptr;
    };
} EX_RUNDOWN_REF, *PEX_RUNDOWN_REF;
typedef struct _EX_RUNDOWN_REF_CACHE_AWARE *PEX_RUNDOWN_REF_CACHE_AWARE;

/* Makes rundown protection without users, not run down. Any IRQL. WDK:
 * ExInitializeRundownProtection; book ch. 6. */
NTKERNELAPI VOID NTAPI ExInitializeRundownProtection(_Out_ PEX_RUNDOWN_REF RunRef);
/* TRUE: the caller is a user, until ExReleaseRundownProtection. FALSE: rundown has begun, hands
 * off. WDK: ExAcquireRundownProtection; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExAcquireRundownProtection(_Inout_ PEX_RUNDOWN_REF RunRef);
/* The same as so many users at once. WDK: ExAcquireRundownProtectionEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExAcquireRundownProtectionEx(_Inout_ PEX_RUNDOWN_REF RunRef,
                                                       _In_ ULONG Count);
/* The caller is no user any more; the last one lets the owner go on. Any thread may call. WDK:
 * ExReleaseRundownProtection. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseRundownProtection(_Inout_ PEX_RUNDOWN_REF RunRef);
/* The same for so many users. WDK: ExReleaseRundownProtectionEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseRundownProtectionEx(_Inout_ PEX_RUNDOWN_REF RunRef,
                                                    _In_ ULONG Count);
/* Begins rundown, and returns when the last user has left; at once when it was run down before. One
 * owner. WDK: ExWaitForRundownProtectionRelease; book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExWaitForRundownProtectionRelease(_Inout_ PEX_RUNDOWN_REF RunRef);
/* After the wait: says that rundown is over, which it is. Any IRQL. WDK: ExRundownCompleted. */
NTKERNELAPI VOID NTAPI ExRundownCompleted(_Out_ PEX_RUNDOWN_REF RunRef);
/* After the wait: users may come again. Any IRQL. WDK: ExReInitializeRundownProtection. */
NTKERNELAPI VOID NTAPI ExReInitializeRundownProtection(_Inout_ PEX_RUNDOWN_REF RunRef);

/* Bytes that cache-aware protection needs on this machine. Any IRQL. WDK:
 * ExSizeOfRundownProtectionCacheAware. */
NTKERNELAPI SIZE_T NTAPI ExSizeOfRundownProtectionCacheAware(VOID);
/* Makes one in the caller's memory of RunRefSize bytes, resident and 8-byte aligned. Any IRQL. WDK:
 * ExInitializeRundownProtectionCacheAware. */
NTKERNELAPI VOID NTAPI ExInitializeRundownProtectionCacheAware(
    _Out_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware, _In_ SIZE_T RunRefSize);
/* Makes one in pool memory, non-paged; NULL: memory is exhausted. WDK:
 * ExAllocateCacheAwareRundownProtection. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PEX_RUNDOWN_REF_CACHE_AWARE NTAPI ExAllocateCacheAwareRundownProtection(
    _In_ POOL_TYPE PoolType, _In_ ULONG PoolTag);
/* Frees what ExAllocateCacheAwareRundownProtection made, and nobody uses. WDK:
 * ExFreeCacheAwareRundownProtection. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExFreeCacheAwareRundownProtection(
    _Inout_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);
/* As ExAcquireRundownProtection and ExReleaseRundownProtection, Ex or not. A user may come and
 * leave on different processors. WDK: ExAcquireRundownProtectionCacheAware,
 * ExAcquireRundownProtectionCacheAwareEx, ExReleaseRundownProtectionCacheAware,
 * ExReleaseRundownProtectionCacheAwareEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExAcquireRundownProtectionCacheAware(
    _Inout_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExAcquireRundownProtectionCacheAwareEx(
    _Inout_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware, _In_ ULONG Count);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseRundownProtectionCacheAware(
    _Inout_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExReleaseRundownProtectionCacheAwareEx(
    _Inout_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware, _In_ ULONG Count);
/* As ExWaitForRundownProtectionRelease. WDK: ExWaitForRundownProtectionReleaseCacheAware. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExWaitForRundownProtectionReleaseCacheAware(
    _Inout_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);
/* As ExRundownCompleted. Any IRQL. WDK: ExRundownCompletedCacheAware. */
NTKERNELAPI VOID NTAPI ExRundownCompletedCacheAware(
    _Inout_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);
/* As ExReInitializeRundownProtection. Any IRQL. WDK: ExReInitializeRundownProtectionCacheAware. */
NTKERNELAPI VOID NTAPI ExReInitializeRundownProtectionCacheAware(
    _Inout_ PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);

C_ASSERT(sizeof(EX_RUNDOWN_REF) == 8);

#endif
