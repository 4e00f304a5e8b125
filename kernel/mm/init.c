/*
 * init.c - from the loader's page tables to the kernel's own.
 *
 * Order matters and is MmInitSystem's list. Tables are first built in pages that the loader maps;
 * once CR3 holds them the page database starts, and from then on every allocation is an ordinary
 * one.
 *
 * The direct map covers RAM only, with the largest pages that fit; over the kernel's code and
 * constants it is read-only. The kernel image is mapped by small pages with each section's own
 * protection. Nothing is mapped below the kernel half, so address 0 faults.
 */
#include "mi.h"
#include "kd.h"

#define MI_MINIMUM_FREE_PAGES 1024 /* 4 MB: less does not reach the console */

/* linker.ld */
extern CHAR KiTextStart[], KiTextEnd[], KiRodataStart[], KiRodataEnd[], KiDataStart[], KiDataEnd[];

PFN_NUMBER MmSharedUserDataPage;
static PFN_NUMBER MiTrampolinePml4;
static BOOLEAN MiHaveHugePages;

static PMMPTE MiEarlyTable(void)
{
    return MmPhysicalToVirtual((ULONG64)MiTakeEarlyPage() << PAGE_SHIFT);
}

static ULONG64 MiDirectToPhysical(PVOID Va)
{
    return (ULONG64)Va - MM_DIRECT_MAP_BASE;
}

/* The entry of the given level for Va under Pml4, tables above it made as needed. */
static PMMPTE MiEarlyEntry(PMMPTE Pml4, ULONG64 Va, ULONG Level)
{
    PMMPTE Table = Pml4;

    for (ULONG At = 3; At > Level; At--) {
        PMMPTE Entry = &Table[MI_ENTRY_INDEX(Va, At)];

        if (*Entry == 0) {
            *Entry = MiDirectToPhysical(MiEarlyTable()) | MI_PTE_TABLE;
        }
        Table = MmPhysicalToVirtual(*Entry & MI_PTE_FRAME);
    }
    return &Table[MI_ENTRY_INDEX(Va, Level)];
}

/* Maps [Va, Va + Size) to Physical on, with the largest pages that Limit and alignment allow. */
static void MiEarlyMap(PMMPTE Pml4, ULONG64 Va, ULONG64 Physical, ULONG64 Size, MMPTE Bits,
                       ULONG MaximumLevel)
{
    while (Size != 0) {
        ULONG Level = MaximumLevel;
        ULONG64 Span = (ULONG64)PAGE_SIZE << (9 * Level);
        PMMPTE Entry;

        /* Down to what both addresses are aligned to and what is left fills. */
        while (((Va | Physical) & (Span - 1)) != 0 || Size < Span) {
            Span >>= 9;
            Level--;
        }
        /* To the end of this table; behind it larger pages may fit. */
        Entry = MiEarlyEntry(Pml4, Va, Level);
        do {
            *Entry++ = Physical | Bits | (Level != 0 ? MI_PTE_LARGE : 0);
            Va += Span;
            Physical += Span;
            Size -= Span;
        } while (Size >= Span && MI_ENTRY_INDEX(Va, Level) != 0);
    }
}

static void MiMapDirect(ULONG64 Base, ULONG64 End, MMPTE Write)
{
    if (Base < End) {
        MiEarlyMap(MiKernelPml4, MM_DIRECT_MAP_BASE + Base, Base, End - Base,
                   MI_PTE_LEAF | MiNoExecute | Write, MiHaveHugePages ? 2 : 1);
    }
}

/* One run of RAM, with the kernel's code and constants cut out and mapped read-only. */
static void MiMapDirectRun(ULONG64 Base, ULONG64 End)
{
    ULONG64 ReadOnly = (ULONG64)KiTextStart - MM_KERNEL_BASE;
    ULONG64 ReadOnlyEnd = (ULONG64)KiRodataEnd - MM_KERNEL_BASE;

    MiMapDirect(Base, min(End, ReadOnly), MI_PTE_WRITE);
    MiMapDirect(max(Base, ReadOnly), min(End, ReadOnlyEnd), 0);
    MiMapDirect(max(Base, ReadOnlyEnd), End, MI_PTE_WRITE);
}

static void MiBuildDirectMap(PLOADER_BLOCK LoaderBlock)
{
    ULONG64 Base = 0, End = 0;

    for (ULONG i = 0; i < LoaderBlock->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Run = &LoaderBlock->Descriptors[i];

        if (Run->Type > LoaderAcpiNvs) {
            continue; /* no RAM, or RAM that fails: nothing may reach it speculatively either */
        }
        /* Neighbours of different types are one run here: fewer borders allow larger pages. */
        if (Run->Base != End) {
            MiMapDirectRun(Base, End);
            Base = Run->Base;
        }
        End = Run->Base + (Run->PageCount << PAGE_SHIFT);
    }
    MiMapDirectRun(Base, End);
}

static void MiMapSection(PMMPTE Pml4, PCHAR Start, PCHAR End, MMPTE Bits)
{
    MiEarlyMap(Pml4, (ULONG64)Start, (ULONG64)Start - MM_KERNEL_BASE, (ULONG64)(End - Start),
               MI_PTE_LEAF | Bits, 0);
}

/*
 * The tables for starting processors: the kernel half, and the first 2 MB (without page 0) at its
 * own addresses, where start-up code runs between turning paging on and jumping to the kernel.
 */
