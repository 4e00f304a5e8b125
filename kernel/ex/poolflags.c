/*
 * poolflags.c - ExAllocatePool2 and 3: requests made of flags and extended parameters.
 */
#include "pool.h"

#define EX_FLAG_KINDS (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED)
#define EX_FLAG_KNOWN                                                                              \
    (EX_FLAG_KINDS | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_CACHE_ALIGNED |     \
     POOL_FLAG_RAISE_ON_FAILURE)

/* FALSE: flags that nobody understands, or not exactly one kind of pool. */
static BOOLEAN ExpParsePoolFlags(POOL_FLAGS Flags, PEX_POOL_REQUEST Request)
{
    ULONG64 Kinds = Flags & EX_FLAG_KINDS;

    Request->Flags |= ((Flags & POOL_FLAG_UNINITIALIZED) == 0 ? EX_REQUEST_ZERO : 0) |
                      ((Flags & POOL_FLAG_CACHE_ALIGNED) != 0 ? EX_REQUEST_ALIGNED : 0) |
                      ((Flags & POOL_FLAG_USE_QUOTA) != 0 ? EX_REQUEST_QUOTA : 0) |
                      ((Flags & POOL_FLAG_RAISE_ON_FAILURE) != 0 ? EX_REQUEST_RAISE : 0) |
                      ((Flags & POOL_FLAG_SPECIAL_POOL) != 0 ? EX_REQUEST_SPECIAL : 0);
    if (Kinds == POOL_FLAG_PAGED) {
        Request->Kind = EX_KIND_PAGED;
    } else if (Kinds == POOL_FLAG_NON_PAGED_EXECUTE) {
        Request->Kind = EX_KIND_EXECUTE;
    } else if (Kinds != POOL_FLAG_NON_PAGED) {
        return FALSE;
    }
    return (BOOLEAN)((Flags & (POOL_FLAG_OPTIONAL_START - 1) & ~EX_FLAG_KNOWN) == 0);
}

PVOID ExpAllocateByFlags(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag, PVOID Caller)
{
    EX_POOL_REQUEST Request = {
        .Size = NumberOfBytes, .Tag = Tag, .Priority = HighPoolPriority, .Caller = Caller};

    if (!ExpParsePoolFlags(Flags, &Request)) {
        return ExpFailRequest(&Request, STATUS_INVALID_PARAMETER);
    }
    return ExpAllocateRequest(&Request);
}

/*** Extended parameters. ***/

/* There is one node. The high bit, which would allow others, changes nothing. */
#define EX_ANY_NODE 0x80000000U

/* FALSE: not to be understood. */
static BOOLEAN ExpParseParameter(PCPOOL_EXTENDED_PARAMETER Parameter, PEX_POOL_REQUEST Request,
                                 const POOL_EXTENDED_PARAMS_SECURE_POOL **Secure)
{
    switch (Parameter->Type) {
    case PoolExtendedParameterPriority:
        ExpSetPriority(Request, (ULONG)Parameter->Priority);
        return (BOOLEAN)(Request->Priority <= HighPoolPriority &&
                         Request->Priority % NormalPoolPriority == 0);
    case PoolExtendedParameterSecurePool:
        *Secure = Parameter->SecurePoolParams;
        return (BOOLEAN)(*Secure != NULL);
    case PoolExtendedParameterNumaNode:
        return (BOOLEAN)((Parameter->PreferredNode & ~EX_ANY_NODE) == 0);
    default:
        return FALSE;
    }
}

static BOOLEAN ExpParseParameters(PCPOOL_EXTENDED_PARAMETER Parameters, ULONG Count,
                                  PEX_POOL_REQUEST Request,
                                  const POOL_EXTENDED_PARAMS_SECURE_POOL **Secure)
{
    ULONG Seen = 0;

    for (ULONG i = 0; i < Count; i++) {
        ULONG Type = (ULONG)Parameters[i].Type;

        if (Type < PoolExtendedParameterMax && (Seen & 1U << Type) != 0) {
            return FALSE;
        }
        Seen |= Type < PoolExtendedParameterMax ? 1U << Type : 0;
        if (!ExpParseParameter(&Parameters[i], Request, Secure) && !Parameters[i].Optional) {
            return FALSE;
        }
    }
    return TRUE;
}

PVOID NTAPI ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                            PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                            ULONG ExtendedParametersCount)
{
    EX_POOL_REQUEST Request = {.Size = NumberOfBytes,
                               .Tag = Tag,
                               .Priority = HighPoolPriority,
                               .Caller = __builtin_return_address(0)};
    const POOL_EXTENDED_PARAMS_SECURE_POOL *Secure = NULL;

    if (!ExpParsePoolFlags(Flags, &Request) ||
        (ExtendedParameters == NULL && ExtendedParametersCount != 0) ||
        !ExpParseParameters(ExtendedParameters, ExtendedParametersCount, &Request, &Secure)) {
        return ExpFailRequest(&Request, STATUS_INVALID_PARAMETER);
    }
    return Secure != NULL ? ExpAllocateSecure(&Request, Secure) : ExpAllocateRequest(&Request);
}

VOID NTAPI ExFreePool2(PVOID P, ULONG Tag, PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                       ULONG ExtendedParametersCount)
{
    const POOL_EXTENDED_PARAMS_SECURE_POOL *Secure = NULL;
    EX_POOL_REQUEST Request = {.Size = 0};

    if (ExtendedParametersCount != 0 &&
        (ExtendedParameters == NULL ||
         !ExpParseParameters(ExtendedParameters, ExtendedParametersCount, &Request, &Secure))) {
        ExpBadCaller(EX_BAD_SECURE, (ULONG_PTR)P, Tag, (ULONG_PTR)ExtendedParameters);
    }
    if (Secure != NULL) {
        ExpFreeSecure(P, Tag, Secure);
    } else {
        ExFreePoolWithTag(P, Tag);
    }
}
