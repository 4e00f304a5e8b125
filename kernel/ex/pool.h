/*
 * pool.h - private to ex: how pool memory is laid out.
 *
 * A small block is a POOL_HEADER and the caller's bytes behind it. Blocks of one size fill a slab,
 * one page that starts with EX_POOL_SLAB and ends with a header of its own (BlockSize 0), so every
 * block has a header behind it that an overrun hits first. Larger requests are whole pages without
 * a header; what starts on a page boundary is such a run, what does not is a small block.
 */
#ifndef _EX_POOL_H_
#define _EX_POOL_H_

#include "ke.h"
#include "mm.h"
#include "ex.h"

#define EX_POOL_KINDS 3
#define EX_KIND_NONPAGED 0
#define EX_KIND_PAGED 1
#define EX_KIND_EXECUTE 2 /* non-paged, and executable */
#define EX_POOL_UNIT 16
#define EX_TAG_PROTECTED 0x80000000U /* a bit of a tag that is not part of its text */
#define EX_POOL_INDEX(Kind, Class) ((Kind) << 5 | (Class))
#define EX_POOL_INDEXES (EX_POOL_KINDS << 5)
#define EX_KIND_OF_INDEX(Index) ((Index) >> 5)

/* PoolType of a block. Anything else is damage. */
#define EX_POOL_FREE 0x00
#define EX_POOL_IN_USE 0x04
#define EX_POOL_BILLED 0x0C /* in use, and a process is charged for it */
#define EX_POOL_END 0x80    /* the header behind the last block of a slab */

/* Windows' fields first; sizes in units. Check covers them and the header's address, except
 * PoolType, which is EX_POOL_FREE in it. */
typedef struct _POOL_HEADER {
    union {
        struct {
            UCHAR PreviousSize; /* of the block before it in the slab; 0: it is the first */
            UCHAR PoolIndex;    /* EX_POOL_INDEX of kind and size class */
            UCHAR BlockSize;    /* with the header; 0: end of the slab */
            volatile UCHAR PoolType;
        };
        ULONG Ulong1;
    };
    ULONG PoolTag;
    ULONG Check;
    ULONG Owner; /* in use: bytes from ExpOwners to who has it, see poolowner.c */
} POOL_HEADER, *PPOOL_HEADER;
C_ASSERT(sizeof(POOL_HEADER) == 16);

/* At the start of a slab. Fields belong to the lock of the slab's size class. */
typedef struct _EX_POOL_SLAB {
    LIST_ENTRY Link; /* of the class's slabs with a free block; when empty of the free slabs */
    PSLIST_ENTRY FreeBlocks; /* linked by Next */
    ULONG64 Check;
    USHORT FreeCount;
    USHORT Blocks;
    UCHAR Class;
    UCHAR Kind;
} EX_POOL_SLAB, *PEX_POOL_SLAB;

/* First block's offset: its bytes then start at 64, so classes of whole cache lines are aligned. */
#define EX_SLAB_FIRST 48
#define EX_SLAB_ROOM (PAGE_SIZE - EX_SLAB_FIRST - (ULONG)sizeof(POOL_HEADER))
C_ASSERT(sizeof(EX_POOL_SLAB) <= EX_SLAB_FIRST);

/*** pool.c ***/

/* Where the pools' second-level misuse goes: BAD_POOL_CALLER subcodes, as Windows numbers them. */
#define EX_BAD_DOUBLE_FREE 0x7
#define EX_BAD_ALLOCATE_IRQL 0x8
#define EX_BAD_FREE_IRQL 0x9
#define EX_BAD_TAG 0xA
#define EX_BAD_ADDRESS 0x46
#define EX_BAD_MUST_SUCCEED 0x9A
#define EX_BAD_ZERO_TAG 0x9B
#define EX_BAD_BIG_TAG 0x9C
/* Own number: freed with wrong extended parameters. Parameters: address, tag, status or
 * parameters. */
#define EX_BAD_SECURE 0xCA
/* BAD_POOL_HEADER subcodes, Windows': a block, or the one behind it, does not look as it was made;
 * what free blocks hang in is broken. */
#define EX_BAD_HEADER 0x20
#define EX_BAD_SLAB 0x3

/* What is asked of the pools, when it is more than a size and a tag. */
#define EX_REQUEST_ALIGNED 0x1 /* on a cache line */
#define EX_REQUEST_ZERO 0x2
#define EX_REQUEST_RAISE 0x4    /* failing is an exception */
#define EX_REQUEST_QUOTA 0x8    /* the current process is charged */
#define EX_REQUEST_SPECIAL 0x10 /* an unmapped page behind it, or, with UNDERRUN, before it */
#define EX_REQUEST_UNDERRUN 0x20
#define EX_REQUEST_UNREFUSED 0x40 /* no rule makes it fail */

