/*
 * mi.h - private to mm: page table entries, the page database, windows of system address space.
 *
 * Locks: a window's Lock (LOCK_ORDER_MM_PTE) before MiPfnLock (LOCK_ORDER_MM_PFN). Page tables of
 * the kernel half are only ever added, by compare-exchange, so walking them needs no lock; a leaf
 * entry belongs to whoever reserved its address.
 */
#ifndef _MI_H_
#define _MI_H_

#include "ke.h"
#include "mm.h"

typedef ULONG64 MMPTE, *PMMPTE;

#define MI_PTE_PRESENT 0x001ULL
#define MI_PTE_WRITE 0x002ULL
#define MI_PTE_WRITETHROUGH 0x008ULL
#define MI_PTE_CACHEDISABLE 0x010ULL
#define MI_PTE_ACCESSED 0x020ULL
#define MI_PTE_DIRTY 0x040ULL
#define MI_PTE_LARGE 0x080ULL /* in a directory entry */
#define MI_PTE_PAT 0x080ULL   /* in an entry of the last level */
#define MI_PTE_GLOBAL 0x100ULL
#define MI_PTE_CACHE (MI_PTE_WRITETHROUGH | MI_PTE_CACHEDISABLE | MI_PTE_PAT)
#define MI_PTE_FRAME 0x000FFFFFFFFFF000ULL
#define MI_PTE_NX (1ULL << 63)
/* Of a mapping that a driver asked for (mapping.c): every page of it, and the first. */
#define MI_PTE_MAPPING 0x400ULL
#define MI_PTE_FIRST 0x800ULL
/* May vanish, see pageable.c: when it is not present, its frame is still the page's. */
#define MI_PTE_PAGEABLE (1ULL << 52)
/* Not present, and never to be: the page below a kernel stack. */
#define MI_PTE_GUARD 0x200ULL
/* An entry that points to a lower table: the leaves say what is allowed. */
#define MI_PTE_TABLE (MI_PTE_PRESENT | MI_PTE_WRITE | MI_PTE_ACCESSED)
/* What every kernel leaf has. Accessed and dirty are preset, so no processor writes to a table. */
#define MI_PTE_LEAF (MI_PTE_PRESENT | MI_PTE_ACCESSED | MI_PTE_DIRTY | MI_PTE_GLOBAL)

#define MI_ENTRIES 512
#define MI_LARGE_PAGE 0x200000ULL
#define MI_HUGE_PAGE 0x40000000ULL
#define MI_ENTRY_INDEX(Va, Level) (((ULONG_PTR)(Va) >> (12 + 9 * (Level))) & (MI_ENTRIES - 1))

/* What a page in use is used for: the figures of MM_STATISTICS. */
typedef enum _MI_PAGE_USE {
    MiUseOther,
    MiUsePageTable,
    MiUsePfnDatabase,
    MiUsePool,
    MiUseSecure, /* pool that nobody can write */
    MiUseStack,
    MiUseImage,
    MiUseDriver, /* contiguous and non-cached memory, pages of MDLs */
    MiUseMaximum
} MI_PAGE_USE;

typedef enum _MI_PAGE_STATE {
    MiPageUntracked,
    MiPageFree,
    MiPageActive
} MI_PAGE_STATE;

/* The page database has one of these for each page that was ever given out; index: page number, of
 * which 32 bits are enough for 16 TB: more is not used. LockCount changes by itself, Cache belongs
 * to whom the page does; the rest has MiPfnLock. */
typedef struct _MMPFN {
    union {
        struct { /* free: neighbours in the list; 0 ends it */
            ULONG NextFree, PreviousFree;
        };
        struct { /* first page of a run (pool, contiguous memory); RunPages is 0 on all others */
            ULONG PoolTag;
            volatile ULONG RunPages;
        };
    };
    UCHAR State : 4;  /* MI_PAGE_STATE */
    UCHAR Use : 4;    /* MI_PAGE_USE */
    UCHAR Cache;      /* MM_NOCACHE, MM_WRITECOMBINE or 0: how all mappings of the page cache it */
    USHORT PoolOwner; /* with PoolTag */
    volatile LONG LockCount; /* by MDLs */
} MMPFN, *PMMPFN;
C_ASSERT(sizeof(MMPFN) == 16);

