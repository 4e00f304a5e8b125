/*
 * Measures: pages of a buffer locked and unlocked, mapped and unmapped; contiguous memory allocated
 * and freed.
 */
#include "bench.h"

static VOID MeasureLock(PCSTR Name, PVOID Buffer, ULONG Bytes)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Bytes, FALSE, FALSE, NULL);

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
        MmUnlockPages(Mdl);
        BenchStop();
    }
    BenchReport(Name);
    IoFreeMdl(Mdl);
}

static VOID MeasureMap(PCSTR Name, PVOID Buffer, ULONG Bytes)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Bytes, FALSE, FALSE, NULL);

    MmBuildMdlForNonPagedPool(Mdl);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        MmUnmapLockedPages(MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                                        NormalPagePriority),
                           Mdl);
        BenchStop();
    }
    BenchReport(Name);
    IoFreeMdl(Mdl);
}

static VOID MeasureContiguous(PCSTR Name, SIZE_T Bytes)
{
    PHYSICAL_ADDRESS Any = {.QuadPart = -1};

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        MmFreeContiguousMemory(MmAllocateContiguousMemory(Bytes, Any));
        BenchStop();
    }
    BenchReport(Name);
}

static VOID BenchRun(VOID)
{
    PVOID Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16 * PAGE_SIZE, BENCH_TAG);

    MeasureLock("lock1", Buffer, PAGE_SIZE);
    MeasureLock("lock16", Buffer, 16 * PAGE_SIZE);
    MeasureMap("map1", Buffer, PAGE_SIZE);
    MeasureMap("map16", Buffer, 16 * PAGE_SIZE);
    MeasureContiguous("contiguous16", 16 * PAGE_SIZE);
    ExFreePoolWithTag(Buffer, BENCH_TAG);
}
