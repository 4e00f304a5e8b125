/*
 * contiguous.c - memory for devices: pages in a row (MmAllocateContiguousMemory...), and pages that
 * are not cached (MmAllocateNonCachedMemory).
 *
 * It is mapped like what drivers map themselves, from the system PTE window. The first page's
 * database entry remembers the number of pages and the tag, MmCm or MmNc, as it does for the pools;
 * freeing claims it, which makes the second of two frees find nothing. The pools' accounts count it
 * for who asked.
 */
#include "mi.h"
#include "ex.h"

#define MI_TAG_CONTIGUOUS 'mCmM'
#define MI_TAG_NON_CACHED 'cNmM'

/* An allocation's page database entry: Base is what was given out, with the tag. NULL: it is
 * not. */
static PMMPFN MiFindAllocation(PVOID Base, ULONG Tag)
{
    PMMPTE Entry = MiMappingMarks(Base) == (MI_PTE_MAPPING | MI_PTE_FIRST) ? MiFindPte(Base) : NULL;
    PMMPFN Pfn = Entry == NULL ? NULL : MiFindPfn((*Entry & MI_PTE_FRAME) >> PAGE_SHIFT);

    return BYTE_OFFSET(Base) == 0 && Pfn != NULL && Pfn->State == MiPageActive &&
                   Pfn->Use == MiUseDriver && Pfn->PoolTag == Tag
               ? Pfn
               : NULL;
}

static void MiNoteAllocation(PFN_NUMBER First, SIZE_T Pages, ULONG Tag, PVOID Caller)
{
    PMMPFN Pfn = MI_PFN(First);

    Pfn->PoolTag = Tag;
    Pfn->PoolOwner = ExAccountPages(Tag, Caller, Pages);
    Pfn->RunPages = (ULONG)Pages;
}

/* Pages of the allocation at Base, which from now on is none; bugchecks when it is none already, or
 * has not these many Bytes, if they are told. */
static SIZE_T MiClaimAllocation(PVOID Base, ULONG Tag, SIZE_T Bytes, USHORT *Owner)
{
    PMMPFN Pfn = MiFindAllocation(Base, Tag);
    SIZE_T Pages = Pfn == NULL ? 0 : Pfn->RunPages;

    if (Pages == 0 || (Bytes != 0 && BYTES_TO_PAGES(Bytes) != Pages) ||
        InterlockedExchange((volatile LONG *)&Pfn->RunPages, 0) == 0) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_NOT_ALLOCATED, (ULONG_PTR)Base, Bytes, Pages);
    }
    *Owner = Pfn->PoolOwner;
    Pfn->PoolTag = 0;
    return Pages;
}

/* Back to how free pages are; their direct map has been divided, so this cannot fail. */
static void MiFreeDriverRun(PFN_NUMBER First, SIZE_T Pages)
{
    MiSetPageCaches(NULL, First, Pages, 0);
    MiFreeRun(First, Pages);
}

static PVOID MiAllocateContiguous(SIZE_T Bytes, MI_PAGE_LIMITS Limits, ULONG Protection,
                                  ULONG64 Boundary, PVOID Caller)
{
    SIZE_T Pages = BYTES_TO_PAGES(Bytes);
    PFN_NUMBER First;
    PVOID Va = NULL;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    Limits.Boundary = Boundary >> PAGE_SHIFT;
    if (Pages == 0 || (Boundary & (Boundary - 1)) != 0 || (Boundary != 0 && Bytes > Boundary)) {
        return NULL;
    }
    /* A boundary within a page is kept by whatever begins a page. */
    First = MiTakeRun(Pages, &Limits);
    if (First == 0) {
        return NULL;
    }
    if (MiSetPageCaches(NULL, First, Pages, Protection & (MM_NOCACHE | MM_WRITECOMBINE))) {
        Va = MiMapPages(NULL, First, Pages, MiLeafBits(Protection));
    }
    if (Va == NULL) {
        MiFreeDriverRun(First, Pages);
        return NULL;
    }
    MiNoteAllocation(First, Pages, MI_TAG_CONTIGUOUS, Caller);
    return Va;
}

PVOID NTAPI MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
                                       PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    return MiAllocateContiguous(NumberOfBytes,
                                MiPageLimits(0, (ULONG64)HighestAcceptableAddress.QuadPart),
                                MM_READWRITE, 0, __builtin_return_address(0));
}

static PVOID MiAllocateSpecified(SIZE_T Bytes, PHYSICAL_ADDRESS Lowest, PHYSICAL_ADDRESS Highest,
                                 PHYSICAL_ADDRESS Boundary, LONG Protection, ULONG Node,
                                 PVOID Caller)
{
    /* There is one node, number 0. */
    if (Protection < 0 || (Node != 0 && Node != MM_ANY_NODE_OK)) {
        return NULL;
    }
    return MiAllocateContiguous(Bytes,
                                MiPageLimits((ULONG64)Lowest.QuadPart, (ULONG64)Highest.QuadPart),
                                (ULONG)Protection, (ULONG64)Boundary.QuadPart, Caller);
}

