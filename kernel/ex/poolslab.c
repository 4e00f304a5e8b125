/*
 * poolslab.c - where small blocks come from: slabs of one size, behind the processors' caches.
 *
 * Each kind and size class has a list of slabs with free blocks and a lock of its own
 * (LOCK_ORDER_EX_POOL). A slab whose blocks are all free goes to the kind's list of free slabs, for
 * any class to use. When those are too many, its page is given back instead: somebody may still be
 * reading a block's link there (EX_POOL_LIST), and finds out.
 */
#include "pool.h"

#define EX_FREE_SLABS 16 /* kept of each kind in any case */

typedef struct _EX_POOL_BIN {
    KSPIN_LOCK Lock;
    PLIST_ENTRY First; /* a slab with a free block; NULL: none. A ring without a head */
} EX_POOL_BIN, *PEX_POOL_BIN;

static EX_POOL_BIN ExpBins[EX_POOL_KINDS][EX_POOL_CLASSES];
static EX_POOL_BIN ExpFreeSlabs[EX_POOL_KINDS];
static ULONG ExpFreeSlabCount[EX_POOL_KINDS]; /* the lock of the kind's free slabs */
static volatile LONG64 ExpSlabPages[EX_POOL_KINDS];
ULONG ExpPoolCookie;

/* Bins have locks of one rank: only one is held at a time. */
static void ExpRankBinLocks(void)
{
    for (ULONG Kind = 0; Kind < EX_POOL_KINDS; Kind++) {
        for (ULONG Class = 0; Class < EX_POOL_CLASSES; Class++) {
            KiRankLock(&ExpBins[Kind][Class].Lock, "pool bin", LOCK_ORDER_EX_POOL);
        }
        KiRankLock(&ExpFreeSlabs[Kind].Lock, "free slabs", LOCK_ORDER_EX_SLABS);
    }
}

void ExInitializePools(void)
{
    /* Different on every start: what looks like a header by accident does so once. */
    ExpPoolCookie = (ULONG)((__rdtsc() * 0x9E3779B97F4A7C15ULL) >> 32);
    ExpInitializeClasses();
    ExpRankBinLocks();
    ExpReadPoolOptions();
    ExpInitializeFaults();
    ExpInitializeSpecial();
    ExpInitializeSecurePools();
    ExpChoosePoolPath();
}

ULONG64 ExpQuerySlabPages(ULONG Kind)
{
    return (ULONG64)ExpSlabPages[Kind];
}

/* Bins link slabs in a ring without a head, so that they need no initialisation. */
static void ExpLinkSlab(PEX_POOL_BIN Bin, PEX_POOL_SLAB Slab)
{
    if (Bin->First == NULL) {
        InitializeListHead(&Slab->Link);
    } else {
        InsertTailList(Bin->First, &Slab->Link);
    }
    Bin->First = &Slab->Link;
}

static void ExpUnlinkSlab(PEX_POOL_BIN Bin, PEX_POOL_SLAB Slab)
{
    if (Bin->First == &Slab->Link) {
        Bin->First = Slab->Link.Flink == &Slab->Link ? NULL : Slab->Link.Flink;
    }
    RemoveEntryList(&Slab->Link);
}

static ULONG64 ExpSlabCheck(PEX_POOL_SLAB Slab)
{
    return ~(ULONG64)ExpPoolCookie ^ (ULONG64)Slab;
}

static PEX_POOL_SLAB ExpTakeSlabPage(ULONG Kind)
{
    PEX_POOL_BIN Bin = &ExpFreeSlabs[Kind];
    PEX_POOL_SLAB Slab = NULL;

    KeAcquireSpinLockAtDpcLevel(&Bin->Lock);
    if (Bin->First != NULL) {
        Slab = CONTAINING_RECORD(Bin->First, EX_POOL_SLAB, Link);
        ExpUnlinkSlab(Bin, Slab);
        ExpFreeSlabCount[Kind] -= 1;
    }
    KeReleaseSpinLockFromDpcLevel(&Bin->Lock);
    if (Slab == NULL) {
        Slab = MmAllocatePoolPages(Kind, 1, 0, 0);
        if (Slab != NULL) {
            InterlockedIncrement64(&ExpSlabPages[Kind]);
        }
    }
    return Slab;
}