#define MI_PFN(Page) ((PMMPFN)MM_PFN_DATABASE_BASE + (Page))

/*** pfn.c ***/

/* Learns free memory from the loader. Returns the number of free pages. */
ULONG64 MiInitializeFreeRanges(PLOADER_BLOCK LoaderBlock);
/* A page below LOADER_MAPPED_LIMIT for page tables, zeroed, before the database exists. */
PFN_NUMBER MiTakeEarlyPage(void);
/* Enters all pages that MiTakeEarlyPage gave out; they, and page tables, work from now on. */
void MiStartPageDatabase(void);
/* A page from the free list or fresh memory; 0 when there is none. IRQL <= DISPATCH_LEVEL. */
PFN_NUMBER MiAllocatePage(MI_PAGE_USE Use, BOOLEAN Zeroed);
/* TRUE when more than Pages pages are free at this moment: a request that cannot succeed must not
 * spend memory on page tables, which stay. */
BOOLEAN MiAreEnoughFree(ULONG64 Pages);
/* Gives a run of RAM to the free list that never belonged to it. */
void MiDonatePages(PFN_NUMBER First, ULONG64 Count);
void MiZeroPage(PFN_NUMBER Page);
/* The entry of a page; NULL for what never was in the database: the kernel's own pages, the boot
 * disk's, memory not used so far, and what is no RAM. Any IRQL. */
PMMPFN MiFindPfn(PFN_NUMBER Page);
/* The loader's memory map, and whether a run of it is RAM that the kernel may touch. */
extern PLOADER_BLOCK MiMemoryMap;
BOOLEAN MiIsUsableRamType(LOADER_MEMORY_TYPE Type);
/* TRUE when all of [Base, End) is such RAM. Any IRQL. */
BOOLEAN MiIsUsableRam(ULONG64 Base, ULONG64 End);
/* TRUE when any byte of [Base, End) is RAM that the kernel manages or the firmware keeps. */
BOOLEAN MiIsRam(ULONG64 Base, ULONG64 End);

/* Pages that are chosen one by one, with MiPfnLock held: whether a page is free; taking it, FALSE
 * when it is not (any more). MiCheckWatch follows every change. */
extern KSPIN_LOCK MiPfnLock;
BOOLEAN MiIsFreePage(PFN_NUMBER Page);
BOOLEAN MiTakeThisPage(PFN_NUMBER Page, MI_PAGE_USE Use);
void MiReturnPage(PFN_NUMBER Page);
extern PFN_NUMBER MiHighestPage; /* of RAM */
void MiCheckWatch(void);
/* Pages of one use; RAM and free pages. Exact with the lock held. */
ULONG64 MiQueryUse(MI_PAGE_USE Use);
void MiQueryFreePages(ULONG64 *Total, ULONG64 *Free);

/*** pagerun.c ***/

/* Which pages will do; all bounds in pages. */
typedef struct _MI_PAGE_LIMITS {
    PFN_NUMBER Lowest, Highest;
    ULONG64 Boundary;  /* a run does not go over a multiple of it; a power of two, 0: none */
    ULONG64 Alignment; /* a run begins at a multiple of it; a power of two */
} MI_PAGE_LIMITS;

/* Pages for byte addresses from Lowest to Highest, both included. */
MI_PAGE_LIMITS MiPageLimits(ULONG64 Lowest, ULONG64 Highest);
/* Takes Count neighbouring pages for drivers and returns the first; 0: there is no such run. */
PFN_NUMBER MiTakeRun(ULONG64 Count, const MI_PAGE_LIMITS *Limits);
/* Takes up to Count pages within the limits, highest first; returns how many. */
ULONG64 MiTakePages(PPFN_NUMBER List, ULONG64 Count, const MI_PAGE_LIMITS *Limits);
void MiFreeRun(PFN_NUMBER First, ULONG64 Count);

/*** directmap.c ***/

/* Changes how pages, the caller's own, those of the list or Count from First on, are cached
 * wherever they are mapped from now on, and in the direct map at once: MM_NOCACHE, MM_WRITECOMBINE
 * or 0. FALSE: no memory for page tables, some are changed. Back to what a page had before never
 * fails. */
