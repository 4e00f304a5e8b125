/*
 * Promises: any system memory can be locked: both pools, a stack, a driver's data and its code for
 * reading; flags are Windows'; locks nest and are counted; a part of an MDL shows its part of the
 * buffer, with or without a mapping of the whole; an MDL that advances lets go of what it leaves;
 * secondary MDLs follow the first one of an IRP; a reserved mapping can be used again at once;
 * protections of mappings hold; copies fail where there is nothing; physical memory is listed.
 */
#include "kmt.h"

#define TAG 'tseT'
#define OFFSET 100
#define LENGTH (5 * PAGE_SIZE)

static UCHAR Data[3 * PAGE_SIZE];
static const UCHAR Constant[64] = {1, 2, 3};

/* Locks Length bytes at Buffer, compares through a mapping, unlocks. FALSE: something was not as
 * promised. */
static BOOLEAN LockAndCompare(PVOID Buffer, ULONG Length, LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, NULL);
    UCHAR *Mapped;
    BOOLEAN Right;

    MmProbeAndLockPages(Mdl, KernelMode, Operation);
    Right = (Mdl->MdlFlags & MDL_PAGES_LOCKED) != 0 && Mdl->Process == NULL &&
            ((Mdl->MdlFlags & MDL_WRITE_OPERATION) != 0) == (Operation != IoReadAccess) &&
            (Mdl->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA)) == 0;
    Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    Right = Right && Mapped != NULL && Mapped != Buffer &&
            RtlCompareMemory(Mapped, Buffer, Length) == Length;
    if (Operation != IoReadAccess) {
        Mapped[Length - 1] ^= 0x5A;
        Right = Right && ((UCHAR *)Buffer)[Length - 1] == Mapped[Length - 1];
    }
    MmUnlockPages(Mdl);
    Right = Right && (Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)) == 0 &&
            !MmIsAddressValid(Mapped);
    IoFreeMdl(Mdl);
    return Right;
}

static VOID TestKinds(VOID)
{
    UCHAR Local[600] = {7};
    PUCHAR Paged = ExAllocatePool2(POOL_FLAG_PAGED, LENGTH, TAG);
    PUCHAR Small = ExAllocatePool2(POOL_FLAG_PAGED, 64, TAG);
    PUCHAR NonPaged = ExAllocatePool2(POOL_FLAG_NON_PAGED, LENGTH, TAG);

    KMT_CHECK(LockAndCompare(NonPaged + OFFSET, LENGTH - OFFSET, IoWriteAccess), "non-paged pool");
    KMT_CHECK(LockAndCompare(Paged + OFFSET, LENGTH - OFFSET, IoModifyAccess), "paged pool");
    KMT_CHECK(LockAndCompare(Small, 64, IoWriteAccess), "a small block");
    KMT_CHECK(LockAndCompare(Local, sizeof(Local), IoWriteAccess), "a stack");
    KMT_CHECK(LockAndCompare(Data + 5, sizeof(Data) - 5, IoWriteAccess), "a driver's data");
    KMT_CHECK(LockAndCompare((PVOID)Constant, sizeof(Constant), IoReadAccess), "its constants");
    KMT_CHECK(LockAndCompare((PVOID)(ULONG_PTR)KmtRun, 64, IoReadAccess), "and code, for reading");
    /* The version and what follows: the times at its beginning move meanwhile. */
    KMT_CHECK(LockAndCompare((PVOID)(KI_USER_SHARED_DATA + 0x26C), 64, IoReadAccess),
              "the shared page");
    ExFreePoolWithTag(Small, TAG);
    ExFreePoolWithTag(Paged, TAG);
    ExFreePoolWithTag(NonPaged, TAG);
}

static VOID TestNesting(VOID)
{
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, LENGTH, TAG);
    PMDL First = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);
    PMDL Second = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);

    MmProbeAndLockPages(First, KernelMode, IoReadAccess);
    MmProbeAndLockPages(Second, KernelMode, IoWriteAccess);
    MmUnlockPages(First);
    KMT_CHECK((Second->MdlFlags & MDL_PAGES_LOCKED) != 0, "one unlocked does not unlock the other");
    MmUnlockPages(Second);
    MmProbeAndLockPages(First, KernelMode, IoReadAccess);
    MmUnlockPages(First);
    IoFreeMdl(First);
    IoFreeMdl(Second);
    ExFreePoolWithTag(Buffer, TAG); /* pages with locks left would stop the machine here */
    KMT_CHECK(TRUE, "what was locked twice and unlocked twice can be freed");
}

