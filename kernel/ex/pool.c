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

/*
 * The usual path is kept free of anything that costs registers: what is rare stands in routines of
 * its own, which are called last, with the arguments where they are (so NTAPI, like the callers).
 */
#define EXP_RARE __attribute__((noinline)) NTAPI

static EXP_RARE DECLSPEC_NORETURN void ExpBadCaller(ULONG Subcode, ULONG64 Parameter2,
                                                    ULONG64 Parameter3, ULONG64 Parameter4)
{
    KeBugCheckEx(BAD_POOL_CALLER, Subcode, Parameter2, Parameter3, Parameter4);
}

static PVOID ExpAllocateLarge(ULONG Kind, SIZE_T Size, ULONG Tag, PVOID Caller)
{
    SIZE_T Pages = BYTES_TO_PAGES(Size);
    ULONG64 Key = ExpOwnerKey(Caller, EX_POOL_INDEX(Kind, EX_CLASS_PAGES));
    PEX_POOL_OWNER Owner = ExpFindOwner(Key, Tag, NULL);
    PVOID Base = MmAllocatePoolPages(Kind, Pages, Tag, (USHORT)(Owner - ExpOwners));

    if (Base != NULL) {
        InterlockedIncrement64(&Owner->Allocations);
        InterlockedAdd64(&Owner->Bytes, (LONG64)(Pages * PAGE_SIZE));
        InterlockedAdd64(&ExpLargePages[Kind], (LONG64)Pages);
    }
    return Base;
}

static inline BOOLEAN ExpIsIrqlTooHigh(ULONG Kind)
{
    return __readcr8() + Kind > DISPATCH_LEVEL; /* paged: APC_LEVEL */
}

/* Makes a free block Owner's. */
static inline PVOID ExpTakeOver(PSLIST_ENTRY Block, ULONG Tag, PEX_POOL_OWNER Owner)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)Block - 1;

    Header->PoolType = EX_POOL_IN_USE;
    Header->PoolTag = Tag;
    Header->Owner = (ULONG)((ULONG_PTR)Owner - (ULONG_PTR)ExpOwners);
    InterlockedIncrement64(&Owner->Allocations);
    return Block;
}

/* Block: a free one, or NULL for one of the slabs. */
static EXP_RARE PVOID ExpAllocateSlowly(PSLIST_ENTRY Block, ULONG64 Key, ULONG Tag)
{
    PEX_POOL_OWNER Owner = ExpFindOwner(Key, Tag, NULL);

    if (Block == NULL) {
        Block = ExpRefillPool(ExpIndexOfKey(Key));
    }
    return Block == NULL ? NULL : ExpTakeOver(Block, Tag, Owner);
}

static inline PVOID ExpAllocateSmall(ULONG Kind, ULONG Class, ULONG Tag, PVOID Caller)
{
    ULONG Index = EX_POOL_INDEX(Kind, Class);
    ULONG64 Key = ExpOwnerKey(Caller, Index);
    PEX_POOL_CACHE Cache = ExpCurrentCache();
    PSLIST_ENTRY Block;
    PEX_POOL_OWNER Owner;

    if (Cache == NULL || (Block = ExpPopBlock(&Cache->Blocks[Index])) == NULL) {
        return ExpAllocateSlowly(NULL, Key, Tag);
    }
    Owner = ExpHashOwner(Key, Tag);
    if (Owner->Key != Key || Owner->Tag != Tag) {
        return ExpAllocateSlowly(Block, Key, Tag);
    }
    return ExpTakeOver(Block, Tag, Owner);
}

