/*
 * pool.c - the pools' interface: what a request means, and what misuse is.
 *
 * The usual case takes no lock and raises nothing: a small block comes from a sequenced list of the
 * processor it is asked for on, and goes back to one. Being moved to another processor halfway is
 * harmless, because the lists are safe from anywhere.
 *
 * All pool memory is non-executable, NonPagedPool too, although Windows' type 0 is not: nothing in
 * Etude is writable and executable at once. Paged pool has addresses of its own but is resident.
 *
 * Every free checks the block's header and the one behind it, who frees and at which IRQL.
 */
#include "pool.h"

#define EX_POOL_DEFAULT_TAG 'enoN' /* "None", as Windows */
#define EX_POOL_PROTECTED_TAG 0x80000000U

/* Type bits a caller may combine: kind, cache alignment, NX, raise, zero. */
#define EX_TYPE_CACHE_ALIGNED 4
#define EX_TYPE_MUST_SUCCEED 2

/* ExAllocatePool2: bits below this must be understood, others may be ignored. */
#define EX_FLAG_OPTIONAL_START 0x100000000ULL
#define EX_FLAG_KINDS (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED)
#define EX_FLAG_KNOWN                                                                              \
    (EX_FLAG_KINDS | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_CACHE_ALIGNED |     \
     POOL_FLAG_RAISE_ON_FAILURE)

static __attribute__((noinline)) PVOID ExpAllocateLarge(ULONG Kind, SIZE_T Size, ULONG Tag)
{
    SIZE_T Pages = BYTES_TO_PAGES(Size);
    PVOID Base = MmAllocatePoolPages(Kind, Pages, Tag);

    if (Base != NULL) {
        PEX_POOL_COUNTS Counts = ExpFindTag(Tag, Kind);

        InterlockedIncrement64(&Counts->Allocations);
        InterlockedAdd64(&Counts->Bytes, (LONG64)(Pages * PAGE_SIZE));
        InterlockedAdd64(&ExpLargePages[Kind], (LONG64)Pages);
    }
    return Base;
}

static inline PVOID ExpAllocateSmall(ULONG Kind, ULONG Class, ULONG Tag)
{
    PEX_POOL_CACHE Cache = KeGetCurrentPrcb()->PoolCache;
    PVOID Block = NULL;
    PPOOL_HEADER Header;
    PEX_POOL_COUNTS Counts;

    if (Cache != NULL) {
        Block = InterlockedPopEntrySList(&Cache->Blocks[Kind][Class]);
    }
    if (Block == NULL) {
        Block = ExpRefillPool(Kind, Class);
        if (Block == NULL) {
            return NULL;
        }
    }
    Header = (PPOOL_HEADER)Block - 1;
    if (Header->Check != ExpHeaderCheck(Header) || Header->PoolType != EX_POOL_FREE) {
        KeBugCheckEx(BAD_POOL_HEADER, EX_BAD_HEADER, (ULONG_PTR)Header, 0, Header->Ulong1);
    }
    Header->PoolType = (UCHAR)(EX_POOL_IN_USE | Kind);
    Header->PoolTag = Tag;
    Counts = ExpFindTag(Tag, Kind);
    InterlockedIncrement64(&Counts->Allocations);
    InterlockedAdd64(&Counts->Bytes, ExpClassBytes[Class]);
    return Block;
}