BOOLEAN MiSetPageCaches(const PFN_NUMBER *List, PFN_NUMBER First, ULONG64 Count, ULONG Cache);

/* The direct map's own entry for a page, after the large page around it was divided; NULL: no
 * memory for that. IRQL <= DISPATCH_LEVEL. */
PMMPTE MiMakeDirectEntry(PFN_NUMBER Page);
/* Changes one page; whoever remembers the old translation must be made to forget it. */
BOOLEAN MiChangePageCache(PFN_NUMBER Page, ULONG Cache);

/*** pte.c ***/

extern ULONG64 MiNoExecute; /* MI_PTE_NX, or 0 when the processor lacks it */
extern PMMPTE MiKernelPml4; /* the system process's top table, through the direct map */

/* The last-level entry for Va, NULL when a table is missing. Never for large pages. */
PMMPTE MiFindPte(PVOID Va);
/* The same, making missing tables; NULL when memory is exhausted. */
PMMPTE MiMakePte(PVOID Va);
/* Tables for Pages pages from Va on; FALSE when memory is exhausted. */
BOOLEAN MiMakePtes(PVOID Va, SIZE_T Pages);
/* Leaf bits for an MM_* protection. Bugchecks when asked for writable code. */
MMPTE MiLeafBits(ULONG Protection);
/* Those of its cache bits alone. Entry 4 of the PAT: see MmInitializeProcessor. */
static inline MMPTE MiCacheBits(ULONG Protection)
{
    return (Protection & MM_NOCACHE ? MI_PTE_CACHEDISABLE | MI_PTE_WRITETHROUGH : 0) |
           (Protection & MM_WRITECOMBINE ? MI_PTE_PAT : 0);
}
/* The leaf or large entry that maps Va now, with its level (0..2); 0 when there is none. */
MMPTE MiTranslate(PVOID Va, ULONG *Level);
/* Where Va is, whose translation is this. */
static inline ULONG64 MiPhysicalOf(PVOID Va, MMPTE Entry, ULONG Level)
{
    ULONG64 OffsetMask = (PAGE_SIZE << (9 * Level)) - 1ULL;
    return (Entry & MI_PTE_FRAME & ~OffsetMask) | ((ULONG_PTR)Va & OffsetMask);
}
/* Clears Pages leaves; FreePages: gives the pages mapped there back as well. */
void MiUnmapRun(PVOID Va, SIZE_T Pages, BOOLEAN FreePages);
/* Maps fresh pages over reserved addresses; FALSE, with nothing mapped, when memory is
 * exhausted. */
BOOLEAN MiMapFreshPages(PVOID Va, SIZE_T Pages, MI_PAGE_USE Use, BOOLEAN Zeroed);
/* An entry with a page behind it, even if that has vanished. */
static inline BOOLEAN MiHasPage(MMPTE Entry)
{
    return (Entry & (MI_PTE_PRESENT | MI_PTE_PAGEABLE)) != 0;
}

/*** mapping.c ***/

/* MM_* bits for a WDK cache type; -1 for one that does not exist. */
LONG MiCacheProtection(MEMORY_CACHING_TYPE CacheType);
/* MM_* bits for PAGE_* ones, PAGE_NOCACHE and PAGE_WRITECOMBINE too; -1: no such protection, or
 * writable code. */
LONG MiMappingProtection(ULONG Protect);
/* Maps pages at fresh addresses: those of the list, or as many in a row from First on. Cached as
 * the page database says for RAM, else as Bits say. NULL when addresses, or memory for tables, run
 * out. */
PCHAR MiMapPages(const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages, MMPTE Bits);
/* Enters them at reserved addresses, each entry with Bits, and the first of a mapping marked as
 * such. */
void MiEnterPages(PCHAR Va, const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages, MMPTE Bits);
/* Whether one of the pages may have no writable mapping. */
BOOLEAN MiAreAnySecure(const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages);
/* Ends a mapping of MiMapPages; FALSE when Va and Pages are not those of one: it must begin at a
 * first page, and the page behind it must not go on with the same mapping. */
