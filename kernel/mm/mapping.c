/*
 * mapping.c - mappings that drivers ask for: device memory and MDLs, from the system PTE window.
 *
 * Their entries are marked, so that ending a mapping can insist on exactly what was mapped.
 *
 * RAM is mapped as its owner has it cached: two mappings with different cache types would make its
 * contents undefined. That is write-back, except for memory of contiguous.c and mdlpages.c.
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

LONG MiCacheProtection(MEMORY_CACHING_TYPE CacheType)
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

/* RAM that the database knows is cached in one way everywhere. */
static MMPTE MiBitsOfPage(PFN_NUMBER Page, MMPTE Bits)
{
    PMMPFN Entry = MiFindPfn(Page);

    return Entry == NULL || Entry->Cache == 0 ? Bits : Bits | MiCacheBits(Entry->Cache);
}

/* The first entry is marked at once: another processor that ends the mapping in front of this one
 * counts the pages up to a first one. */
void MiEnterPages(PCHAR Va, const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages, MMPTE Bits)
{
    PMMPTE Entry = NULL;
    MMPTE Mark = Bits & MI_PTE_MAPPING ? MI_PTE_FIRST : 0;

    for (SIZE_T i = 0; i < Pages; i++, Entry++) {
        PFN_NUMBER Page = List != NULL ? List[i] : First + i;

        if (Entry == NULL || MI_ENTRY_INDEX(Va + i * PAGE_SIZE, 0) == 0) {
            Entry = MiFindPte(Va + i * PAGE_SIZE);
        }
        *(volatile MMPTE *)Entry = ((MMPTE)Page << PAGE_SHIFT) | MiBitsOfPage(Page, Bits) | Mark;
        Mark = 0;
    }
}

BOOLEAN MiAreAnySecure(const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages)
{
    for (SIZE_T i = 0; i < Pages; i++) {
        if (MiIsSecurePage(List != NULL ? List[i] : First + i)) {
            return TRUE;
        }
    }
    return FALSE;
}

PCHAR MiMapPages(const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages, MMPTE Bits)
{
    PCHAR Va = NULL;

    if ((Bits & MI_PTE_WRITE) == 0 || !MiAreAnySecure(List, First, Pages)) {
        Va = MiReserve(&MiSystemPtes, Pages);
    }
    if (Va != NULL) {
        MiEnterPages(Va, List, First, Pages, Bits | MI_PTE_MAPPING);
    }
    return Va;
}

MMPTE MiMappingMarks(PVOID Va)
{
    PMMPTE Entry = MiIsInWindow(&MiSystemPtes, Va) ? MiFindPte(Va) : NULL;

    return Entry == NULL ? 0 : *Entry & (MI_PTE_MAPPING | MI_PTE_FIRST);
}

SIZE_T MiQueryMapping(PVOID Va)
{
    PCHAR At = Va;
    SIZE_T Pages = 0;

    if (MiMappingMarks(At) != (MI_PTE_MAPPING | MI_PTE_FIRST)) {
        return 0;
    }
    do {
        Pages++;
    } while (MiMappingMarks(At + Pages * PAGE_SIZE) == MI_PTE_MAPPING);
    return Pages;
}

BOOLEAN MiUnmapPages(PVOID Va, SIZE_T Pages)
{
    PCHAR At = PAGE_ALIGN(Va);

    if (Pages == 0 || MiQueryMapping(At) != Pages) {
        return FALSE;
    }
    MiUnmapRun(At, Pages, FALSE);
    MiRelease(&MiSystemPtes, At, Pages);
    return TRUE;
}

LONG MiMappingProtection(ULONG Protect)
{
    ULONG Cache = Protect & (PAGE_NOCACHE | PAGE_WRITECOMBINE);
    LONG Bits = Cache == PAGE_NOCACHE        ? MM_NOCACHE
                : Cache == PAGE_WRITECOMBINE ? MM_WRITECOMBINE
                                             : 0;

    if (Cache == (PAGE_NOCACHE | PAGE_WRITECOMBINE)) {
        return -1;
    }
    switch (Protect & ~Cache) {
    case PAGE_READONLY:
        return Bits | MM_READONLY;
    case PAGE_READWRITE:
        return Bits | MM_READWRITE;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        return Bits | MM_EXECUTE;
    default: /* PAGE_EXECUTE_READWRITE: nothing is writable and executable at once */
        return -1;
    }
}

/* RAM that a mapping would cache in another way than its owner does. */
static BOOLEAN MiIsCacheConflict(ULONG64 Base, ULONG64 End, ULONG Cache)
{
    if (!MiIsRam(Base, End)) {
        return FALSE;
    }
    for (PFN_NUMBER Page = Base >> PAGE_SHIFT;
         Page <= min((End - 1) >> PAGE_SHIFT, (ULONG64)MiHighestPage); Page++) {
        PMMPFN Entry = MiFindPfn(Page);

        if (Cache != (Entry == NULL ? 0 : Entry->Cache)) {
            return TRUE;
        }
    }
    return FALSE;
}

static PVOID MiMapIoSpace(ULONG64 Base, SIZE_T Bytes, LONG Protection)
{
    PCHAR Va;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Protection < 0 || Bytes == 0 || Base >= MiPhysicalLimit() ||
        Bytes > MiPhysicalLimit() - Base ||
        MiIsCacheConflict(Base, Base + Bytes, (ULONG)Protection & (MM_NOCACHE | MM_WRITECOMBINE))) {
        return NULL;
    }
    Va = MiMapPages(NULL, (PFN_NUMBER)(Base >> PAGE_SHIFT),
                    BYTES_TO_PAGES(BYTE_OFFSET(Base) + Bytes), MiLeafBits((ULONG)Protection));
    return Va == NULL ? NULL : Va + BYTE_OFFSET(Base);
}

PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                         MEMORY_CACHING_TYPE CacheType)
{
    LONG Cache = MiCacheProtection(CacheType);

    return MiMapIoSpace((ULONG64)PhysicalAddress.QuadPart, NumberOfBytes,
                        Cache < 0 ? Cache : Cache | MM_READWRITE);
}

PVOID NTAPI MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect)
{
    return MiMapIoSpace((ULONG64)PhysicalAddress.QuadPart, NumberOfBytes,
                        MiMappingProtection(Protect));
}

VOID NTAPI MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    SIZE_T Pages = BYTES_TO_PAGES(BYTE_OFFSET(BaseAddress) + NumberOfBytes);

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (!MiUnmapPages(BaseAddress, Pages)) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MM_NOT_A_MAPPING, (ULONG_PTR)BaseAddress, NumberOfBytes, 0);
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
