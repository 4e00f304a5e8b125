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

void MiEnterPages(PCHAR Va, const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages, MMPTE Bits)
{
    PMMPTE Entry = NULL;

    for (SIZE_T i = 0; i < Pages; i++, Entry++) {
        PFN_NUMBER Page = List != NULL ? List[i] : First + i;

        if (Entry == NULL || MI_ENTRY_INDEX(Va + i * PAGE_SIZE, 0) == 0) {
            Entry = MiFindPte(Va + i * PAGE_SIZE);
        }
        *Entry = ((MMPTE)Page << PAGE_SHIFT) | MiBitsOfPage(Page, Bits);
    }
}

PCHAR MiMapPages(const PFN_NUMBER *List, PFN_NUMBER First, SIZE_T Pages, MMPTE Bits)
{
    PCHAR Va = MiReserve(&MiSystemPtes, Pages);

    if (Va != NULL) {
        MiEnterPages(Va, List, First, Pages, Bits | MI_PTE_MAPPING);
        *MiFindPte(Va) |= MI_PTE_FIRST;
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