static VOID TestPartial(VOID)
{
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_PAGED, LENGTH, TAG);
    PMDL Whole = IoAllocateMdl(Buffer + OFFSET, LENGTH - OFFSET, FALSE, FALSE, NULL);
    PMDL Part = IoAllocateMdl(Buffer + OFFSET, LENGTH - OFFSET, FALSE, FALSE, NULL);
    LONG Wrong = 0;
    PUCHAR Mapped;

    for (ULONG i = 0; i < LENGTH; i++) {
        Buffer[i] = (UCHAR)(i ^ i >> 8);
    }
    MmProbeAndLockPages(Whole, KernelMode, IoReadAccess);
    for (ULONG At = OFFSET; At + 700 < LENGTH; At += 1111) {
        IoBuildPartialMdl(Whole, Part, Buffer + At, 700);
        Wrong += (Part->MdlFlags & MDL_PARTIAL) == 0 ||
                 (Part->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARENT_MAPPED_SYSTEM_VA)) != 0 ||
                 MmGetMdlByteCount(Part) != 700 || MmGetMdlVirtualAddress(Part) != Buffer + At;
        Mapped = MmGetSystemAddressForMdlSafe(Part, NormalPagePriority);
        Wrong += Mapped == NULL || RtlCompareMemory(Mapped, Buffer + At, 700) != 700 ||
                 (Part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED) == 0;
    }
    KMT_EQUAL(Wrong, 0, "parts show their parts, and may be built anew while mapped");
    IoBuildPartialMdl(Whole, Part, Buffer + 3 * PAGE_SIZE + 9, 0);
    KMT_EQUAL(MmGetMdlByteCount(Part), 2 * PAGE_SIZE - 9, "length 0 is all that is left");
    Mapped = MmGetSystemAddressForMdlSafe(Whole, NormalPagePriority);
    IoBuildPartialMdl(Whole, Part, Buffer + 2 * PAGE_SIZE, PAGE_SIZE);
    KMT_CHECK((Part->MdlFlags & MDL_PARENT_MAPPED_SYSTEM_VA) != 0 &&
                  Part->MappedSystemVa == Mapped + 2 * PAGE_SIZE - OFFSET,
              "a part of a mapped MDL knows where it is");
    MmGetSystemAddressForMdlSafe(Part, NormalPagePriority);
    IoFreeMdl(Part); /* with its mapping */
    MmUnlockPages(Whole);
    IoFreeMdl(Whole);
    ExFreePoolWithTag(Buffer, TAG);
}

static VOID TestPartialOfNonPaged(VOID)
{
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, LENGTH, TAG);
    PMDL Whole = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);
    PMDL Part = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);

    MmBuildMdlForNonPagedPool(Whole);
    IoBuildPartialMdl(Whole, Part, Buffer + 5000, 100);
    KMT_CHECK(MmGetSystemAddressForMdlSafe(Part, NormalPagePriority) == Buffer + 5000,
              "a part of non-paged pool needs no mapping");
    KMT_EQUAL(Part->MdlFlags & (MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL),
              MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL, "and says why");
    IoFreeMdl(Part);
    IoFreeMdl(Whole);
    ExFreePoolWithTag(Buffer, TAG);
}

static VOID TestAdvance(VOID)
{
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, LENGTH, TAG);
    PMDL Mdl = IoAllocateMdl(Buffer + OFFSET, LENGTH - OFFSET, FALSE, FALSE, NULL);
    PUCHAR Mapped, Old;

    KMT_EQUAL(MmAdvanceMdl(Mdl, 1), STATUS_INVALID_PARAMETER_1, "no pages, no advance");
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    Old = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    KMT_EQUAL(MmAdvanceMdl(Mdl, LENGTH), STATUS_INVALID_PARAMETER_2, "nor beyond the end");
    KMT_EQUAL(MmAdvanceMdl(Mdl, 2 * PAGE_SIZE), STATUS_SUCCESS, "by two pages");
    Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    Mapped[0] = 0xA5;
    KMT_CHECK(MmGetMdlVirtualAddress(Mdl) == Buffer + OFFSET + 2 * PAGE_SIZE &&
                  Buffer[OFFSET + 2 * PAGE_SIZE] == 0xA5,
              "the MDL begins there");
    KMT_CHECK(Mapped == Old + 2 * PAGE_SIZE && !MmIsAddressValid(Old),
              "so does the mapping, which is shorter");
    KMT_EQUAL(MmAdvanceMdl(Mdl, 10), STATUS_SUCCESS, "within a page");
    KMT_EQUAL(MmGetMdlByteOffset(Mdl), OFFSET + 10, "the offset grows");
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Buffer, TAG);
}