typedef struct _EX_POOL_REQUEST {
    ULONG Kind;
    ULONG Flags; /* EX_REQUEST_* */
    SIZE_T Size;
    ULONG Tag;
    ULONG Priority; /* EX_POOL_PRIORITY, without the special pool's bits */
    PVOID Caller;   /* where the pools return to */
} EX_POOL_REQUEST, *PEX_POOL_REQUEST;

/* ExAllocatePoolWithTag for Caller. */
PVOID NTAPI ExpAllocateByType(ULONG PoolType, SIZE_T Size, ULONG Tag, PVOID Caller);
/* Answers a request, completing it; NULL, or the exception that it asks for, when that fails. */
PVOID ExpAllocateRequest(PEX_POOL_REQUEST Request);
/* ExAllocatePool2 for Caller. */
PVOID ExpAllocateByFlags(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag, PVOID Caller);
/* Raises Status for a request that fails, if it wants that; else NULL. */
PVOID ExpFailRequest(const EX_POOL_REQUEST *Request, NTSTATUS Status);
/* The request that the old interface's types make: kind and flags. NULL-like FALSE: no such
 * pool. */
BOOLEAN ExpParsePoolType(ULONG PoolType, PEX_POOL_REQUEST Request);
/* Enters an EX_POOL_PRIORITY. */
void ExpSetPriority(PEX_POOL_REQUEST Request, ULONG Priority);
/* Notes whether plain allocations have to take the general path now. */
void ExpChoosePoolPath(void);
/* Bugchecks BAD_POOL_CALLER. */
DECLSPEC_NORETURN void NTAPI ExpBadCaller(ULONG Subcode, ULONG64 Parameter2, ULONG64 Parameter3,
                                          ULONG64 Parameter4);
/* A protected tag (bit 31) matches with or without the bit; tag 0 when freeing matches all. */
static inline void ExpCheckTag(PVOID P, ULONG Allocated, ULONG Freed)
{
    if (Freed != Allocated && Freed != 0 && ((Freed ^ Allocated) & ~EX_TAG_PROTECTED) != 0) {
        ExpBadCaller(EX_BAD_TAG, (ULONG_PTR)P, Allocated, Freed);
    }
}
static inline BOOLEAN ExpIsIrqlTooHigh(ULONG Kind)
{
    return __readcr8() + (Kind & EX_KIND_PAGED) > DISPATCH_LEVEL; /* paged: APC_LEVEL */
}

/*** poolfault.c ***/

BOOLEAN ExpAreFaultsOn(void);
/* Whether a rule refuses this allocation. */
BOOLEAN ExpIsFaultDue(ULONG Tag, SIZE_T Size, PVOID Caller);
void ExpInitializeFaults(void);

/*** poolspecial.c ***/

#define EX_SPECIAL_OVERHEAD 16 /* bytes of a page that the block cannot have */
BOOLEAN ExpIsSpecialOn(void);
void ExpInitializeSpecial(void);
/* Sets or clears EX_REQUEST_SPECIAL and UNDERRUN, as rules and the request's size want. */
void ExpChooseGuard(PEX_POOL_REQUEST Request);
struct _EX_POOL_OWNER;
/* A block of special pool, counted; NULL: memory is exhausted. */
PVOID ExpAllocateGuarded(const EX_POOL_REQUEST *Request, struct _EX_POOL_OWNER *Owner);
/* Frees one; FALSE: P is none. */
BOOLEAN ExpFreeGuarded(PVOID P, ULONG Tag);

/*** poolsecure.c ***/

void ExpInitializeSecurePools(void);
/* A block of a secure pool; NULL, or an exception, when that fails. */
PVOID ExpAllocateSecure(PEX_POOL_REQUEST Request, const POOL_EXTENDED_PARAMS_SECURE_POOL *Params);
/* Frees one; bugchecks BAD_POOL_CALLER when it is not to be freed so. */
void ExpFreeSecure(PVOID P, ULONG Tag, const POOL_EXTENDED_PARAMS_SECURE_POOL *Params);

/*** sizeclass.c: pure, tested on the host ***/

#define EX_POOL_CLASSES 28
/* Largest request that a small block can hold, and the most units a block has. */
#define EX_POOL_MAXIMUM_SMALL 4016U
#define EX_POOL_MAXIMUM_UNITS ((EX_POOL_MAXIMUM_SMALL + sizeof(POOL_HEADER)) / EX_POOL_UNIT)
extern const USHORT ExpClassBytes[EX_POOL_CLASSES];
/* Made by ExpInitializeClasses: class of a block of so many units; how many free blocks a processor
 * keeps, by EX_POOL_INDEX. */
extern UCHAR ExpClassOfUnits[EX_POOL_MAXIMUM_UNITS + 1];
extern UCHAR ExpCacheDepth[EX_POOL_INDEXES];
void ExpInitializeClasses(void);

