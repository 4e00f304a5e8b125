/*
 * nt/ex_pool.h - pool memory (book ch. 3 and 8).
 *
 * Pool memory is 16-byte aligned, from PAGE_SIZE bytes on page aligned, and the caller's until it
 * is freed. Non-paged pool: IRQL <= DISPATCH_LEVEL; paged pool: IRQL <= APC_LEVEL; a higher IRQL
 * bugchecks BAD_POOL_CALLER (8 to allocate, 9 to free). Tag: up to four characters, in reverse,
 * that `poolmon` accounts the memory under; 0 bugchecks (9Bh), and so does "BIG " (9Ch).
 *
 * Only POOL_FLAG_NON_PAGED_EXECUTE gives executable memory. Type 0, which is NonPagedPool and
 * NonPagedPoolExecute, is not executable, as on Windows with memory integrity; booted with
 * `poolnx=0` it is, as on Windows 10 without.
 */
#include <wdm.h>

#ifndef _NT_EX_POOL_
#define _NT_EX_POOL_

typedef enum _POOL_TYPE {
    NonPagedPool = 0,
    NonPagedPoolExecute = 0,
    PagedPool = 1,
    NonPagedPoolMustSucceed = 2,
    DontUseThisType = 3,
    NonPagedPoolCacheAligned = 4,
    PagedPoolCacheAligned = 5,
    NonPagedPoolCacheAlignedMustS = 6,
    MaxPoolType = 7,
    NonPagedPoolBase = 0,
    NonPagedPoolBaseMustSucceed = 2,
    NonPagedPoolBaseCacheAligned = 4,
    NonPagedPoolBaseCacheAlignedMustS = 6,
    NonPagedPoolSession = 32,
    PagedPoolSession = 33,
    NonPagedPoolMustSucceedSession = 34,
    DontUseThisTypeSession = 35,
    NonPagedPoolCacheAlignedSession = 36,
    PagedPoolCacheAlignedSession = 37,
    NonPagedPoolCacheAlignedMustSSession = 38,
    NonPagedPoolNx = 512,
    NonPagedPoolNxCacheAligned = 516,
    NonPagedPoolSessionNx = 544
} POOL_TYPE;

/* May be combined with a POOL_TYPE. */
#define POOL_QUOTA_FAIL_INSTEAD_OF_RAISE 8
#define POOL_RAISE_IF_ALLOCATION_FAILURE 16
#define POOL_COLD_ALLOCATION 256
#define POOL_NX_ALLOCATION 512
#define POOL_ZERO_ALLOCATION 1024

/* How much an allocation wants to succeed: with little memory left, those of low priority fail
 * first, then those of normal priority. The special pool's ones ask for a guard page behind or
 * before. */
typedef enum _EX_POOL_PRIORITY {
    LowPoolPriority = 0,
    LowPoolPrioritySpecialPoolOverrun = 8,
    LowPoolPrioritySpecialPoolUnderrun = 9,
    NormalPoolPriority = 16,
    NormalPoolPrioritySpecialPoolOverrun = 24,
    NormalPoolPrioritySpecialPoolUnderrun = 25,
    HighPoolPriority = 32,
    HighPoolPrioritySpecialPoolOverrun = 40,
    HighPoolPrioritySpecialPoolUnderrun = 41
} EX_POOL_PRIORITY;

/* What ExAllocatePool2 and 3 must understand is below bit 32; unknown bits from there on are
 * ignored. */
typedef ULONG64 POOL_FLAGS;
#define POOL_FLAG_REQUIRED_START 0x0000000000000001ULL
#define POOL_FLAG_USE_QUOTA 0x0000000000000001ULL
#define POOL_FLAG_UNINITIALIZED 0x0000000000000002ULL
#define POOL_FLAG_SESSION 0x0000000000000004ULL
#define POOL_FLAG_CACHE_ALIGNED 0x0000000000000008ULL
#define POOL_FLAG_RESERVED1 0x0000000000000010ULL
#define POOL_FLAG_RAISE_ON_FAILURE 0x0000000000000020ULL
#define POOL_FLAG_NON_PAGED 0x0000000000000040ULL
#define POOL_FLAG_NON_PAGED_EXECUTE 0x0000000000000080ULL
#define POOL_FLAG_PAGED 0x0000000000000100ULL
#define POOL_FLAG_RESERVED2 0x0000000000000200ULL
#define POOL_FLAG_RESERVED3 0x0000000000000400ULL
#define POOL_FLAG_LAST_KNOWN_REQUIRED POOL_FLAG_RESERVED3
#define POOL_FLAG_REQUIRED_END 0x0000000080000000ULL
#define POOL_FLAG_OPTIONAL_START 0x0000000100000000ULL
#define POOL_FLAG_SPECIAL_POOL 0x0000000100000000ULL
#define POOL_FLAG_LAST_KNOWN_OPTIONAL POOL_FLAG_SPECIAL_POOL
#define POOL_FLAG_OPTIONAL_END 0x8000000000000000ULL