static VOID TestChain(VOID)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);
    PMDL First = IoAllocateMdl(Data, 10, FALSE, FALSE, Irp);
    PMDL Second = IoAllocateMdl(Data, 20, TRUE, TRUE, Irp);
    PMDL Third = IoAllocateMdl(Data, 30, TRUE, FALSE, Irp);

    KMT_CHECK(Irp->MdlAddress == First && First->Next == Second && Second->Next == Third &&
                  Third->Next == NULL,
              "secondary MDLs follow");
    KMT_CHECK(IoAllocateMdl(Data, 0x80000000U, FALSE, FALSE, NULL) == NULL, "2 GB are too much");
    IoFreeMdl(Third);
    IoFreeMdl(Second);
    IoFreeMdl(First);
    Irp->MdlAddress = NULL;
    IoFreeIrp(Irp);
}

static VOID TestReserved(VOID)
{
    PUCHAR Reserved = MmAllocateMappingAddress(2 * PAGE_SIZE, TAG), Mapped;
    PMDL Large = IoAllocateMdl(Data, sizeof(Data), FALSE, FALSE, NULL);
    LONG Wrong = 0;

    MmProbeAndLockPages(Large, KernelMode, IoWriteAccess);
    KMT_CHECK(MmMapLockedPagesWithReservedMapping(Reserved, TAG, Large, MmCached) == NULL,
              "more pages than reserved do not fit");
    MmUnlockPages(Large);
    for (LONG i = 0; i < 1000; i++) {
        PMDL Mdl = IoAllocateMdl(Data + i, PAGE_SIZE / 2, FALSE, FALSE, NULL);

        MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
        Mapped = MmMapLockedPagesWithReservedMapping(Reserved, TAG, Mdl, MmCached);
        Wrong += PAGE_ALIGN(Mapped) != Reserved;
        Mapped[0] = (UCHAR)i;
        Wrong += Data[i] != (UCHAR)i;
        MmUnmapReservedMapping(Mapped, TAG, Mdl);
        Wrong += MmIsAddressValid(Reserved) || (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
        MmUnlockPages(Mdl);
        IoFreeMdl(Mdl);
    }
    KMT_EQUAL(Wrong, 0, "reserved addresses are used again and again");
    KMT_CHECK(!MmIsAddressValid(Reserved - 1) && !MmIsAddressValid(Reserved + 2 * PAGE_SIZE),
              "nothing is beside them");
    MmFreeMappingAddress(Reserved, TAG);
    KMT_CHECK(MmAllocateMappingAddress((SIZE_T)1 << 40, TAG) == NULL, "a terabyte is too much");
    IoFreeMdl(Large);
}

static VOID TestProtection(VOID)
{
    PMDL Mdl = IoAllocateMdl(Data, PAGE_SIZE, FALSE, FALSE, NULL);
    UCHAR *Mapped;

    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    KMT_EQUAL(MmProtectMdlSystemAddress(Mdl, PAGE_READONLY), STATUS_NOT_MAPPED_VIEW,
              "no mapping, no protection");
    Mapped = MmMapLockedPages(Mdl, KernelMode);
    KMT_EQUAL(MmProtectMdlSystemAddress(Mdl, PAGE_EXECUTE_READWRITE),
              STATUS_INVALID_PAGE_PROTECTION, "writable code is refused");
    KMT_EQUAL(MmProtectMdlSystemAddress(Mdl, 0x1234), STATUS_INVALID_PAGE_PROTECTION,
              "nonsense too");
    KMT_EQUAL(MmProtectMdlSystemAddress(Mdl, PAGE_NOACCESS), STATUS_SUCCESS, "no access");
    KMT_CHECK(!MmIsAddressValid(Mapped), "is none");
    KMT_EQUAL(MmProtectMdlSystemAddress(Mdl, PAGE_READWRITE), STATUS_SUCCESS, "and access again");
    Mapped[3] = 99;
    KMT_EQUAL(Data[3], 99, "writes");
    MmUnmapLockedPages(Mapped, Mdl);
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
}

static VOID TestCopy(VOID)
{
    static UCHAR Copy[2 * PAGE_SIZE];
    PUCHAR Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, PAGE_SIZE, TAG);
    MM_COPY_ADDRESS Source = {.VirtualAddress = Data + 3};
    SIZE_T Done = 1;

    Data[3] = 33;
    KMT_CHECK(MmCopyMemory(Copy, Source, PAGE_SIZE + 9, MM_COPY_MEMORY_VIRTUAL, &Done) ==
                      STATUS_SUCCESS &&
                  Done == PAGE_SIZE + 9 && RtlCompareMemory(Copy, Data + 3, Done) == Done,
              "a copy of what is there");
    Source.VirtualAddress = Block + 96;
    KMT_EQUAL(MmCopyMemory(Copy, Source, PAGE_SIZE, MM_COPY_MEMORY_VIRTUAL, &Done),
              STATUS_PARTIAL_COPY, "a copy of what is there in part");
    KMT_EQUAL(Done, PAGE_SIZE - 96, "says how much");
    Source.VirtualAddress = NULL;
    KMT_EQUAL(MmCopyMemory(Copy, Source, 8, MM_COPY_MEMORY_VIRTUAL, &Done), STATUS_ACCESS_VIOLATION,
              "nothing is there");
    Source.PhysicalAddress = MmGetPhysicalAddress(Data + 3);
    KMT_CHECK(NT_SUCCESS(MmCopyMemory(Copy, Source, 9, MM_COPY_MEMORY_PHYSICAL, &Done)) &&
                  Done == 9 && Copy[0] == 33,
              "a physical copy");
    Source.PhysicalAddress.QuadPart = (LONGLONG)1 << 50;
    KMT_EQUAL(MmCopyMemory(Copy, Source, 8, MM_COPY_MEMORY_PHYSICAL, &Done), STATUS_INVALID_ADDRESS,
              "no RAM");
    KMT_EQUAL(MmCopyMemory(Copy, Source, 8, 0, &Done), STATUS_INVALID_PARAMETER_4, "no kind");
    KMT_EQUAL(MmCopyMemory(Copy, Source, 8, 3, &Done), STATUS_INVALID_PARAMETER_4, "two kinds");
    ExFreePoolWithTag(Block, TAG);
}

