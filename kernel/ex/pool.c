/*
 * pool.c - the pools' interface: what a request means, and what misuse is.
 *
 * The usual case takes no lock and raises nothing: a small block comes from a sequenced list of the
 * processor it is asked for on, and goes back to one. Being moved to another processor halfway is
 * harmless, because the lists are safe from anywhere. Everything else is a request, which is
 * answered in poolrequest.c; with rules for failures or special pool (poolrules.c), everything is.
 *
 * Pool memory is not executable, NonPagedPool neither, although Windows' type 0 may be: only what
 * is asked for as executable is, from pages of its own. Nothing else in Etude is writable and
 * executable at once.
 *
 * Every free checks the block's header and the one behind it, who frees and at which IRQL.
 */
#include "pool.h"
#include "stacktrace.h"

#define EX_POOL_DEFAULT_TAG 'enoN' /* "None", as Windows */

/* Requests of fewer bytes, of a plain type, take the short path. */
static SIZE_T ExpPlainSizes = EX_POOL_MAXIMUM_SMALL + 1;

volatile BOOLEAN ExStocksPassed;

void ExpChoosePoolPath(void)
{
    BOOLEAN Each = (BOOLEAN)(ExpAreFaultsOn() || ExAreStackTracesOn());
    BOOLEAN Plain = (BOOLEAN)(!Each && !ExpIsSpecialOn() && !ExpIsTypeZeroExecutable());

    ExStocksPassed = Each;
    *(volatile SIZE_T *)&ExpPlainSizes = Plain ? EX_POOL_MAXIMUM_SMALL + 1 : 0;
}

/*
 * The usual path is kept free of anything that costs registers: what is rare stands in routines of
 * its own, which are called last, with the arguments where they are (so NTAPI, like the callers).
 */
#define EXP_RARE __attribute__((noinline)) NTAPI

DECLSPEC_NORETURN EXP_RARE void ExpBadCaller(ULONG Subcode, ULONG64 Parameter2, ULONG64 Parameter3,
                                             ULONG64 Parameter4)
{
    KeBugCheckEx(BAD_POOL_CALLER, Subcode, Parameter2, Parameter3, Parameter4);
}

/*** Allocating. ***/

/* Block: a free one, or NULL for one of the slabs. */
static EXP_RARE PVOID ExpAllocateSlowly(PSLIST_ENTRY Block, ULONG64 Key, ULONG Tag)
{
    PEX_POOL_OWNER Owner = ExpFindOwner(Key, Tag, NULL);

    if (Block == NULL) {
        Block = ExpRefillPool(ExpIndexOfKey(Key));
    }
    return Block == NULL ? NULL : ExpTakeOver(Block, Tag, Owner, EX_POOL_IN_USE);
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
    Owner = ExpGuessOwner(Key, Tag);
    if (Owner->Key != Key || Owner->Tag != Tag) {
        return ExpAllocateSlowly(Block, Key, Tag);
    }
    return ExpTakeOver(Block, Tag, Owner, EX_POOL_IN_USE);
}

/* Everything but a small block of a plain type. */
EXP_RARE PVOID ExpAllocateByType(ULONG PoolType, SIZE_T Size, ULONG Tag, PVOID Caller)
{
    EX_POOL_REQUEST Request = {
        .Size = Size, .Tag = Tag, .Priority = HighPoolPriority, .Caller = Caller};

    if (!ExpParsePoolType(PoolType, &Request)) {
        return ExpFailRequest(&Request, STATUS_INVALID_PARAMETER);
    }
    return ExpAllocateRequest(&Request);
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVOID Caller = __builtin_return_address(0);

    if ((PoolType & ~(PagedPool | NonPagedPoolNx)) != 0 || NumberOfBytes >= ExpPlainSizes ||
        ExpIsIrqlTooHigh(PoolType & PagedPool)) {
        return ExpAllocateByType(PoolType, NumberOfBytes, Tag, Caller);
    }
    return ExpAllocateSmall(PoolType & PagedPool, ExpClassOfSize(NumberOfBytes), Tag, Caller);
}

