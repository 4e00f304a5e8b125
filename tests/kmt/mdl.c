/*
 * Promises: an MDL of non-paged memory names its pages; a mapping of it shows the same bytes
 * elsewhere; addresses and physical addresses are answered truly; device memory is mapped, RAM only
 * cached; exports are found by name.
 */
#include "kmt.h"

#define TAG 'tseT'
#define OFFSET 1234
#define LENGTH (3 * PAGE_SIZE)

static UCHAR *Buffer;
static PMDL Mdl;

static VOID TestBuild(VOID)
{
    PPFN_NUMBER Pfn;
    LONG Wrong = 0;

    KMT_EQUAL(MmSizeOfMdl(Buffer + OFFSET, LENGTH), sizeof(MDL) + 4 * sizeof(PFN_NUMBER),
              "an MDL has room for every page");
    KMT_EQUAL(MmSizeOfMdl(Buffer, 0), sizeof(MDL), "or for none");
    MmInitializeMdl(Mdl, Buffer + OFFSET, LENGTH);
    MmBuildMdlForNonPagedPool(Mdl);
    Pfn = MmGetMdlPfnArray(Mdl);
    for (LONG i = 0; i < 4; i++) {
        Wrong += Pfn[i] !=
                 (PFN_NUMBER)(MmGetPhysicalAddress(Buffer + i * PAGE_SIZE).QuadPart >> PAGE_SHIFT);
    }
    KMT_EQUAL(Wrong, 0, "the pages are the buffer's");
    KMT_CHECK(Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL, "the flag says so");
    KMT_CHECK(MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority) == Buffer + OFFSET,
              "the system address is the buffer");
}

static VOID TestMapping(VOID)
{
    UCHAR *Mapped, *Last = NULL;
    LONG Wrong = 0;

    for (LONG i = 0; i < 20000; i++) {
        Mapped = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                              NormalPagePriority);
        if (Mapped == NULL) {
            Wrong++;
            break;
        }
        Mapped[0] = (UCHAR)i;
        Mapped[LENGTH - 1] = (UCHAR)(i + 1);
        Wrong += Mapped == Buffer + OFFSET || Buffer[OFFSET] != (UCHAR)i;
        Wrong += Buffer[OFFSET + LENGTH - 1] != (UCHAR)(i + 1);
        Wrong += Mdl->MappedSystemVa != Mapped || !(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
        MmUnmapLockedPages(Mapped, Mdl);
        Wrong += (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) != 0;
        Last = Mapped;
    }
    KMT_EQUAL(Wrong, 0, "20000 mappings show the buffer");
    KMT_CHECK(!MmIsAddressValid(Last), "nothing stays mapped");
    Mapped = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                          NormalPagePriority | MdlMappingNoWrite);
    KMT_CHECK(Mapped != NULL && Mapped[0] == Buffer[OFFSET], "a read-only mapping reads");
    MmUnmapLockedPages(Mapped, Mdl);
    KMT_CHECK(MmMapLockedPagesSpecifyCache(Mdl, UserMode, MmCached, NULL, FALSE, 0) == NULL,
              "there is no user mode to map for");
}

static VOID TestAddresses(VOID)
{
    ULONG Local = 0;

    KMT_CHECK(!MmIsAddressValid(NULL), "address 0 is not valid");
    KMT_CHECK(!MmIsAddressValid((PVOID)0x8000), "low memory is not");
    KMT_CHECK(!MmIsAddressValid((PVOID)0xFFFF000000000000ULL), "what is no address is not");
    KMT_CHECK(MmIsAddressValid(&Local) && MmIsAddressValid((PVOID)(ULONG_PTR)KmtRun),
              "stack and code are");
    KMT_CHECK(MmIsAddressValid((PVOID)KI_USER_SHARED_DATA), "the shared data are");
    KMT_EQUAL(MmGetPhysicalAddress(NULL).QuadPart, 0, "no physical address for what is not mapped");
    KMT_EQUAL(MmGetPhysicalAddress(Buffer + 5).QuadPart & (PAGE_SIZE - 1), 5,
              "a physical address keeps the offset");
}

static VOID TestIoSpace(VOID)
{
    PHYSICAL_ADDRESS Address = MmGetPhysicalAddress(Buffer + 8);
    PHYSICAL_ADDRESS Text, Beyond;
    volatile USHORT *Screen;
    BOOLEAN Answers;
    UCHAR *Mapped;

    KMT_CHECK(MmMapIoSpace(Address, 100, MmNonCached) == NULL, "RAM is not mapped uncached");
    KMT_CHECK(MmMapIoSpace(Address, 100, MmWriteCombined) == NULL, "nor write-combined");
    Mapped = MmMapIoSpace(Address, 100, MmCached);
    Buffer[8] = 77;
    KMT_CHECK(Mapped != NULL && Mapped[0] == 77, "but cached");
    MmUnmapIoSpace(Mapped, 100);
    KMT_CHECK(!MmIsAddressValid(Mapped), "unmapped is unmapped");
    Text.QuadPart = 0xB8000;
    Screen = MmMapIoSpace(Text, 80 * 25 * 2, MmWriteCombined);
    KMT_CHECK(Screen != NULL, "the text screen is mapped");
    Answers = Screen[0] != 0xFFFF; /* nobody does after UEFI: the screen is in a graphics mode */
    Screen[0] = 0x0741;
    KMT_EQUAL(Screen[0], Answers ? 0x0741 : 0xFFFF, "and keeps what is written");
    MmUnmapIoSpace((PVOID)Screen, 80 * 25 * 2);
    Beyond.QuadPart = (LONGLONG)1 << 60;
    KMT_CHECK(MmMapIoSpace(Beyond, 100, MmNonCached) == NULL, "no such physical address");
    KMT_CHECK(MmMapIoSpace(Text, ~(SIZE_T)0, MmNonCached) == NULL, "no such length");
    KMT_CHECK(MmMapIoSpace(Text, 0, MmNonCached) == NULL, "no length");
    KMT_CHECK(MmMapIoSpace(Text, 100, MmMaximumCacheType) == NULL, "no such cache type");
}

static VOID TestExports(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"ExAllocatePool2");
    UNICODE_STRING Lower = RTL_CONSTANT_STRING(L"exallocatepool2");
    UNICODE_STRING Missing = RTL_CONSTANT_STRING(L"KeDoesNotExist");
    PVOID(NTAPI * Allocate)(POOL_FLAGS, SIZE_T, ULONG) = MmGetSystemRoutineAddress(&Name);
    PVOID Block;

    KMT_CHECK(Allocate != NULL, "an export is found");
    Block = Allocate(POOL_FLAG_PAGED, 64, TAG);
    KMT_CHECK(Block != NULL, "and works");
    ExFreePoolWithTag(Block, TAG);
    KMT_CHECK(MmGetSystemRoutineAddress(&Missing) == NULL, "what is not exported is not found");
    KMT_CHECK(MmGetSystemRoutineAddress(&Lower) == NULL, "names are exact");
}

static VOID KmtRun(VOID)
{
    Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, LENGTH + PAGE_SIZE, TAG);
    Mdl = ExAllocatePool2(POOL_FLAG_NON_PAGED, MmSizeOfMdl(Buffer + OFFSET, LENGTH), TAG);
    TestBuild();
    TestMapping();
    TestAddresses();
    TestIoSpace();
    TestExports();
    ExFreePoolWithTag(Mdl, TAG);
    ExFreePoolWithTag(Buffer, TAG);
}