static VOID TestPhysical(VOID)
{
    PPHYSICAL_MEMORY_RANGE Ranges = MmGetPhysicalMemoryRanges();
    PHYSICAL_ADDRESS Address = MmGetPhysicalAddress(Data);
    LONGLONG End = 0;
    LONG Wrong = 0, Inside = 0;
    ULONG Count = 0;
    PUCHAR Alias;

    for (; Ranges[Count].NumberOfBytes.QuadPart != 0; Count++) {
        Wrong += Ranges[Count].BaseAddress.QuadPart < End;
        End = Ranges[Count].BaseAddress.QuadPart + Ranges[Count].NumberOfBytes.QuadPart;
        Inside += Address.QuadPart >= Ranges[Count].BaseAddress.QuadPart && Address.QuadPart < End;
    }
    KMT_CHECK(Count != 0 && Wrong == 0, "ranges ascend");
    KMT_EQUAL(Inside, 1, "one has our page");
    ExFreePool(Ranges);
    Alias = MmGetVirtualForPhysical(Address);
    Data[0] = 17;
    KMT_CHECK(Alias != NULL && Alias[0] == 17, "a physical address has a virtual one");
    Address.QuadPart = (LONGLONG)1 << 50;
    KMT_CHECK(MmGetVirtualForPhysical(Address) == NULL, "unless it is no RAM");
}

static VOID KmtRun(VOID)
{
    TestKinds();
    TestNesting();
    TestPartial();
    TestPartialOfNonPaged();
    TestAdvance();
    TestChain();
    TestReserved();
    TestProtection();
    TestCopy();
    TestPhysical();
}