/*** Allocating. ***/

/*
 * Allocates NumberOfBytes, zeroed unless POOL_FLAG_UNINITIALIZED says else.
 *   Flags   exactly one of POOL_FLAG_NON_PAGED, _NON_PAGED_EXECUTE and _PAGED, and any of
 *           CACHE_ALIGNED, UNINITIALIZED, USE_QUOTA (the current process is charged, until it is
 *           freed), RAISE_ON_FAILURE, SPECIAL_POOL (a guard page behind the block, if it is smaller
 *           than a page)
 * Failing returns NULL, or with RAISE_ON_FAILURE raises the status: STATUS_INVALID_PARAMETER for
 * other flags (SESSION, too: there are no sessions), STATUS_QUOTA_EXCEEDED,
 * STATUS_INSUFFICIENT_RESOURCES. 0 bytes give a smallest block. WDK: ExAllocatePool2; book ch. 3
 * and 8.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePool2(_In_ POOL_FLAGS Flags, _In_ SIZE_T NumberOfBytes,
                                        _In_ ULONG Tag);

/* Allocates NumberOfBytes, contents undefined unless PoolType has POOL_ZERO_ALLOCATION; NULL when
 * memory is exhausted, or the exception STATUS_INSUFFICIENT_RESOURCES with
 * POOL_RAISE_IF_ALLOCATION_FAILURE. 0 bytes give a smallest block. The must-succeed types bugcheck
 * BAD_POOL_CALLER (9Ah), the session types fail. WDK: ExAllocatePoolWithTag; book ch. 3. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePoolWithTag(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes,
                                              _In_ ULONG Tag);

/* ExAllocatePoolWithTag with the tag "None". WDK: ExAllocatePool; book ch. 3. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePool(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes);

/* As ExAllocatePoolWithTag; the current process is charged for the block until it is freed. Fails
 * with the exception STATUS_QUOTA_EXCEEDED or STATUS_INSUFFICIENT_RESOURCES, unless PoolType has
 * POOL_QUOTA_FAIL_INSTEAD_OF_RAISE: then NULL. WDK: ExAllocatePoolWithQuotaTag; book ch. 3. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePoolWithQuotaTag(_In_ POOL_TYPE PoolType,
                                                   _In_ SIZE_T NumberOfBytes, _In_ ULONG Tag);
/* The same with the tag "None". WDK: ExAllocatePoolWithQuota. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePoolWithQuota(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes);

/* As ExAllocatePoolWithTag, but fails earlier when memory is low, as Priority says.
 * WDK: ExAllocatePoolWithTagPriority; book ch. 8. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePoolWithTagPriority(_In_ POOL_TYPE PoolType,
                                                      _In_ SIZE_T NumberOfBytes, _In_ ULONG Tag,
                                                      _In_ EX_POOL_PRIORITY Priority);

/*
 * The forms that say in their names whether the memory is zeroed, each over one of the above, with
 * its results. WDK: the same names; book ch. 3.
 */
FORCEINLINE PVOID NTAPI ExAllocatePoolZero(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes,
                                           _In_ ULONG Tag)
{
    return ExAllocatePoolWithTag((POOL_TYPE)((ULONG)PoolType | POOL_ZERO_ALLOCATION), NumberOfBytes,
                                 Tag);
}
FORCEINLINE PVOID NTAPI ExAllocatePoolUninitialized(_In_ POOL_TYPE PoolType,
                                                    _In_ SIZE_T NumberOfBytes, _In_ ULONG Tag)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}