/* The plain kinds of ExAllocatePool2, in the short way too. */
PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVOID Caller = __builtin_return_address(0);
    ULONG64 Pool = Flags & ~POOL_FLAG_UNINITIALIZED;
    ULONG Kind = Pool == POOL_FLAG_PAGED ? EX_KIND_PAGED : EX_KIND_NONPAGED;
    PVOID Block;

    if ((Pool != POOL_FLAG_NON_PAGED && Pool != POOL_FLAG_PAGED) ||
        NumberOfBytes >= ExpPlainSizes || ExpIsIrqlTooHigh(Kind)) {
        return ExpAllocateByFlags(Flags, NumberOfBytes, Tag, Caller);
    }
    Block = ExpAllocateSmall(Kind, ExpClassOfSize(NumberOfBytes), Tag, Caller);
    if (Block != NULL && Pool == Flags) {
        memset(Block, 0, NumberOfBytes);
    }
    return Block;
}

PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExpAllocateByType(PoolType, NumberOfBytes, EX_POOL_DEFAULT_TAG,
                             __builtin_return_address(0));
}

static PVOID ExpAllocateWithQuota(ULONG PoolType, SIZE_T Size, ULONG Tag, PVOID Caller)
{
    EX_POOL_REQUEST Request = {
        .Size = Size, .Tag = Tag, .Priority = HighPoolPriority, .Caller = Caller};
    BOOLEAN Known = ExpParsePoolType(PoolType, &Request);

    Request.Flags |= EX_REQUEST_QUOTA;
    if ((PoolType & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE) == 0) {
        Request.Flags |= EX_REQUEST_RAISE;
    }
    return Known ? ExpAllocateRequest(&Request)
                 : ExpFailRequest(&Request, STATUS_INVALID_PARAMETER);
}

PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return ExpAllocateWithQuota(PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExpAllocateWithQuota(PoolType, NumberOfBytes, EX_POOL_DEFAULT_TAG,
                                __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                          EX_POOL_PRIORITY Priority)
{
    EX_POOL_REQUEST Request = {
        .Size = NumberOfBytes, .Tag = Tag, .Caller = __builtin_return_address(0)};

    ExpSetPriority(&Request, (ULONG)Priority);
    if (!ExpParsePoolType(PoolType, &Request)) {
        return ExpFailRequest(&Request, STATUS_INVALID_PARAMETER);
    }
    return ExpAllocateRequest(&Request);
}

/*** Freeing. ***/

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

static EXP_RARE void ExpFreeToSlab(ULONG Index, PVOID Block)
{
    ExpDrainPool(Index, Block);
}

/* A free block goes to the processor's list, or, if that has enough, to its slab. */
static inline void ExpGiveBack(ULONG Index, PVOID Block)
{
    PEX_POOL_CACHE Cache = ExpCurrentCache();
    PEX_POOL_LIST List = &Cache->Blocks[Index];

    if (Cache == NULL || (USHORT)List->State >= ExpCacheDepth[Index]) {
        ExpFreeToSlab(Index, Block);
        return;
    }
    ExpPushBlock(List, Block);
}

/* What has no header like others is special pool, or wrong. */
static EXP_RARE void ExpFreeHeaderless(PVOID P, ULONG Tag)
{
    if (!ExpFreeGuarded(P, Tag)) {
        ExpBadBlock(P);
    }
}

/* There is no memory where P's header should be: its slab's page may have been given back since it
 * was freed. Special pool is unmapped on purpose, and says what it was by the fault. */
static EXP_RARE DECLSPEC_NORETURN void ExpBadPage(PVOID P)
{
    LONG Kind = MmQueryPoolKind(P);

    if (MmQueryGuardedPage(P) != MmNotGuarded) {
        (void)*(volatile ULONG *)((PPOOL_HEADER)P - 1);
    }
    if (Kind >= 0 && ExpIsIrqlTooHigh((ULONG)Kind)) {
        ExpBadCaller(EX_BAD_FREE_IRQL, KeGetCurrentIrql(), (ULONG)Kind, (ULONG_PTR)P);
    }
    ExpBadCaller(EX_BAD_ADDRESS, (ULONG_PTR)P, 0, 0);
}

/* The block at P, which has just become free, was not simply in use: somebody is charged for it, or
 * it has been freed, or its type has been overwritten. */
static EXP_RARE void ExpFreeUnusual(PVOID P, UCHAR Type)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)P - 1;
    PEX_POOL_OWNER Owner = (PEX_POOL_OWNER)((ULONG_PTR)ExpOwners + Header->Owner);

    if (Type == EX_POOL_FREE) {
        ExpBadCaller(EX_BAD_DOUBLE_FREE, Header->PoolTag, Header->Ulong1, (ULONG_PTR)P);
    }
    if (Type != EX_POOL_BILLED) {
        Header->PoolType = Type;
        ExpBadBlock(P);
    }
    ExpReturnCharge(Owner, EX_KIND_OF_INDEX(Header->PoolIndex),
                    (SIZE_T)Header->BlockSize * EX_POOL_UNIT);
    ExTraceFree(P, NULL);
    KI_TRACE_INCREMENT_LOCKED(PoolFree, Owner->Frees, P, 0, 0);
    ExpGiveBack(Header->PoolIndex, P);
}

