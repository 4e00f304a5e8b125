/*
 * mdlpages.c - MDLs that come with pages of their own: MmAllocatePagesForMdl.
 *
 * The pages lie where the caller says, belong to no address until they are mapped, and go back by
 * MmFreePagesFromMdl. The MDL itself is the caller's, to be freed with ExFreePool.
 */
#include "mi.h"
#include "ex.h"

#define MI_TAG_MDL 'dMmM'
#define MI_LONGEST_MDL 0xFFFFF000ULL /* bytes: what ByteCount tells, in whole pages */
#define MI_MDL_FLAGS                                                                               \
    (MM_DONT_ZERO_ALLOCATION | MM_ALLOCATE_FROM_LOCAL_NODE_ONLY | MM_ALLOCATE_FULLY_REQUIRED |     \
     MM_ALLOCATE_NO_WAIT | MM_ALLOCATE_PREFER_CONTIGUOUS | MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS | \
     MM_ALLOCATE_FAST_LARGE_PAGES)

/* A request in progress. */
typedef struct _MI_MDL_REQUEST {
    PPFN_NUMBER List;
    ULONG64 Wanted, Got; /* pages */
    ULONG64 Chunk;       /* pages that lie in a row, aligned to their number; 0: any will do */
    ULONG Flags;
} MI_MDL_REQUEST, *PMI_MDL_REQUEST;

static void MiAddRun(PMI_MDL_REQUEST Request, PFN_NUMBER First, ULONG64 Count)
{
    for (ULONG64 i = 0; i < Count; i++) {
        Request->List[Request->Got++] = First + i;
    }
}

/* Whatever one range of addresses has to give. */
static void MiTakeFromRange(PMI_MDL_REQUEST Request, MI_PAGE_LIMITS Limits)
{
    PFN_NUMBER First;

    if (Request->Chunk != 0) {
        Limits.Alignment = Request->Chunk;
        while (Request->Got < Request->Wanted &&
               (First = MiTakeRun(Request->Chunk, &Limits)) != 0) {
            MiAddRun(Request, First, Request->Chunk);
        }
        return;
    }
    if ((Request->Flags & MM_ALLOCATE_PREFER_CONTIGUOUS) != 0 && Request->Got == 0 &&
        (First = MiTakeRun(Request->Wanted, &Limits)) != 0) {
        MiAddRun(Request, First, Request->Wanted);
    }
    Request->Got +=
        MiTakePages(Request->List + Request->Got, Request->Wanted - Request->Got, &Limits);
}

/* The caller's range, then the same Skip bytes higher, and so on as far as there is RAM. */
static void MiTakeFromRanges(PMI_MDL_REQUEST Request, ULONG64 Low, ULONG64 High, ULONG64 Skip)
{
    ULONG64 End = ((ULONG64)MiHighestPage + 1) << PAGE_SHIFT;

    while (Request->Got < Request->Wanted && Low <= High && Low < End) {
        MiTakeFromRange(Request, MiPageLimits(Low, High));
        if (Skip == 0 || High > ~0ULL - Skip) {
            break;
        }
        Low += Skip;
        High += Skip;
    }
}

/* FALSE: no memory for page tables. */
static BOOLEAN MiPreparePages(PMI_MDL_REQUEST Request, ULONG Cache)
{
    if ((Request->Flags & MM_DONT_ZERO_ALLOCATION) == 0) {
        for (ULONG64 i = 0; i < Request->Got; i++) {
            MiZeroPage(Request->List[i]);
        }
    }
    return MiSetPageCaches(Request->List, 0, Request->Got, Cache);
}

static void MiReturnPages(const PFN_NUMBER *List, ULONG64 Count)
{
    MiSetPageCaches(List, 0, Count, 0);
    for (ULONG64 i = 0; i < Count; i++) {
        MmFreePage(List[i]);
    }
}

/* Pages of a chunk, or 0 when none are asked for; FALSE: what cannot be. */
static BOOLEAN MiCheckChunks(ULONG Flags, ULONG64 Skip, SIZE_T Bytes, ULONG64 *Chunk)
{
    *Chunk = 0;
    if ((Flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) == 0) {
        return (Skip & (PAGE_SIZE - 1)) == 0;
    }
    *Chunk = Skip >> PAGE_SHIFT;
    return Skip >= PAGE_SIZE && (Skip & (Skip - 1)) == 0 && (Bytes & (Skip - 1)) == 0;
}

PMDL NTAPI MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                   PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                                   MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
    LONG Cache = MiCacheProtection(CacheType);
    MI_MDL_REQUEST Request = {.Wanted = BYTES_TO_PAGES(TotalBytes), .Flags = Flags};
    ULONG64 Skip = (ULONG64)SkipBytes.QuadPart;
    PMDL Mdl;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Cache < 0 || (Flags & ~MI_MDL_FLAGS) != 0 || TotalBytes == 0 ||
        TotalBytes > MI_LONGEST_MDL || !MiCheckChunks(Flags, Skip, TotalBytes, &Request.Chunk)) {
        return NULL;
    }
    Mdl = ExAllocatePool2(POOL_FLAG_NON_PAGED, MmSizeOfMdl(NULL, TotalBytes), MI_TAG_MDL);
    if (Mdl == NULL) {
        return NULL;
    }
    MmInitializeMdl(Mdl, NULL, TotalBytes);
    Request.List = MmGetMdlPfnArray(Mdl);
    MiTakeFromRanges(&Request, (ULONG64)LowAddress.QuadPart, (ULONG64)HighAddress.QuadPart,
                     Request.Chunk != 0 ? 0 : Skip);
    if (Request.Got == 0 || !MiPreparePages(&Request, (ULONG)Cache) ||
        (Request.Got < Request.Wanted && (Flags & MM_ALLOCATE_FULLY_REQUIRED) != 0)) {
        MiReturnPages(Request.List, Request.Got);
        ExFreePoolWithTag(Mdl, MI_TAG_MDL);
        return NULL;
    }
    Mdl->ByteCount = (ULONG)(Request.Got << PAGE_SHIFT);
    Mdl->MdlFlags |= MDL_PAGES_LOCKED;
    return Mdl;
}

PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
    return MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes, TotalBytes, MmCached, 0);
}

VOID NTAPI MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
    PMDL Mdl = MemoryDescriptorList;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_FREED_MAPPED, (ULONG_PTR)Mdl,
                     (ULONG_PTR)Mdl->MappedSystemVa, (USHORT)Mdl->MdlFlags);
    }
    if ((Mdl->MdlFlags & MDL_PAGES_LOCKED) == 0) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, MM_MDL_NOT_LOCKED, (ULONG_PTR)Mdl,
                     (USHORT)Mdl->MdlFlags, 0);
    }
    Mdl->MdlFlags &= (SHORT)~MDL_PAGES_LOCKED;
    MiReturnPages(MmGetMdlPfnArray(Mdl), MiMdlPages(Mdl));
}
