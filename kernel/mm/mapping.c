/*
 * mapping.c - mappings that drivers ask for: device memory and MDLs, from the system PTE window.
 *
 * Their entries are marked, so that ending a mapping can insist on exactly what was mapped.
 *
 * RAM is mapped cached only: two mappings with different cache types would make its contents
 * undefined.
 */
#include "mi.h"
#include "ldr.h"

/* What PHYSICAL_ADDRESS can hold that page tables can point to; CPUID's width is checked too. */
static ULONG64 MiPhysicalLimit(void)
{
    static ULONG64 Limit; /* the same from whoever fills it */
    ULONG Info[4];

    if (Limit == 0) {
        /* A processor that does not say has 36 bits, as the first with PAE. */
        __cpuidex(Info, 0x80000000, 0);
        Limit = 1ULL << 36;
        if (Info[0] >= 0x80000008) {
            __cpuidex(Info, 0x80000008, 0);
            Limit = 1ULL << (Info[0] & 0xFF);
        }
    }
    return Limit;
}

/* MM_* bits for a WDK cache type; -1 for one that does not exist. */
static LONG MiCacheProtection(MEMORY_CACHING_TYPE CacheType)
{
    switch (CacheType) {
    case MmCached:
    case MmHardwareCoherentCached:
        return 0;
    case MmNonCached:
    case MmNonCachedUnordered:
        return MM_NOCACHE;
    case MmWriteCombined:
    case MmUSWCCached:
        return MM_WRITECOMBINE;
    default:
        return -1;
    }
}

/* Maps pages at fresh addresses: those of the list, or as many in a row from First on. NULL when
 * addresses, or memory for tables, run out. */
static PCHAR MiMapPages(const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages, MMPTE Bits)
{
    PCHAR Va = MiReserve(&MiSystemPtes, Pages);
    PMMPTE Entry = NULL;

    Bits |= MI_PTE_MAPPING;
    for (SIZE_T i = 0; Va != NULL && i < Pages; i++, Entry++) {
        PFN_NUMBER Page = List != NULL ? List[i] : First + i;

        if (Entry == NULL || MI_ENTRY_INDEX(Va + i * PAGE_SIZE, 0) == 0) {
            Entry = MiFindPte(Va + i * PAGE_SIZE);
        }
        *Entry = ((MMPTE)Page << PAGE_SHIFT) | Bits | (i == 0 ? MI_PTE_FIRST : 0);
    }
    return Va;
}

static MMPTE MiMappingMarks(PVOID Va)
{
    PMMPTE Entry = MiIsInWindow(&MiSystemPtes, Va) ? MiFindPte(Va) : NULL;

    return Entry == NULL ? 0 : *Entry & (MI_PTE_MAPPING | MI_PTE_FIRST);
}

/* Ends a mapping of MiMapPages; FALSE when Va and Pages are not those of one: it must begin at a
 * first page, and the page behind it must not go on with the same mapping. */
static BOOLEAN MiUnmapPages(PVOID Va, SIZE_T Pages)
{
    PCHAR At = PAGE_ALIGN(Va);

    for (SIZE_T i = 0; i < Pages; i++) {
        if (MiMappingMarks(At + i * PAGE_SIZE) != (MI_PTE_MAPPING | (i == 0 ? MI_PTE_FIRST : 0))) {
            return FALSE;
        }
    }
    if (Pages == 0 || MiMappingMarks(At + Pages * PAGE_SIZE) == MI_PTE_MAPPING) {
        return FALSE;
    }
    MiUnmapRun(At, Pages, FALSE);
    MiRelease(&MiSystemPtes, At, Pages);
    return TRUE;
}

PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                         MEMORY_CACHING_TYPE CacheType)
{
    ULONG64 Base = (ULONG64)PhysicalAddress.QuadPart;
    LONG Protection = MiCacheProtection(CacheType);
    PCHAR Va;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Protection < 0 || NumberOfBytes == 0 || Base >= MiPhysicalLimit() ||
        NumberOfBytes > MiPhysicalLimit() - Base ||
        (Protection != 0 && MiIsRam(Base, Base + NumberOfBytes))) {
        return NULL;
    }
    Va = MiMapPages(NULL, (PFN_NUMBER)(Base >> PAGE_SHIFT),
                    BYTES_TO_PAGES(BYTE_OFFSET(Base) + NumberOfBytes),
                    MiLeafBits((ULONG)Protection | MM_READWRITE));
    return Va == NULL ? NULL : Va + BYTE_OFFSET(Base);
}