/* Misuse that cannot be answered by NULL. */
static void ExpCheckRequest(ULONG PoolType, SIZE_T Size, ULONG Tag)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (Irql > ((PoolType & PagedPool) != 0 ? APC_LEVEL : DISPATCH_LEVEL)) {
        KeBugCheckEx(BAD_POOL_CALLER, EX_BAD_ALLOCATE_IRQL, Irql, PoolType, Size);
    }
    if (Tag == 0 || Tag == ' GIB') {
        KeBugCheckEx(BAD_POOL_CALLER, Tag == 0 ? EX_BAD_ZERO_TAG : EX_BAD_BIG_TAG, PoolType, Size,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    if (PoolType & EX_TYPE_MUST_SUCCEED) {
        KeBugCheckEx(BAD_POOL_CALLER, EX_BAD_MUST_SUCCEED, PoolType, Size, Tag);
    }
}

static __attribute__((noinline)) PVOID ExpAllocateAligned(ULONG Kind, SIZE_T Size, ULONG Tag)
{
    ULONG Class = Size <= EX_POOL_MAXIMUM_SMALL ? ExpAlignedClassOfSize(Size) : EX_POOL_CLASSES;

    return Class < EX_POOL_CLASSES ? ExpAllocateSmall(Kind, Class, Tag)
                                   : ExpAllocateLarge(Kind, Size, Tag);
}

/* No handler could be found for an exception here, so what raising it ends in comes at once. */
static __attribute__((noinline)) void ExpRaiseNoMemory(PVOID Caller)
{
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)STATUS_INSUFFICIENT_RESOURCES,
                 (ULONG_PTR)Caller, 0, 0);
}

static inline PVOID ExpAllocatePool(ULONG PoolType, SIZE_T Size, ULONG Tag)
{
    ULONG Kind = PoolType & PagedPool;

    ExpCheckRequest(PoolType, Size, Tag);
    if (PoolType & EX_TYPE_CACHE_ALIGNED) {
        return ExpAllocateAligned(Kind, Size, Tag);
    }
    if (Size > EX_POOL_MAXIMUM_SMALL) {
        return ExpAllocateLarge(Kind, Size, Tag);
    }
    return ExpAllocateSmall(Kind, ExpClassOfSize(Size), Tag);
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVOID Block = ExpAllocatePool(PoolType, NumberOfBytes, Tag);

    if (PoolType & (POOL_ZERO_ALLOCATION | POOL_RAISE_IF_ALLOCATION_FAILURE)) {
        if (Block != NULL && (PoolType & POOL_ZERO_ALLOCATION) != 0) {
            memset(Block, 0, NumberOfBytes);
        }
        if (Block == NULL && (PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE) != 0) {
            ExpRaiseNoMemory(__builtin_return_address(0));
        }
    }
    return Block;
}

PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, EX_POOL_DEFAULT_TAG);
}

PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    ULONG64 Kinds = Flags & EX_FLAG_KINDS;
    ULONG PoolType = Kinds == POOL_FLAG_PAGED ? PagedPool : NonPagedPool;
    PVOID Block;

    /* Executable memory is asked for by name here, so it is refused rather than faked. */
    if ((Kinds != POOL_FLAG_NON_PAGED && Kinds != POOL_FLAG_PAGED) ||
        (Flags & (EX_FLAG_OPTIONAL_START - 1) & ~EX_FLAG_KNOWN) != 0) {
        return NULL;
    }
    if (Flags & POOL_FLAG_CACHE_ALIGNED) {
        PoolType |= EX_TYPE_CACHE_ALIGNED;
    }
    Block = ExpAllocatePool(PoolType, NumberOfBytes, Tag);
    if (Block == NULL) {
        if (Flags & POOL_FLAG_RAISE_ON_FAILURE) {
            ExpRaiseNoMemory(__builtin_return_address(0));
        }
        return NULL;
    }
    if ((Flags & POOL_FLAG_UNINITIALIZED) == 0) {
        memset(Block, 0, NumberOfBytes);
    }
    return Block;
}

/*** Freeing. ***/

static void ExpCheckFreeIrql(PVOID P, ULONG Kind)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (Irql > (Kind != 0 ? APC_LEVEL : DISPATCH_LEVEL)) {
        KeBugCheckEx(BAD_POOL_CALLER, EX_BAD_FREE_IRQL, Irql, Kind, (ULONG_PTR)P);
    }
}

/* A protected tag (bit 31) matches with or without the bit; tag 0 when freeing matches all. */
static inline void ExpCheckTag(PVOID P, ULONG Allocated, ULONG Freed)
{
    if (Freed != 0 && Freed != Allocated && ((Freed ^ Allocated) & ~EX_POOL_PROTECTED_TAG) != 0) {
        KeBugCheckEx(BAD_POOL_CALLER, EX_BAD_TAG, (ULONG_PTR)P, Allocated, Freed);
    }
}