/* Class for Size bytes of the caller, at most EX_POOL_MAXIMUM_SMALL. */
static inline ULONG ExpClassOfSize(SIZE_T Size)
{
    return ExpClassOfUnits[(Size + sizeof(POOL_HEADER) + EX_POOL_UNIT - 1) / EX_POOL_UNIT];
}
/* The same for bytes that must start on a cache line; EX_POOL_CLASSES when no class fits. */
ULONG ExpAlignedClassOfSize(SIZE_T Size);
ULONG ExpBlocksPerSlab(ULONG Class);

/*** poolslab.c ***/

extern ULONG ExpPoolCookie;
/* What Check of a header holds, given the fields it has now. */
static inline ULONG ExpHeaderCheck(const POOL_HEADER *Header)
{
    return ExpPoolCookie ^ (ULONG)(ULONG_PTR)Header ^ (Header->Ulong1 & 0x00FFFFFF);
}

/*
 * Free blocks that a processor keeps, as a sequenced list: nothing has to be locked or raised, and
 * who is moved to another processor meanwhile does no harm. A pop reads the link of a block that
 * may just have been taken, and even been given back with its slab's page. Then it gets a page
 * fault, or reads anything, and in either case finds that the list has changed.
 */
typedef struct DECLSPEC_ALIGN(16) _EX_POOL_LIST {
    PSLIST_ENTRY First;
    LONG64 State; /* depth in the low 16 bits, a sequence number above */
} EX_POOL_LIST, *PEX_POOL_LIST;
#define EX_LIST_SEQUENCE 0x10000

/* There was a page fault at First's link, and First is the list's: makes it the fault that it
 * is. */
DECLSPEC_NORETURN ARCH_COLD void NTAPI ExpBadLink(PSLIST_ENTRY First);

/* State first: if it is still the same after a page fault, First was the list's at that moment. */
static inline PSLIST_ENTRY ExpPopBlock(PEX_POOL_LIST List)
{
    LONG64 Old[2];
    PSLIST_ENTRY First, Next;

Again:
    Old[1] = __atomic_load_n(&List->State, __ATOMIC_ACQUIRE);
    Old[0] = (LONG64)__atomic_load_n(&List->First, __ATOMIC_RELAXED);
    do {
        First = (PSLIST_ENTRY)Old[0];
        if (First == NULL) {
            return NULL;
        }
        /* Next = First->Next, or Gone. */
        __asm__ goto("1: movq (%1), %0\n\t"
                     ".pushsection .readfixups, \"a\"\n\t"
                     ".quad 1b, %l2\n\t"
                     ".popsection"
                     : "=r"(Next)
                     : "r"(First)
                     : "memory"
                     : Gone);
    } while (!_InterlockedCompareExchange128((LONG64 *)List, Old[1] + EX_LIST_SEQUENCE - 1,
                                             (LONG64)Next, Old));
    return First;
Gone:
    if (__atomic_load_n(&List->State, __ATOMIC_RELAXED) == Old[1]) {
        ExpBadLink(First);
    }
    goto Again;
}

static inline void ExpPushBlock(PEX_POOL_LIST List, PSLIST_ENTRY Block)
{
    LONG64 Old[2] = {(LONG64)List->First, List->State};

    do {
        Block->Next = (PSLIST_ENTRY)Old[0];
    } while (!_InterlockedCompareExchange128((LONG64 *)List, Old[1] + EX_LIST_SEQUENCE + 1,
                                             (LONG64)Block, Old));
}

/* A processor's lists, by EX_POOL_INDEX. */
typedef struct _EX_POOL_CACHE {
    EX_POOL_LIST Blocks[EX_POOL_INDEXES];
} EX_POOL_CACHE, *PEX_POOL_CACHE;

/* This processor's lists; NULL before the first refill. Any IRQL: being moved to another processor
 * meanwhile does no harm. */
static inline PEX_POOL_CACHE ExpCurrentCache(void)
{
    PEX_POOL_CACHE Cache;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(Cache) : "i"(offsetof(KPCR, Prcb.PoolCache)));
    return Cache;
}

/* A free block from the slabs, filling this processor's list too; NULL: memory is exhausted. */
PVOID ExpRefillPool(ULONG Index);
/* Gives a free block back to its slab, with half of what this processor's list holds. */
void ExpDrainPool(ULONG Index, PVOID Block);
ULONG64 ExpQuerySlabPages(ULONG Kind);

/*** pooltag.c: pure ***/

/* The four letters of a tag; what cannot be printed is a dot. */
void ExpFormatTag(ULONG Tag, char Text[5]);
/* Whether a pattern means the tag: letters as they are, ? for any one and * for any number of them;
 * blanks at the end need not be written. */