VOID NTAPI MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    SIZE_T Pages = BYTES_TO_PAGES(BYTE_OFFSET(BaseAddress) + NumberOfBytes);

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (!MiUnmapPages(BaseAddress, Pages)) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_NOT_A_MAPPING, (ULONG_PTR)BaseAddress, NumberOfBytes, 0);
    }
}

/*** MDLs. ***/

SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    SIZE_T Pages = (BYTE_OFFSET(Base) + Length + PAGE_SIZE - 1) >> PAGE_SHIFT;

    return sizeof(MDL) + Pages * sizeof(PFN_NUMBER);
}

static ULONG MiMdlPages(PMDL Mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
}

VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
    PPFN_NUMBER Pfn = MmGetMdlPfnArray(MemoryDescriptorList);
    PCHAR Va = MemoryDescriptorList->StartVa;
    ULONG Pages = MiMdlPages(MemoryDescriptorList);

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    for (ULONG i = 0; i < Pages; i++, Va += PAGE_SIZE) {
        ULONG64 Physical = (ULONG64)MmGetPhysicalAddress(Va).QuadPart;

        if (Physical == 0) {
            KeBugCheckEx(MEMORY_MANAGEMENT, MM_MDL_NOT_MAPPED, (ULONG_PTR)Va,
                         (ULONG_PTR)MemoryDescriptorList, 0);
        }
        Pfn[i] = (PFN_NUMBER)(Physical >> PAGE_SHIFT);
    }
    MemoryDescriptorList->Process = NULL;
    MemoryDescriptorList->MappedSystemVa = MmGetMdlVirtualAddress(MemoryDescriptorList);
    MemoryDescriptorList->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                         ULONG BugCheckOnFailure, ULONG Priority)
{
    PMDL Mdl = MemoryDescriptorList;
    LONG Cache = MiCacheProtection(CacheType);
    ULONG Protection = (Priority & MdlMappingNoWrite) != 0 ? MM_READONLY : MM_READWRITE;
    PCHAR Va = NULL;

    (void)RequestedAddress; /* a wish about user addresses only */
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_MDL_MAPPED_TWICE, (ULONG_PTR)Mdl, Mdl->MdlFlags, 0);
    }
    /* The pages are RAM, which is always cached: a cache type that says else is overridden, as
     * Windows does when a page is mapped otherwise already. */
    if (AccessMode == KernelMode && Cache >= 0) {
        Va = MiMapPages(MmGetMdlPfnArray(Mdl), 0, MiMdlPages(Mdl), MiLeafBits(Protection));
    }
    if (Va == NULL) {
        if (BugCheckOnFailure != 0) {
            KeBugCheckEx(INSUFFICIENT_SYSTEM_MAP_REGS, (ULONG_PTR)Mdl, MiMdlPages(Mdl), 0, 0);
        }
        return NULL;
    }
    Va += Mdl->ByteOffset;
    Mdl->MappedSystemVa = Va;
    Mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (Mdl->MdlFlags & MDL_PARTIAL) {
        Mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    }
    return Va;
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
    Mdl->MdlFlags &= (SHORT) ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
    if (Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
        Mdl->MappedSystemVa = MmGetMdlVirtualAddress(Mdl);
    }
}

/* Longest name looked up: no export is longer. */
#define MI_ROUTINE_NAME_CHARS 128

PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    CHAR Name[MI_ROUTINE_NAME_CHARS];
    ULONG Chars = SystemRoutineName->Length / sizeof(WCHAR);

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (Chars >= ARRAYSIZE(Name)) {
        return NULL;
    }
    for (ULONG i = 0; i < Chars; i++) {
        if (SystemRoutineName->Buffer[i] > 0x7F) {
            return NULL;
        }
        Name[i] = (CHAR)SystemRoutineName->Buffer[i];
    }
    Name[Chars] = 0;
    return LdrFindExport(Name);
}
