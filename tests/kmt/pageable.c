/*
 * MACHINE: debug=1 cmdline=pageable=1
 * Promises: memory that vanishes changes no result: instructions that touch several pages at once,
 * string instructions, those that push and pop flags, in pageable code and with pageable data, on
 * every processor at once, while interrupts come; locked sections and buffers can be used at
 * DISPATCH_LEVEL.
 */
#include "kmt.h"

#define TAG 'tseT'
#define LENGTH (4 * PAGE_SIZE)

static UCHAR Copy[LENGTH];

__attribute__((section("PAGE"), noinline)) static ULONG64 PagedFlags(VOID)
{
    ULONG64 Flags;
    __asm__ volatile("pushfq; pop %0" : "=r"(Flags));
    return Flags;
}

/* Pops the flags it has pushed, and lets interrupts in that were in already; the flags then. */
__attribute__((section("PAGE"), noinline)) static ULONG64 PagedPop(VOID)
{
    ULONG64 Flags;
    __asm__ volatile("pushfq; popfq; sti; pushfq; pop %0" : "=r"(Flags));
    return Flags;
}

__attribute__((section("PAGE"), noinline)) static ULONG PagedSum(const UCHAR *Bytes, ULONG Length)
{
    ULONG Sum = 0;
    for (ULONG i = 0; i < Length; i++) {
        Sum = Sum * 31 + Bytes[i];
    }
    return Sum;
}

__attribute__((section("PAGEDATA"))) static volatile LONG PagedData = 42;

static VOID TestFlags(VOID)
{
    LONG Wrong = 0;

    for (LONG i = 0; i < 1000; i++) {
        Wrong += (PagedFlags() & 0x300) != 0x200; /* interrupts on, no trap flag */
        Wrong += (PagedPop() & 0x300) != 0x200;
    }
    KMT_EQUAL(Wrong, 0, "pageable code sees the flags as they are");
}

static VOID TestCopies(VOID)
{
    PUCHAR Source = ExAllocatePool2(POOL_FLAG_PAGED, LENGTH, TAG);
    PUCHAR Target = ExAllocatePool2(POOL_FLAG_PAGED, LENGTH, TAG);
    ULONG64 *Across = (ULONG64 *)(Target + PAGE_SIZE - 4);
    PUCHAR To = Target + 3, From = Source + 1;
    ULONG_PTR Count = LENGTH - 8;

    for (ULONG i = 0; i < LENGTH; i++) {
        Source[i] = Copy[i] = (UCHAR)(i * 7 ^ i >> 5);
    }
    __asm__ volatile("rep movsb" : "+D"(To), "+S"(From), "+c"(Count) : : "memory");
    KMT_CHECK(RtlCompareMemory(Target + 3, Copy + 1, LENGTH - 8) == LENGTH - 8 &&
                  To == Target + 3 + LENGTH - 8,
              "a string instruction over pages");
    KMT_EQUAL(PagedSum(Source, LENGTH), PagedSum(Copy, LENGTH), "pageable code, pageable data");
    *Across = 0x1122334455667788ULL;
    InterlockedExchangeAdd64((LONG64 *)Across, 1);
    KMT_CHECK(*Across == 0x1122334455667789ULL, "a locked operation over two pages");
    __asm__ volatile("pushq (%0); popq 8(%0)" : : "r"(Target + 2 * PAGE_SIZE - 12) : "memory");
    KMT_CHECK(RtlCompareMemory(Target + 2 * PAGE_SIZE - 12, Target + 2 * PAGE_SIZE - 4, 8) == 8,
              "pushed and popped");
    ExFreePoolWithTag(Source, TAG);
    ExFreePoolWithTag(Target, TAG);
}

static VOID TestLocked(VOID)
{
    /* A page that nobody shares, and so nobody else makes come back for an instruction. */
    PUCHAR Block = ExAllocatePool2(POOL_FLAG_PAGED, PAGE_SIZE, TAG);
    PMDL Mdl = IoAllocateMdl(Block, 200, FALSE, FALSE, NULL);
    PVOID Code = MmLockPagableCodeSection(PagedSum);
    PVOID Data = MmLockPagableDataSection((PVOID)&PagedData);
    volatile UCHAR *Mapped;
    KIRQL OldIrql;

    KMT_CHECK(MmIsAddressValid(Block), "what has vanished is valid, since it comes back");
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Mapped[5] = 55;
    PagedData += Block[5] == 55;
    PagedSum(Copy, 100);
    KeLowerIrql(OldIrql);
    KMT_EQUAL(PagedData, 43, "locked buffers, code and data are there at DISPATCH_LEVEL");
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    MmLockPagableSectionByHandle(Code);
    MmUnlockPagableImageSection(Code);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    PagedSum(Copy, 100);
    KMT_CHECK(!MmIsAddressValid(Block), "what has been unlocked is not");
    KeLowerIrql(OldIrql);
    MmUnlockPagableImageSection(Code);
    MmUnlockPagableImageSection(Data);
    ExFreePoolWithTag(Block, TAG);
    Code = MmLockPagableDataSection((PVOID)(ULONG_PTR)KmtRun);
    MmUnlockPagableImageSection(Code);
    KMT_CHECK(MmPageEntireDriver((PVOID)(ULONG_PTR)KmtRun) != NULL, "the whole driver pageable");
    PagedSum(Copy, 100);
    MmResetDriverPaging((PVOID)(ULONG_PTR)KmtRun);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Copy[0]++;
    KeLowerIrql(OldIrql);
    KMT_CHECK(TRUE, "and back");
}

static volatile LONG Errors;
static PUCHAR Shared;

/* Allocates, fills, checks and frees; adds to counters that all share a page. */
static VOID NTAPI Worker(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context * 77 + 1;

    for (LONG i = 0; i < 150; i++) {
        ULONG Length = KmtRandom(&Seed) % 5000 + 1;
        PUCHAR Block = ExAllocatePool2(POOL_FLAG_PAGED, Length, TAG);

        if (Block == NULL) {
            InterlockedIncrement(&Errors);
            continue;
        }
        RtlFillMemory(Block, Length, (UCHAR)i);
        InterlockedIncrement((PLONG)(Shared + 64));
        if (Block[0] != (UCHAR)i || Block[Length / 2] != (UCHAR)i ||
            Block[Length - 1] != (UCHAR)i || (PagedFlags() & 0x300) != 0x200) {
            InterlockedIncrement(&Errors);
        }
        ExFreePoolWithTag(Block, TAG);
    }
}

static VOID TestManyThreads(VOID)
{
    PETHREAD Threads[16];
    ULONG Count = min(KmtProcessors() * 2, 16U);

    Shared = ExAllocatePool2(POOL_FLAG_PAGED, PAGE_SIZE, TAG);
    for (ULONG i = 0; i < Count; i++) {
        Threads[i] = KmtStartThread(Worker, (PVOID)(ULONG_PTR)(i + 1));
    }
    for (ULONG i = 0; i < Count; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Errors, 0, "threads on all processors find what they wrote");
    KMT_EQUAL(*(PLONG)(Shared + 64), Count * 150, "and lose no count");
    ExFreePoolWithTag(Shared, TAG);
}

static VOID KmtRun(VOID)
{
    TestFlags();
    TestCopies();
    TestLocked();
    TestManyThreads();
}