/* Everything but a small block of a plain type. */
static EXP_RARE PVOID ExpAllocateSpecial(ULONG PoolType, SIZE_T Size, ULONG Tag, PVOID Caller)
{
    ULONG Kind = PoolType & PagedPool;
    ULONG Class = EX_POOL_CLASSES;
    PVOID Block;

    if (ExpIsIrqlTooHigh(Kind)) {
        ExpBadCaller(EX_BAD_ALLOCATE_IRQL, KeGetCurrentIrql(), PoolType, Size);
    }
    if (PoolType & EX_TYPE_MUST_SUCCEED) {
        ExpBadCaller(EX_BAD_MUST_SUCCEED, PoolType, Size, Tag);
    }
    if (Size <= EX_POOL_MAXIMUM_SMALL) {
        Class = (PoolType & EX_TYPE_CACHE_ALIGNED) != 0 ? ExpAlignedClassOfSize(Size)
                                                        : ExpClassOfSize(Size);
    }
    Block = Class < EX_POOL_CLASSES ? ExpAllocateSmall(Kind, Class, Tag, Caller)
                                    : ExpAllocateLarge(Kind, Size, Tag, Caller);
    if (Block == NULL && (PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE) != 0) {
        KeRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    }
    if (Block != NULL && (PoolType & POOL_ZERO_ALLOCATION) != 0) {
        memset(Block, 0, Size);
    }
    return Block;
}

static inline PVOID ExpAllocate(POOL_TYPE PoolType, SIZE_T Size, ULONG Tag, PVOID Caller)
{
    if ((PoolType & ~(PagedPool | NonPagedPoolNx)) != 0 || Size > EX_POOL_MAXIMUM_SMALL ||
        ExpIsIrqlTooHigh(PoolType & PagedPool)) {
        return ExpAllocateSpecial(PoolType, Size, Tag, Caller);
    }
    return ExpAllocateSmall(PoolType & PagedPool, ExpClassOfSize(Size), Tag, Caller);
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return ExpAllocate(PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExpAllocateSpecial(PoolType, NumberOfBytes, EX_POOL_DEFAULT_TAG,
                              __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    ULONG64 Kinds = Flags & EX_FLAG_KINDS;
    ULONG PoolType = Kinds == POOL_FLAG_PAGED ? PagedPool : NonPagedPool;

    /* Executable memory is asked for by name here, so it is refused rather than faked. */
    if ((Kinds != POOL_FLAG_NON_PAGED && Kinds != POOL_FLAG_PAGED) ||
        (Flags & (EX_FLAG_OPTIONAL_START - 1) & ~EX_FLAG_KNOWN) != 0) {
        return NULL;
    }
    if (Flags & POOL_FLAG_CACHE_ALIGNED) {
        PoolType |= EX_TYPE_CACHE_ALIGNED;
    }
    if (Flags & POOL_FLAG_RAISE_ON_FAILURE) {
        PoolType |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    }
    if ((Flags & POOL_FLAG_UNINITIALIZED) == 0) {
        PoolType |= POOL_ZERO_ALLOCATION;
    }
    return ExpAllocateSpecial(PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}

/*** Freeing. ***/

/* A protected tag (bit 31) matches with or without the bit; tag 0 when freeing matches all. */
static inline void ExpCheckTag(PVOID P, ULONG Allocated, ULONG Freed)
{
    if (Freed != Allocated && Freed != 0 && ((Freed ^ Allocated) & ~EX_POOL_PROTECTED_TAG) != 0) {
        ExpBadCaller(EX_BAD_TAG, (ULONG_PTR)P, Allocated, Freed);
    }
}

/* A header is not what it was: does P not point behind one, or has it been overwritten? */
static EXP_RARE DECLSPEC_NORETURN void ExpBadBlock(PVOID P)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)P - 1;

    if (MmQueryPoolKind(P) < 0 || ((ULONG_PTR)P & (EX_POOL_UNIT - 1)) != 0) {
        ExpBadCaller(EX_BAD_ADDRESS, (ULONG_PTR)P, 0, 0);
    }
    KeBugCheckEx(BAD_POOL_HEADER, EX_BAD_HEADER, (ULONG_PTR)Header,
                 (ULONG_PTR)(Header + Header->BlockSize), Header->Ulong1);
}

/* A free block has been freed, or its type has been overwritten. */
static EXP_RARE DECLSPEC_NORETURN void ExpBadType(PVOID P, UCHAR Type)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)P - 1;

    if (Type != EX_POOL_FREE) {
        Header->PoolType = Type;
        ExpBadBlock(P);
    }
    ExpBadCaller(EX_BAD_DOUBLE_FREE, Header->PoolTag, Header->Ulong1, (ULONG_PTR)P);
}