static __attribute__((noinline)) void ExpFreeLarge(PVOID P, ULONG Kind, ULONG Tag)
{
    ULONG Allocated;
    SIZE_T Pages = MmQueryPoolPages(P, &Allocated);
    PEX_POOL_COUNTS Counts;

    /* A slab's page starts a run too, but one without a tag. */
    if (Pages == 0 || Allocated == 0) {
        KeBugCheckEx(BAD_POOL_CALLER, EX_BAD_ADDRESS, (ULONG_PTR)P, 0, 0);
    }
    ExpCheckTag(P, Allocated, Tag);
    if (MmFreePoolPages(P) == 0) {
        KeBugCheckEx(BAD_POOL_CALLER, EX_BAD_DOUBLE_FREE, 0, Allocated, (ULONG_PTR)P);
    }
    Counts = ExpFindTag(Allocated, Kind);
    InterlockedIncrement64(&Counts->Frees);
    InterlockedAdd64(&Counts->Bytes, -(LONG64)(Pages * PAGE_SIZE));
    InterlockedAdd64(&ExpLargePages[Kind], -(LONG64)Pages);
}

/* The header is as it was made, and so is the one that an overrun of this block hits first. */
static inline void ExpCheckHeaders(PPOOL_HEADER Header)
{
    PPOOL_HEADER Next = Header + Header->BlockSize;

    if (Header->Check != ExpHeaderCheck(Header) || Next->Check != ExpHeaderCheck(Next)) {
        KeBugCheckEx(BAD_POOL_HEADER, EX_BAD_HEADER, (ULONG_PTR)Header, (ULONG_PTR)Next,
                     Header->Ulong1);
    }
}

VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    LONG Kind = MmQueryPoolKind(P);
    PPOOL_HEADER Header = (PPOOL_HEADER)P - 1;
    PEX_POOL_COUNTS Counts;
    PEX_POOL_CACHE Cache;
    PSLIST_HEADER List;
    UCHAR Type;

    if (Kind < 0 || ((ULONG_PTR)P & (EX_POOL_UNIT - 1)) != 0) {
        KeBugCheckEx(BAD_POOL_CALLER, EX_BAD_ADDRESS, (ULONG_PTR)P, 0, 0);
    }
    ExpCheckFreeIrql(P, (ULONG)Kind);
    if (BYTE_OFFSET(P) == 0) {
        ExpFreeLarge(P, (ULONG)Kind, Tag);
        return;
    }
    ExpCheckHeaders(Header);
    ExpCheckTag(P, Header->PoolTag, Tag);
    Counts = ExpFindTag(Header->PoolTag, (ULONG)Kind);
    /* Of two that free a block at once, one finds it free. */
    Type = __atomic_exchange_n(&Header->PoolType, EX_POOL_FREE, __ATOMIC_SEQ_CST);
    if (Type != (EX_POOL_IN_USE | Kind)) {
        KeBugCheckEx(BAD_POOL_CALLER, EX_BAD_DOUBLE_FREE, Header->PoolTag, Header->Ulong1,
                     (ULONG_PTR)P);
    }
    InterlockedIncrement64(&Counts->Frees);
    InterlockedAdd64(&Counts->Bytes, -(LONG64)(Header->BlockSize * EX_POOL_UNIT));
    Cache = KeGetCurrentPrcb()->PoolCache;
    List = Cache == NULL ? NULL : &Cache->Blocks[Kind][Header->PoolIndex];
    if (List == NULL || (USHORT)List->Alignment >= ExpCacheDepth(Header->PoolIndex)) {
        ExpDrainPool((ULONG)Kind, Header->PoolIndex, P);
        return;
    }
    InterlockedPushEntrySList(List, P);
}

VOID NTAPI ExFreePool(PVOID P)
{
    ExFreePoolWithTag(P, 0);
}
