/*
 * mdlmap.c - system addresses for the pages of an MDL: fresh ones, or ones that were reserved
 * before.
 *
 * A reserved mapping is a run of addresses with two pages in front that are never mapped: their
 * entries, not present, remember how many pages and whose tag. So a driver that must not fail can
 * map at any time what fits there. Unlike fresh addresses these are used again at once, so every
 * processor forgets when such a mapping ends.
 */
#include "mi.h"

/* In front of a reserved mapping; the low 12 bits, which no other entry has, mark them. */
#define MI_RESERVED_MARK 0x080ULL
#define MI_RESERVED_HEAD 2 /* entries: pages, tag */
#define MI_RESERVED_VALUE(Value) ((MMPTE)(Value) << 12 | MI_RESERVED_MARK)
#define MI_MAXIMUM_RESERVED 0x80000 /* pages: 2 GB, the longest MDL */

/* In both kernels only where the memory map could be harmed; a driver that fills in pages by itself
 * is told in the debug kernel. */
static void MiCheckMapping(PMDL Mdl)
{
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_MDL_MAPPED_TWICE, (ULONG_PTR)Mdl, Mdl->MdlFlags, 0);
    }
#if DBG
    if ((Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)) == 0) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, MM_MDL_BAD_MAP_FLAGS, (ULONG_PTR)Mdl,
                     (USHORT)Mdl->MdlFlags,
                     MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL);
    }
#endif
}

/* Bits for a mapping of Mdl; 0 for a cache type that does not exist. Of RAM the page database knows
 * how it is cached; the type matters for other pages. */
static MMPTE MiMdlBits(PMDL Mdl, MEMORY_CACHING_TYPE CacheType, ULONG Protection)
{
    LONG Cache = MiCacheProtection(CacheType);

    if (Cache < 0) {
        return 0;
    }
    return MiLeafBits(Protection | (Mdl->MdlFlags & MDL_IO_SPACE ? (ULONG)Cache : 0));
}

static PVOID MiNoteMapping(PMDL Mdl, PCHAR Va)
{
    Mdl->MappedSystemVa = Va + Mdl->ByteOffset;
    Mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (Mdl->MdlFlags & MDL_PARTIAL) {
        Mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    }
    return Mdl->MappedSystemVa;
}

static void MiForgetMapping(PMDL Mdl)
{
    Mdl->MdlFlags &= (SHORT) ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
    if (Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
        Mdl->MappedSystemVa = MmGetMdlVirtualAddress(Mdl);
    }
}

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                         ULONG BugCheckOnFailure, ULONG Priority)
{
    PMDL Mdl = MemoryDescriptorList;
    ULONG Protection = (Priority & MdlMappingNoWrite) != 0 ? MM_READONLY : MM_READWRITE;
    MMPTE Bits = MiMdlBits(Mdl, CacheType, Protection);
    PCHAR Va = NULL;

    (void)RequestedAddress; /* a wish about user addresses only */
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    MiCheckMapping(Mdl);
    if (AccessMode == KernelMode && Bits != 0) {
        Va = MiMapPages(MmGetMdlPfnArray(Mdl), 0, MiMdlPages(Mdl), Bits);
    }
    if (Va != NULL) {
        return MiNoteMapping(Mdl, Va);
    }
    if (BugCheckOnFailure != 0) {
        KeBugCheckEx(INSUFFICIENT_SYSTEM_MAP_REGS, (ULONG_PTR)Mdl, MiMdlPages(Mdl), 0, 0);
    }
    return NULL;
}

PVOID NTAPI MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
    return MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, MmCached, NULL, TRUE,
                                        HighPagePriority);
}

VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
    PMDL Mdl = MemoryDescriptorList;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if ((Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0 || Mdl->MappedSystemVa != BaseAddress ||
        !MiUnmapPages(BaseAddress, MiMdlPages(Mdl))) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_NOT_A_MAPPING, (ULONG_PTR)BaseAddress, (ULONG_PTR)Mdl,
                     Mdl->MdlFlags);
    }
    MiForgetMapping(Mdl);
}

void MiShortenMapping(PVOID Va, SIZE_T Pages)
{
    PCHAR Rest = (PCHAR)Va + Pages * PAGE_SIZE;

    /* A reserved mapping stays as it is: its addresses are not the MDL's. */
    if (MiQueryMapping(Va) > Pages) {
        *MiFindPte(Rest) |= MI_PTE_FIRST;
        MiUnmapRun(Va, Pages, FALSE);
        MiRelease(&MiSystemPtes, Va, Pages);
    }
}

/*** Protection. ***/