static void ExpInitializeHeader(PPOOL_HEADER Header, ULONG PreviousBytes, ULONG Index, ULONG Bytes,
                                UCHAR PoolType)
{
    Header->PreviousSize = (UCHAR)(PreviousBytes / EX_POOL_UNIT);
    Header->PoolIndex = (UCHAR)Index;
    Header->BlockSize = (UCHAR)(Bytes / EX_POOL_UNIT);
    Header->PoolType = PoolType;
    Header->PoolTag = 0;
    Header->Owner = 0;
    Header->Check = ExpHeaderCheck(Header);
}

/* Divides a page into free blocks of one class and puts it into the class's bin. */
static PEX_POOL_SLAB ExpMakeSlab(ULONG Kind, ULONG Class)
{
    PEX_POOL_SLAB Slab = ExpTakeSlabPage(Kind);
    ULONG Bytes = ExpClassBytes[Class];
    ULONG Index = EX_POOL_INDEX(Kind, Class);
    PCHAR At = (PCHAR)Slab + EX_SLAB_FIRST;

    if (Slab == NULL) {
        return NULL;
    }
    Slab->FreeBlocks = NULL;
    Slab->Check = ExpSlabCheck(Slab);
    Slab->Blocks = Slab->FreeCount = (USHORT)ExpBlocksPerSlab(Class);
    Slab->Class = (UCHAR)Class;
    Slab->Kind = (UCHAR)Kind;
    for (ULONG i = 0; i < Slab->Blocks; i++, At += Bytes) {
        PSLIST_ENTRY Block = (PSLIST_ENTRY)(At + sizeof(POOL_HEADER));

        ExpInitializeHeader((PPOOL_HEADER)At, i == 0 ? 0 : Bytes, Index, Bytes, EX_POOL_FREE);
        Block->Next = Slab->FreeBlocks;
        Slab->FreeBlocks = Block;
    }
    ExpInitializeHeader((PPOOL_HEADER)At, Bytes, Index, 0, EX_POOL_END);
    ExpLinkSlab(&ExpBins[Kind][Class], Slab);
    return Slab;
}

/* With the bin's lock held. */
static PSLIST_ENTRY ExpTakeBlock(ULONG Kind, ULONG Class)
{
    PEX_POOL_BIN Bin = &ExpBins[Kind][Class];
    PEX_POOL_SLAB Slab = NULL;
    PSLIST_ENTRY Block;

    if (Bin->First != NULL) {
        Slab = CONTAINING_RECORD(Bin->First, EX_POOL_SLAB, Link);
        if (Slab->Check != ExpSlabCheck(Slab)) {
            KeBugCheckEx(BAD_POOL_HEADER, EX_BAD_SLAB, (ULONG_PTR)Slab, Slab->Check, Class);
        }
    } else {
        Slab = ExpMakeSlab(Kind, Class);
        if (Slab == NULL) {
            return NULL;
        }
    }
    Block = Slab->FreeBlocks;
    Slab->FreeBlocks = Block->Next;
    if (--Slab->FreeCount == 0) {
        ExpUnlinkSlab(Bin, Slab);
    }
    return Block;
}

/* With a bin's lock held: none of Slab's blocks is in use, and it is in no list. A few free slabs
 * are kept, and as many as a quarter of all, so that what was just given back need not be asked for
 * again. */
static void ExpPutFreeSlab(PEX_POOL_SLAB Slab)
{
    ULONG Kind = Slab->Kind;
    PEX_POOL_BIN Free = &ExpFreeSlabs[Kind];
    BOOLEAN Keep;

    KeAcquireSpinLockAtDpcLevel(&Free->Lock);
    Keep = ExpFreeSlabCount[Kind] < max(EX_FREE_SLABS, (ULONG64)ExpSlabPages[Kind] / 4);
    if (Keep) {
        ExpLinkSlab(Free, Slab);
        ExpFreeSlabCount[Kind] += 1;
    }
    KeReleaseSpinLockFromDpcLevel(&Free->Lock);
    if (!Keep) {
        Slab->Check = 0;
        InterlockedDecrement64(&ExpSlabPages[Kind]);
        MmFreePoolPages(Slab);
    }
}