BOOLEAN ExpMatchTag(ULONG Tag, const char *Pattern);
/* The same for a name, in any case. */
BOOLEAN ExpMatchName(const char *Name, const char *Pattern);

/*** poolowner.c ***/

#define EX_OWNER_SLOTS 2048 /* a power of two */
#define EX_OWNER_BILLED 0x80
/* The class in the index of whole pages. */
#define EX_CLASS_PAGES 31
C_ASSERT(EX_CLASS_PAGES >= EX_POOL_CLASSES && EX_POOL_INDEX(EX_POOL_KINDS, 0) <= EX_OWNER_BILLED);

/*
 * What one place in the code has allocated: one tag, one kind of pool, one size class. Legend:
 * f fixed while Key is not 0   o changed by interlocked operations.
 */
typedef struct _EX_POOL_OWNER {
    volatile LONG64 Allocations, Frees; /* o */
    volatile LONG64 Bytes;     /* o  whole pages only: small blocks' follow from the counts */
    volatile ULONG64 Key;      /* caller and index, see ExpOwnerKey; 0: free */
    ULONG Tag;                 /* f */
    volatile LONG Claimed;     /* o  who may write f */
    struct _KPROCESS *Process; /* f  billed for the bytes; NULL: nobody */
} DECLSPEC_ALIGN(64) EX_POOL_OWNER, *PEX_POOL_OWNER;

/* Hashed slots; behind them one for each index, for those that found the table full. */
extern EX_POOL_OWNER ExpOwners[EX_OWNER_SLOTS + EX_POOL_INDEXES];

/* Addresses of the kernel half begin with 16 set bits: the index goes there. */
static inline ULONG64 ExpOwnerKey(PVOID Caller, ULONG Index)
{
    return (ULONG64)Caller ^ (ULONG64)Index << 48;
}
/* The routine's return address that a key is of. */
static inline PVOID ExpCallerOfKey(ULONG64 Key)
{
    return (PVOID)(Key | 0xFFFFULL << 48);
}
static inline ULONG ExpIndexOfKey(ULONG64 Key)
{
    return (ULONG)(~Key >> 48) & (EX_OWNER_BILLED - 1);
}

/* Where an owner was found last: bytes from ExpOwners. Many more than owners, so that two seldom
 * take a place from each other; only a hint, which may be wrong. */
#define EX_HINT_SHIFT 50 /* 64 - log2 of their number */
extern ULONG ExpOwnerHints[1 << (64 - EX_HINT_SHIFT)];
static inline ULONG64 ExpHashOwner(ULONG64 Key, ULONG Tag)
{
    return ((Key ^ Tag) * 0x9E3779B97F4A7C15ULL) >> EX_HINT_SHIFT;
}
/* Who is probably the owner. */
static inline PEX_POOL_OWNER ExpGuessOwner(ULONG64 Key, ULONG Tag)
{
    return (PEX_POOL_OWNER)((ULONG_PTR)ExpOwners + ExpOwnerHints[ExpHashOwner(Key, Tag)]);
}
/* The owner for a key and a tag, made if need be. Bugchecks for a tag that must not be. Never NULL;
 * when the table is full, one that is shared and has nobody to bill. Any IRQL. */
PEX_POOL_OWNER ExpFindOwner(ULONG64 Key, ULONG Tag, struct _KPROCESS *Process);
/* Bytes that an owner has at the moment. */
LONG64 ExpOwnerBytes(const EX_POOL_OWNER *Owner);
/* ExQueryPoolStatistics for a kind. */
void ExpQueryKindStatistics(ULONG Kind, EX_POOL_STATISTICS *Statistics);
/* Pages in runs without headers, by kind. */
extern volatile LONG64 ExpLargePages[EX_POOL_KINDS];
/* Makes a free block Owner's; Type: EX_POOL_IN_USE or EX_POOL_BILLED. */
static inline PVOID ExpTakeOver(PSLIST_ENTRY Block, ULONG Tag, PEX_POOL_OWNER Owner, UCHAR Type)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)Block - 1;

    Header->PoolType = Type;
    Header->PoolTag = Tag;
    Header->Owner = (ULONG)((ULONG_PTR)Owner - (ULONG_PTR)ExpOwners);
    KI_TRACE_INCREMENT_LOCKED(PoolAllocate, Owner->Allocations, Block, 0, 0);
    return Block;
}

/*** poolrequest.c ***/

/* Reads the boot options. */
void ExpReadPoolOptions(void);
/* Type 0 is to be executable. */
BOOLEAN ExpIsTypeZeroExecutable(void);
/* The process that is billed for Owner's blocks gets back what it was charged for one of them. */
void ExpReturnCharge(PEX_POOL_OWNER Owner, ULONG Kind, SIZE_T Bytes);

#endif