/* MM_* for readable and writable memory of a cache type; -1: no such type. */
static LONG MiMemoryProtection(MEMORY_CACHING_TYPE CacheType)
{
    LONG Cache = MiCacheProtection(CacheType);

    return Cache < 0 ? Cache : Cache | MM_READWRITE;
}

PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
                                                   PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                   PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                   PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                   MEMORY_CACHING_TYPE CacheType)
{
    return MiAllocateSpecified(NumberOfBytes, LowestAcceptableAddress, HighestAcceptableAddress,
                               BoundaryAddressMultiple, MiMemoryProtection(CacheType),
                               MM_ANY_NODE_OK, __builtin_return_address(0));
}

PVOID NTAPI MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes,
                                                       PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                       PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                       PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                       MEMORY_CACHING_TYPE CacheType,
                                                       NODE_REQUIREMENT PreferredNode)
{
    return MiAllocateSpecified(NumberOfBytes, LowestAcceptableAddress, HighestAcceptableAddress,
                               BoundaryAddressMultiple, MiMemoryProtection(CacheType),
                               PreferredNode, __builtin_return_address(0));
}

PVOID NTAPI MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes,
                                           PHYSICAL_ADDRESS LowestAcceptableAddress,
                                           PHYSICAL_ADDRESS HighestAcceptableAddress,
                                           PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect,
                                           NODE_REQUIREMENT PreferredNode)
{
    LONG Protection = MiMappingProtection(Protect);

    return MiAllocateSpecified(NumberOfBytes, LowestAcceptableAddress, HighestAcceptableAddress,
                               BoundaryAddressMultiple,
                               Protection >= 0 && (Protection & MM_READWRITE) ? Protection : -1,
                               PreferredNode, __builtin_return_address(0));
}

static void MiFreeContiguous(PVOID Base, SIZE_T Bytes)
{
    USHORT Owner;
    SIZE_T Pages;
    PFN_NUMBER First;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    Pages = MiClaimAllocation(Base, MI_TAG_CONTIGUOUS, Bytes, &Owner);
    First = (PFN_NUMBER)((*MiFindPte(Base) & MI_PTE_FRAME) >> PAGE_SHIFT);
    MiUnmapPages(Base, Pages);
    MiFreeDriverRun(First, Pages);
    ExReleasePages(Owner, Pages);
}

VOID NTAPI MmFreeContiguousMemory(PVOID BaseAddress)
{
    MiFreeContiguous(BaseAddress, 0);
}

VOID NTAPI MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                              MEMORY_CACHING_TYPE CacheType)
{
    (void)CacheType; /* the pages know */
    MiFreeContiguous(BaseAddress, NumberOfBytes);
}

/*** Memory that is not cached: pages of an MDL, mapped. ***/

PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    PHYSICAL_ADDRESS Zero = {.QuadPart = 0}, Any = {.QuadPart = -1};
    PCHAR Va;
    PMDL Mdl;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    Mdl = MmAllocatePagesForMdlEx(Zero, Any, Zero, NumberOfBytes, MmNonCached,
                                  MM_DONT_ZERO_ALLOCATION | MM_ALLOCATE_FULLY_REQUIRED);
    if (Mdl == NULL) {
        return NULL;
    }
    Va = MiMapPages(MmGetMdlPfnArray(Mdl), 0, MiMdlPages(Mdl), MiLeafBits(MM_READWRITE));
    if (Va != NULL) {
        MiNoteAllocation(MmGetMdlPfnArray(Mdl)[0], MiMdlPages(Mdl), MI_TAG_NON_CACHED,
                         __builtin_return_address(0));
    } else {
        MmFreePagesFromMdl(Mdl);
    }
    ExFreePool(Mdl);
    return Va;
}

VOID NTAPI MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    USHORT Owner;
    SIZE_T Pages;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    Pages = MiClaimAllocation(BaseAddress, MI_TAG_NON_CACHED, max(NumberOfBytes, 1), &Owner);
    for (SIZE_T i = 0; i < Pages; i++) {
        PMMPTE Entry = MiFindPte((PCHAR)BaseAddress + i * PAGE_SIZE);

        MiChangePageCache((PFN_NUMBER)((*Entry & MI_PTE_FRAME) >> PAGE_SHIFT), 0);
    }
    /* Every processor forgets both mappings of the pages; nothing that was written is in a
     * cache. */
    KeFlushTlbRange((PVOID)MM_DIRECT_MAP_BASE, MI_ENTRIES);
    MiUnmapRun(BaseAddress, Pages, TRUE);
    MiRelease(&MiSystemPtes, BaseAddress, Pages);
    ExReleasePages(Owner, Pages);
}