DECLSPEC_NORETURN ARCH_COLD void NTAPI ExpBadLink(PSLIST_ENTRY First)
{
    PSLIST_ENTRY Next = *(PSLIST_ENTRY volatile *)&First->Next; /* which says it all; or else */

    KeBugCheckEx(BAD_POOL_HEADER, EX_BAD_SLAB, (ULONG_PTR)First, (ULONG_PTR)Next, 0);
}

/* With the bin's lock held. */
static void ExpPutBlock(PEX_POOL_BIN Bin, PSLIST_ENTRY Block)
{
    PEX_POOL_SLAB Slab = PAGE_ALIGN(Block);

    if (Slab->Check != ExpSlabCheck(Slab)) {
        KeBugCheckEx(BAD_POOL_HEADER, EX_BAD_SLAB, (ULONG_PTR)Slab, Slab->Check, (ULONG_PTR)Block);
    }
    Block->Next = Slab->FreeBlocks;
    Slab->FreeBlocks = Block;
    if (Slab->FreeCount++ == 0) {
        ExpLinkSlab(Bin, Slab);
    }
    if (Slab->FreeCount == Slab->Blocks) {
        ExpUnlinkSlab(Bin, Slab);
        ExpPutFreeSlab(Slab);
    }
}

/* This processor's cache, made when it first needs one; NULL: memory is exhausted.
 * DISPATCH_LEVEL. */
static PEX_POOL_CACHE ExpMakeCache(void)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PEX_POOL_CACHE Cache = Prcb->PoolCache;
    ULONG Class = ExpClassOfSize(sizeof(EX_POOL_CACHE));

    if (Cache == NULL) {
        KeAcquireSpinLockAtDpcLevel(&ExpBins[0][Class].Lock);
        Cache = (PVOID)ExpTakeBlock(0, Class);
        KeReleaseSpinLockFromDpcLevel(&ExpBins[0][Class].Lock);
        if (Cache != NULL) {
            memset(Cache, 0, sizeof(*Cache));
            Prcb->PoolCache = Cache;
        }
    }
    return Cache;
}

PVOID ExpRefillPool(ULONG Index)
{
    ULONG Kind = EX_KIND_OF_INDEX(Index), Class = Index - EX_POOL_INDEX(Kind, 0);
    PEX_POOL_BIN Bin = &ExpBins[Kind][Class];
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    PEX_POOL_CACHE Cache = ExpMakeCache();
    ULONG More = Cache != NULL ? ExpCacheDepth[Index] / 2 : 0;
    PSLIST_ENTRY Block;

    MmEnterPoolInternals();
    KeAcquireSpinLockAtDpcLevel(&Bin->Lock);
    Block = ExpTakeBlock(Kind, Class);
    /* Only what the slabs have: a cache is not worth a new page. */
    while (Block != NULL && More-- != 0 && Bin->First != NULL) {
        ExpPushBlock(&Cache->Blocks[Index], ExpTakeBlock(Kind, Class));
    }
    KeReleaseSpinLockFromDpcLevel(&Bin->Lock);
    MmLeavePoolInternals();
    KeLowerIrql(OldIrql);
    return Block;
}

void ExpDrainPool(ULONG Index, PVOID Block)
{
    ULONG Kind = EX_KIND_OF_INDEX(Index), Class = Index - EX_POOL_INDEX(Kind, 0);
    PEX_POOL_BIN Bin = &ExpBins[Kind][Class];
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    PEX_POOL_CACHE Cache = ExpCurrentCache();
    PSLIST_ENTRY Entry = Block;

    MmEnterPoolInternals();
    KeAcquireSpinLockAtDpcLevel(&Bin->Lock);
    for (ULONG i = 0; Entry != NULL; i++) {
        ExpPutBlock(Bin, Entry);
        if (Cache == NULL || i == ExpCacheDepth[Index] / 2U) {
            break;
        }
        Entry = ExpPopBlock(&Cache->Blocks[Index]);
    }
    KeReleaseSpinLockFromDpcLevel(&Bin->Lock);
    MmLeavePoolInternals();
    KeLowerIrql(OldIrql);
}