FORCEINLINE PVOID NTAPI ExAllocatePoolQuotaZero(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes,
                                                _In_ ULONG Tag)
{
    return ExAllocatePoolWithQuotaTag((POOL_TYPE)((ULONG)PoolType | POOL_ZERO_ALLOCATION),
                                      NumberOfBytes, Tag);
}
FORCEINLINE PVOID NTAPI ExAllocatePoolQuotaUninitialized(_In_ POOL_TYPE PoolType,
                                                         _In_ SIZE_T NumberOfBytes, _In_ ULONG Tag)
{
    return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag);
}
FORCEINLINE PVOID NTAPI ExAllocatePoolPriorityZero(_In_ POOL_TYPE PoolType,
                                                   _In_ SIZE_T NumberOfBytes, _In_ ULONG Tag,
                                                   _In_ EX_POOL_PRIORITY Priority)
{
    return ExAllocatePoolWithTagPriority((POOL_TYPE)((ULONG)PoolType | POOL_ZERO_ALLOCATION),
                                         NumberOfBytes, Tag, Priority);
}
FORCEINLINE PVOID NTAPI ExAllocatePoolPriorityUninitialized(_In_ POOL_TYPE PoolType,
                                                            _In_ SIZE_T NumberOfBytes,
                                                            _In_ ULONG Tag,
                                                            _In_ EX_POOL_PRIORITY Priority)
{
    return ExAllocatePoolWithTagPriority(PoolType, NumberOfBytes, Tag, Priority);
}

/*** Extended parameters. ***/

typedef enum POOL_EXTENDED_PARAMETER_TYPE {
    PoolExtendedParameterInvalidType = 0,
    PoolExtendedParameterPriority,
    PoolExtendedParameterSecurePool,
    PoolExtendedParameterNumaNode,
    PoolExtendedParameterMax
} POOL_EXTENDED_PARAMETER_TYPE, *PPOOL_EXTENDED_PARAMETER_TYPE;

#define POOL_EXTENDED_PARAMETER_TYPE_BITS 8
#define POOL_EXTENDED_PARAMETER_REQUIRED_FIELD_BITS 1
#define POOL_EXTENDED_PARAMETER_RESERVED_BITS                                                      \
    (64 - POOL_EXTENDED_PARAMETER_TYPE_BITS - POOL_EXTENDED_PARAMETER_REQUIRED_FIELD_BITS)

#define SECURE_POOL_FLAGS_NONE 0x0
#define SECURE_POOL_FLAGS_FREEABLE 0x1
#define SECURE_POOL_FLAGS_MODIFIABLE 0x2

typedef struct _POOL_EXTENDED_PARAMS_SECURE_POOL {
    HANDLE SecurePoolHandle;
    PVOID Buffer; /* initial contents, as many bytes as are allocated; NULL: zeros */
    ULONG_PTR Cookie;
    ULONG SecurePoolFlags;
} POOL_EXTENDED_PARAMS_SECURE_POOL;

typedef ULONG POOL_NODE_REQUIREMENT;

typedef struct _POOL_EXTENDED_PARAMETER {
    struct {
        ULONG64 Type : POOL_EXTENDED_PARAMETER_TYPE_BITS;
        ULONG64 Optional : POOL_EXTENDED_PARAMETER_REQUIRED_FIELD_BITS;
        ULONG64 Reserved : POOL_EXTENDED_PARAMETER_RESERVED_BITS;
    };
    union {
        ULONG64 Reserved2;
        PVOID Reserved3;
        EX_POOL_PRIORITY Priority;
        POOL_EXTENDED_PARAMS_SECURE_POOL *SecurePoolParams;
        POOL_NODE_REQUIREMENT PreferredNode;
    };
} POOL_EXTENDED_PARAMETER, *PPOOL_EXTENDED_PARAMETER;
typedef const POOL_EXTENDED_PARAMETER *PCPOOL_EXTENDED_PARAMETER;
C_ASSERT(sizeof(POOL_EXTENDED_PARAMETER) == 16);
C_ASSERT(sizeof(POOL_EXTENDED_PARAMS_SECURE_POOL) == 32);

/*
 * As ExAllocatePool2, with extended parameters, at most one of a type; one that is not understood
 * is STATUS_INVALID_PARAMETER unless it is Optional. ExtendedParameters  Priority: fail earlier
 * when memory is low, or a guard page; NumaNode: the memory's node, of which there is one, 0;
 *                       SecurePool: the memory belongs to a secure pool, see ExCreatePool
 * WDK: ExAllocatePool3; book ch. 8.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI ExAllocatePool3(_In_ POOL_FLAGS Flags, _In_ SIZE_T NumberOfBytes,
                                        _In_ ULONG Tag,
                                        _In_opt_ PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                                        _In_ ULONG ExtendedParametersCount);

/*** Freeing. ***/