BOOLEAN MiUnmapPages(PVOID Va, SIZE_T Pages);
/* Pages in the mapping that starts at Va; 0 when none does. */
SIZE_T MiQueryMapping(PVOID Va);
/* MI_PTE_MAPPING and MI_PTE_FIRST of the entry for Va. */
MMPTE MiMappingMarks(PVOID Va);

/*** mdl.c ***/

/* Pages that an MDL describes. */
ULONG MiMdlPages(PMDL Mdl);
ULONG64 MiQueryLockedPages(void);

/*** mdlmap.c ***/

/* Takes the first Pages pages, and not all, away from the mapping that starts at Va. */
void MiShortenMapping(PVOID Va, SIZE_T Pages);

/*** locktrack.c ***/

#if DBG
/* Notes who has locked the pages of an MDL, until MiForgetLock. */
void MiNoteLock(PMDL Mdl, PVOID Caller);
void MiForgetLock(PMDL Mdl);
/* Bugchecks when the MDL's buffer is pageable, and so can have no MDL of a resident one. */
void MiCheckResidentBuffer(PMDL Mdl);
#else
#define MiNoteLock(Mdl, Caller) ((void)(Caller))
#define MiForgetLock(Mdl) ((void)0)
#define MiCheckResidentBuffer(Mdl) ((void)0)
#endif

/*** pageable.c ***/

#if DBG
/* Bits instead of MI_PTE_PRESENT for a fresh page of paged pool. */
MMPTE MiPageableBits(void);
/* A page that may vanish does not any more, because it is locked; or does again. Any other address:
 * nothing happens. IRQL <= DISPATCH_LEVEL. */
void MiShowPage(PVOID Va);
void MiHidePage(PVOID Va);
/* Whether pages of an image may vanish. */
void MiSetPageable(PVOID Start, SIZE_T Pages, BOOLEAN Pageable);
#else
#define MiPageableBits() MI_PTE_PRESENT
#define MiShowPage(Va) ((void)(Va))
#define MiHidePage(Va) ((void)(Va))
#define MiSetPageable(Start, Pages, Pageable) ((void)(Pageable))
#endif

/*** section.c ***/

/* The image is being freed. */
void MiForgetSections(PVOID Base, SIZE_T Pages);

/*** secure.c ***/

/* Whether a page may have no writable mapping. Any IRQL. */
BOOLEAN MiIsSecurePage(PFN_NUMBER Page);

/*** stack.c ***/

/* Stacks that wait for reuse, mapped. */
ULONG MiQueryFreeStacks(void);

/*** window.c ***/

/*
 * A window: a large run of system addresses, given out by pages. Bit n of Used is set while page n
 * is not available; bit n of Stale says that it is given back, but that some processor may still
 * remember what it mapped. Legend: w Lock   i fixed.
 */
typedef struct _MI_WINDOW {
    ULONG_PTR Base;     /* i */
    ULONG MaximumPages; /* i */
    KSPIN_LOCK Lock;
    ULONG64 *Used;             /* i pointer, contents w */
    ULONG64 *Stale;            /* i pointer, contents w */
    ULONG Limit;               /* w  pages that the bit maps cover so far */
    ULONG Hint;                /* w  where the next search starts */
    ULONG StaleLow, StaleHigh; /* w  bounds of the stale bits; equal: none */
    ULONG PagesInUse;          /* w */
} MI_WINDOW, *PMI_WINDOW;

extern MI_WINDOW MiSystemPtes, MiImages, MiPoolWindows[3], MiGuardedWindows[2], MiSecureWindow;

void MiInitializeWindows(void);
/* Addresses for Pages pages, with page tables but nothing mapped; NULL when there is no room or no
 * memory for tables. */
PVOID MiReserve(PMI_WINDOW Window, SIZE_T Pages);
/* The same with Pages fresh pages mapped read-write at the start, the Extra pages behind left
 * unmapped. NULL when memory is exhausted. */
PVOID MiReserveFresh(PMI_WINDOW Window, SIZE_T Pages, SIZE_T Extra, MI_PAGE_USE Use,
                     BOOLEAN Zeroed);
/* Gives them back, nothing being mapped there any more. Other processors forget before reuse. */
void MiRelease(PMI_WINDOW Window, PVOID Va, SIZE_T Pages);
BOOLEAN MiIsInWindow(PMI_WINDOW Window, PVOID Va);

#endif