/* Whole pages, and what is no pool at all. */
static EXP_RARE void ExpFreePages(PVOID P, ULONG Tag)
{
    LONG Kind = MmQueryPoolKind(P);
    PEX_POOL_OWNER Owner;
    ULONG Allocated = 0;
    USHORT Number;
    SIZE_T Pages;

    if (Kind >= 0 && ExpIsIrqlTooHigh((ULONG)Kind)) {
        ExpBadCaller(EX_BAD_FREE_IRQL, KeGetCurrentIrql(), (ULONG)Kind, (ULONG_PTR)P);
    }
    /* A slab's page starts a run too, but one without a tag. */
    if (Kind < 0 || MmQueryPoolPages(P, &Allocated, &Number) == 0 || Allocated == 0) {
        ExpBadCaller(EX_BAD_ADDRESS, (ULONG_PTR)P, 0, 0);
    }
    ExpCheckTag(P, Allocated, Tag);
    KiCheckFreedMemory(P, MmQueryPoolPages(P, &Allocated, &Number) * PAGE_SIZE);
    Pages = MmFreePoolPages(P);
    if (Pages == 0) {
        ExpBadCaller(EX_BAD_DOUBLE_FREE, Allocated, 0, (ULONG_PTR)P);
    }
    Owner = &ExpOwners[Number];
    InterlockedAdd64(&Owner->Bytes, -(LONG64)(Pages * PAGE_SIZE));
    InterlockedIncrement64(&Owner->Frees);
    InterlockedAdd64(&ExpLargePages[Kind], -(LONG64)Pages);
}

static EXP_RARE void ExpFreeToSlab(ULONG Index, PVOID Block)
{
    ExpDrainPool(Index, Block);
}

VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)P - 1;
    PPOOL_HEADER Next;
    PEX_POOL_OWNER Owner;
    PEX_POOL_CACHE Cache;
    PEX_POOL_LIST List;
    ULONG Index;
    UCHAR Type;

    if (BYTE_OFFSET(P) == 0) {
        ExpFreePages(P, Tag);
        return;
    }
    /* The header is as it was made, and so is the one that an overrun of this block hits first. */
    Next = Header + Header->BlockSize;
    if (Header->Check != ExpHeaderCheck(Header) || Next->Check != ExpHeaderCheck(Next)) {
        ExpBadBlock(P);
    }
    ExpCheckTag(P, Header->PoolTag, Tag);
    Index = Header->PoolIndex;
    if (ExpIsIrqlTooHigh(EX_KIND_OF_INDEX(Index))) {
        ExpBadCaller(EX_BAD_FREE_IRQL, KeGetCurrentIrql(), EX_KIND_OF_INDEX(Index), (ULONG_PTR)P);
    }
    KiCheckFreedMemory(P, (ULONG_PTR)Next - (ULONG_PTR)P);
    Owner = (PEX_POOL_OWNER)((ULONG_PTR)ExpOwners + Header->Owner);
    /* Of two that free a block at once, one finds it free. */
    Type = __atomic_exchange_n(&Header->PoolType, EX_POOL_FREE, __ATOMIC_SEQ_CST);
    if (Type != EX_POOL_IN_USE) {
        ExpBadType(P, Type);
    }
    InterlockedIncrement64(&Owner->Frees);
    Cache = ExpCurrentCache();
    List = &Cache->Blocks[Index];
    if (Cache == NULL || (USHORT)List->State >= ExpCacheDepth[Index]) {
        ExpFreeToSlab(Index, P);
        return;
    }
    ExpPushBlock(List, P);
}

VOID NTAPI ExFreePool(PVOID P)
{
    ExFreePoolWithTag(P, 0);
}