/*
 * Frees a block of any of the routines above. Tag is the one it was allocated with, or 0 for any.
 * Bugchecks BAD_POOL_CALLER: 7 freed twice, Ah another tag, 46h not the start of an allocation; and
 * BAD_POOL_HEADER (20h) when the block's header, or the one behind the block, has been overwritten;
 * and SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION for blocks of special pool: 23h, 24h bytes before or
 * behind the block have been overwritten. WDK: ExFreePoolWithTag; book ch. 3.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExFreePoolWithTag(_In_ PVOID P, _In_ ULONG Tag);

/* ExFreePoolWithTag with tag 0. WDK: ExFreePool. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExFreePool(_In_ PVOID P);

/*
 * With ExtendedParameters, one of the type SecurePool: frees a block of a secure pool that was
 * allocated with SECURE_POOL_FLAGS_FREEABLE; handle, tag and cookie must be those of the
 * allocation. Else BAD_POOL_CALLER (46h address; Ah tag; CAh handle, cookie or flags). Without
 * parameters: ExFreePoolWithTag. Blocks of secure pools: IRQL <= APC_LEVEL. WDK: ExFreePool2; book
 * ch. 8.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExFreePool2(_In_ PVOID P, _In_ ULONG Tag,
                                   _In_opt_ PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                                   _In_ ULONG ExtendedParametersCount);

/*** Secure pools: what is allocated there can be read by everybody and written by nobody, but by
 * ExSecurePoolUpdate. ***/

#define POOL_CREATE_FLG_SECURE_POOL 0x1
#define POOL_CREATE_FLG_USE_GLOBAL_POOL 0x2
#define POOL_CREATE_FLG_VALID_FLAGS (POOL_CREATE_FLG_SECURE_POOL | POOL_CREATE_FLG_USE_GLOBAL_POOL)
#define POOL_CREATE_PARAMS_VERSION 1

typedef struct _POOL_CREATE_EXTENDED_PARAMS {
    ULONG Version;
} POOL_CREATE_EXTENDED_PARAMS, *PPOOL_CREATE_EXTENDED_PARAMS;

/*
 * Makes a secure pool, from which ExAllocatePool3 allocates with POOL_FLAG_NON_PAGED and the
 * extended parameter SecurePool: at IRQL <= APC_LEVEL, in whole pages, with the contents of Buffer,
 * which nobody can change from then on. PoolHandle goes back with ExDestroyPool. Flags
 * POOL_CREATE_FLG_SECURE_POOL Tag     of the pool itself, not 0 Params  NULL, or Version
 * POOL_CREATE_PARAMS_VERSION STATUS_INVALID_PARAMETER; STATUS_INSUFFICIENT_RESOURCES. WDK:
 * ExCreatePool; book ch. 8.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ExCreatePool(_In_ ULONG Flags, _In_ ULONG_PTR Tag,
                                        _In_opt_ POOL_CREATE_EXTENDED_PARAMS *Params,
                                        _Out_ PHANDLE PoolHandle);
/* Ends a secure pool, and frees all that is still allocated from it. What is no such handle
 * bugchecks BAD_POOL_CALLER (CAh). WDK: ExDestroyPool. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExDestroyPool(_In_ HANDLE PoolHandle);

/* Whether Allocation is a block of the pool, allocated with this tag and cookie.
 * STATUS_INVALID_HANDLE: no such pool; STATUS_INVALID_PARAMETER: no such block in it, or of another
 * tag; STATUS_ACCESS_DENIED: another cookie. WDK: ExSecurePoolValidate. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ExSecurePoolValidate(_In_ HANDLE SecurePoolHandle, _In_ ULONG Tag,
                                                _In_ PVOID Allocation, _In_ ULONG_PTR Cookie);
/* Changes Size bytes from Offset on to what is at Buffer. The errors of ExSecurePoolValidate;
 * STATUS_ACCESS_DENIED: not allocated with SECURE_POOL_FLAGS_MODIFIABLE;
 * STATUS_INVALID_BUFFER_SIZE: not inside of the block; STATUS_INSUFFICIENT_RESOURCES. WDK:
 * ExSecurePoolUpdate; book ch. 8. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ExSecurePoolUpdate(_In_ HANDLE SecurePoolHandle, _In_ ULONG Tag,
                                              _In_ PVOID Allocation, _In_ ULONG_PTR Cookie,
                                              _In_ SIZE_T Offset, _In_ SIZE_T Size,
                                              _In_ PVOID Buffer);

#endif