static void MiBuildTrampolineDirectory(void)
{
    PMMPTE Pml4 = MiEarlyTable();

    for (ULONG i = MI_ENTRIES / 2; i < MI_ENTRIES; i++) {
        Pml4[i] = MiKernelPml4[i];
    }
    MiEarlyMap(Pml4, PAGE_SIZE, PAGE_SIZE, MI_LARGE_PAGE - PAGE_SIZE,
               (MI_PTE_LEAF | MI_PTE_WRITE) & ~MI_PTE_GLOBAL, 0);
    MiTrampolinePml4 = (PFN_NUMBER)(MiDirectToPhysical(Pml4) >> PAGE_SHIFT);
}

/* A next-level table for each region, so that copies of the top level share all that is added. */
static void MiMakeTopLevel(void)
{
    static const ULONG64 Regions[] = {
        MM_PAGED_POOL_BASE,   MM_NONPAGED_POOL_BASE, MM_EXECUTABLE_POOL_BASE, KI_USER_SHARED_DATA,
        MM_DRIVER_IMAGE_BASE, MM_SYSTEM_PTE_BASE,    MM_PFN_DATABASE_BASE};

    for (ULONG i = 0; i < ARRAYSIZE(Regions); i++) {
        MiEarlyEntry(MiKernelPml4, Regions[i], 2);
    }
}

static void MiBuildPageTables(PLOADER_BLOCK LoaderBlock)
{
    MiKernelPml4 = MiEarlyTable();
    MiMakeTopLevel();
    MiBuildDirectMap(LoaderBlock);
    MiMapSection(MiKernelPml4, KiTextStart, KiTextEnd, 0);
    MiMapSection(MiKernelPml4, KiRodataStart, KiRodataEnd, MiNoExecute);
    MiMapSection(MiKernelPml4, KiDataStart, KiDataEnd, MiNoExecute | MI_PTE_WRITE);
    MiBuildTrampolineDirectory();
}

static void MiReadFeatures(void)
{
    ULONG Info[4];

    __cpuidex(Info, 1, 0);
    if ((Info[2] & (1U << 13)) == 0) { /* CMPXCHG16B: sequenced lists are made of it */
        KeBugCheckEx(UNSUPPORTED_PROCESSOR, 0, 0, 0, 0);
    }
    __cpuidex(Info, 0x80000001, 0);
    MiNoExecute = (Info[3] & (1U << 20)) != 0 ? MI_PTE_NX : 0;
    MiHaveHugePages = (Info[3] & (1U << 26)) != 0; /* pages of 1 GB */
}

/* The page that drivers, and later programs, read the time from. */
static void MiMapSharedUserData(void)
{
    PMMPTE Entry = MiMakePte((PVOID)KI_USER_SHARED_DATA);

    MmSharedUserDataPage = MmAllocatePage(TRUE);
    if (Entry == NULL || MmSharedUserDataPage == 0) {
        KeBugCheckEx(MEMORY1_INITIALIZATION_FAILED, 3, 0, 0, 0);
    }
    *Entry = ((MMPTE)MmSharedUserDataPage << PAGE_SHIFT) | MiLeafBits(MM_READWRITE);
}

/* The processor's features first, because every entry's bits follow from them; NX must be on before
 * an entry that has it is used. Pages taken before the database exists are entered in it
 * afterwards. */
void MmInitSystem(PLOADER_BLOCK LoaderBlock)
{
    ULONG64 FreePages = MiInitializeFreeRanges(LoaderBlock);

    if (FreePages < MI_MINIMUM_FREE_PAGES) {
        KeBugCheckEx(MEMORY1_INITIALIZATION_FAILED, 0, FreePages, MI_MINIMUM_FREE_PAGES, 0);
    }
    MiReadFeatures();
    MmInitializeProcessor();
    MiBuildPageTables(LoaderBlock);
    __writecr3(MmQuerySystemDirectoryBase());
    MiStartPageDatabase();
    MiInitializeWindows();
    MiMapSharedUserData();
}

ULONG64 MmQuerySystemDirectoryBase(void)
{
    return MiDirectToPhysical(MiKernelPml4);
}

ULONG64 MmQueryTrampolineDirectoryBase(void)
{
    return (ULONG64)MiTrampolinePml4 << PAGE_SHIFT;
}

/* The identity map's tables: one of each level under entry 0 of every one. */
static void MiFreeTrampolineDirectory(void)
{
    PFN_NUMBER Page = MiTrampolinePml4;

    for (ULONG Level = 0; Level < 4; Level++) {
        PMMPTE Table = MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT);
        PFN_NUMBER Next = (PFN_NUMBER)((Table[0] & MI_PTE_FRAME) >> PAGE_SHIFT);

        MmFreePage(Page);
        Page = Next;
    }
    MiTrampolinePml4 = 0;
}

void MmFreeLoaderMemory(PLOADER_BLOCK LoaderBlock)
{
    if (MiTrampolinePml4 == 0) {
        return;
    }
    MiFreeTrampolineDirectory();
    for (ULONG i = 0; i < LoaderBlock->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Run = &LoaderBlock->Descriptors[i];

        if (Run->Type == LoaderReclaimable || Run->Type == LoaderSmpTrampoline) {
            MiDonatePages((PFN_NUMBER)(Run->Base >> PAGE_SHIFT), Run->PageCount);
        }
    }
}