/* Whole pages, and what is no pool at all. */
static EXP_RARE void ExpFreePages(PVOID P, ULONG Tag)
{
    LONG Kind = MmQueryPoolKind(P);
    PEX_POOL_OWNER Owner;
    ULONG Allocated = 0;
    USHORT Number;
    SIZE_T Pages;

    if (ExpFreeGuarded(P, Tag)) {
        return;
    }

    if (Kind >= 0 && ExpIsIrqlTooHigh((ULONG)Kind)) {
        ExpBadCaller(EX_BAD_FREE_IRQL, KeGetCurrentIrql(), (ULONG)Kind, (ULONG_PTR)P);
    }
    /* A slab's page starts a run too, but one without a tag. */
    Pages = Kind < 0 ? 0 : MmQueryPoolPages(P, &Allocated, &Number);
    if (Pages == 0 || Allocated == 0) {
        ExpBadCaller(EX_BAD_ADDRESS, (ULONG_PTR)P, 0, 0);
    }
    ExpCheckTag(P, Allocated, Tag);
    KiCheckFreedMemory(P, Pages * PAGE_SIZE);
    Owner = &ExpOwners[Number];
    ExTraceFree(P, NULL);
    KI_TRACE_INCREMENT_LOCKED(PoolFree, Owner->Frees, P, Allocated, Pages * PAGE_SIZE);
    Pages = MmFreePoolPages(P);
    if (Pages == 0) {
        ExpBadCaller(EX_BAD_DOUBLE_FREE, Allocated, 0, (ULONG_PTR)P);
    }
    if (Owner->Process != NULL) {
        ExpReturnCharge(Owner, (ULONG)Kind, Pages * PAGE_SIZE);
    }
    InterlockedAdd64(&Owner->Bytes, -(LONG64)(Pages * PAGE_SIZE));
    InterlockedAdd64(&ExpLargePages[Kind], -(LONG64)Pages);
}

VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)P - 1;
    PPOOL_HEADER Next;
    PEX_POOL_OWNER Owner;
    ULONG Index, Check;
    UCHAR Type;

    if (BYTE_OFFSET(P) == 0) {
        ExpFreePages(P, Tag);
        return;
    }
    /* Check = Header->Check, or Gone. */
    __asm__ goto("1: movl %c2(%1), %0\n\t"
                 ".pushsection .readfixups, \"a\"\n\t"
                 ".quad 1b, %l3\n\t"
                 ".popsection"
                 : "=r"(Check)
                 : "r"(Header), "i"(offsetof(POOL_HEADER, Check))
                 : "memory"
                 : Gone);
    /* The header is as it was made, and so is the one that an overrun of this block hits first. */
    Next = Header + Header->BlockSize;
    if (Check != ExpHeaderCheck(Header) || Next->Check != ExpHeaderCheck(Next)) {
        ExpFreeHeaderless(P, Tag);
        return;
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
        ExpFreeUnusual(P, Type);
        return;
    }
    ExTraceFree(P, __builtin_return_address(0));
    KI_TRACE_INCREMENT_LOCKED(PoolFree, Owner->Frees, P, 0, 0);
    ExpGiveBack(Index, P);
    return;

Gone:
    ExpBadPage(P);
}

VOID NTAPI ExFreePool(PVOID P)
{
    ExFreePoolWithTag(P, 0);
}
