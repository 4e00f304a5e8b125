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