NTSTATUS NTAPI MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect)
{
    PMDL Mdl = MemoryDescriptorList;
    LONG Protection = NewProtect == PAGE_NOACCESS ? MM_READONLY : MiMappingProtection(NewProtect);
    PCHAR Va = PAGE_ALIGN(Mdl->MappedSystemVa);
    MMPTE Bits;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if ((Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0) {
        return STATUS_NOT_MAPPED_VIEW;
    }
    if (Protection < 0 || (Protection & (MM_NOCACHE | MM_WRITECOMBINE)) != 0) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    Bits = MiLeafBits((ULONG)Protection);
    /* A secure pool's pages, which could only be mapped read-only, stay so. */
    if ((Bits & MI_PTE_WRITE) != 0 && MiAreAnySecure(MmGetMdlPfnArray(Mdl), 0, MiMdlPages(Mdl))) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if (NewProtect == PAGE_NOACCESS) {
        Bits &= ~MI_PTE_PRESENT;
    }
    for (ULONG i = 0; i < MiMdlPages(Mdl); i++) {
        PMMPTE Entry = MiFindPte(Va + (ULONG_PTR)i * PAGE_SIZE);

        *Entry = (*Entry & (MI_PTE_FRAME | MI_PTE_MAPPING | MI_PTE_FIRST | MI_PTE_CACHE)) | Bits;
    }
    KeFlushTlbRange(Va, MiMdlPages(Mdl));
    return STATUS_SUCCESS;
}

/*** Reserved mappings. ***/

PVOID NTAPI MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag)
{
    SIZE_T Pages = BYTES_TO_PAGES(NumberOfBytes);
    PCHAR Head;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (Pages == 0) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_RESERVE_NOTHING, 0, PoolTag, NumberOfBytes);
    }
    Head = Pages > MI_MAXIMUM_RESERVED ? NULL : MiReserve(&MiSystemPtes, Pages + MI_RESERVED_HEAD);
    if (Head == NULL) {
        return NULL;
    }
    *MiFindPte(Head) = MI_RESERVED_VALUE(Pages);
    *MiFindPte(Head + PAGE_SIZE) = MI_RESERVED_VALUE(PoolTag);
    return Head + MI_RESERVED_HEAD * PAGE_SIZE;
}

/* Pages of the reserved mapping at Base, which has the tag; otherwise bugchecks. */
static SIZE_T MiCheckReserved(PVOID Base, ULONG PoolTag, ULONG Reason)
{
    PCHAR Head = (PCHAR)Base - MI_RESERVED_HEAD * PAGE_SIZE;
    MMPTE Size = 0, Tag = 0;

    if (BYTE_OFFSET(Base) == 0 && MiIsInWindow(&MiSystemPtes, Head) && MiFindPte(Head) != NULL &&
        MiFindPte(Head + PAGE_SIZE) != NULL) {
        Size = *MiFindPte(Head);
        Tag = *MiFindPte(Head + PAGE_SIZE);
    }
    if (Tag != MI_RESERVED_VALUE(PoolTag) || (Size & (PAGE_SIZE - 1)) != MI_RESERVED_MARK) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, Reason, (ULONG_PTR)Base, PoolTag, Tag >> PAGE_SHIFT);
    }
    return Size >> PAGE_SHIFT;
}

VOID NTAPI MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag)
{
    SIZE_T Pages = MiCheckReserved(BaseAddress, PoolTag, MM_RESERVED_WRONG_TAG);
    PCHAR Head = (PCHAR)BaseAddress - MI_RESERVED_HEAD * PAGE_SIZE;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    for (SIZE_T i = 0; i < Pages; i++) {
        if (*MiFindPte((PCHAR)BaseAddress + i * PAGE_SIZE) != 0) {
            KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_RESERVED_IN_USE, (ULONG_PTR)BaseAddress, PoolTag,
                         Pages);
        }
    }
    *MiFindPte(Head) = 0;
    *MiFindPte(Head + PAGE_SIZE) = 0;
    MiRelease(&MiSystemPtes, Head, Pages + MI_RESERVED_HEAD);
}

PVOID NTAPI MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag,
                                                PMDL MemoryDescriptorList,
                                                MEMORY_CACHING_TYPE CacheType)
{
    PMDL Mdl = MemoryDescriptorList;
    SIZE_T Pages = MiCheckReserved(MappingAddress, PoolTag, MM_RESERVED_MAP_TAG);
    MMPTE Bits = MiMdlBits(Mdl, CacheType, MM_READWRITE);

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    MiCheckMapping(Mdl);
    if (*MiFindPte(MappingAddress) != 0) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_RESERVED_MAPPED_TWICE, (ULONG_PTR)MappingAddress,
                     PoolTag, Pages);
    }
    if (Bits == 0 || MiMdlPages(Mdl) > Pages ||
        MiAreAnySecure(MmGetMdlPfnArray(Mdl), 0, MiMdlPages(Mdl))) {
        return NULL;
    }
    MiEnterPages(MappingAddress, MmGetMdlPfnArray(Mdl), 0, MiMdlPages(Mdl), Bits);
    return MiNoteMapping(Mdl, MappingAddress);
}

VOID NTAPI MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag, PMDL MemoryDescriptorList)
{
    PMDL Mdl = MemoryDescriptorList;
    SIZE_T Pages = MiCheckReserved(PAGE_ALIGN(BaseAddress), PoolTag, MM_RESERVED_UNMAP_TAG);

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if ((Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0 || MiMdlPages(Mdl) > Pages ||
        PAGE_ALIGN(Mdl->MappedSystemVa) != PAGE_ALIGN(BaseAddress)) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_RESERVED_NOT_MAPPED, (ULONG_PTR)BaseAddress, PoolTag,
                     (ULONG_PTR)Mdl);
    }
    MiUnmapRun(PAGE_ALIGN(BaseAddress), MiMdlPages(Mdl), FALSE);
    KeFlushTlbRange(PAGE_ALIGN(BaseAddress), MiMdlPages(Mdl));
    MiForgetMapping(Mdl);
}
