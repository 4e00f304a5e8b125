/*
 * Measures: allocating a block of memory and freeing it.
 */
#include "bench.h"

static VOID MeasurePool(PCSTR Name, SIZE_T Bytes)
{
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExFreePoolWithTag(ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, BENCH_TAG), BENCH_TAG);
        BenchStop();
    }
    BenchReport(Name);
}

static VOID MeasureLookaside(VOID)
{
    static NPAGED_LOOKASIDE_LIST List;

    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, 64, BENCH_TAG, 0);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExFreeToNPagedLookasideList(&List, ExAllocateFromNPagedLookasideList(&List));
        BenchStop();
    }
    ExDeleteNPagedLookasideList(&List);
    BenchReport("lookaside");
}

static VOID MeasureLookasideEx(VOID)
{
    static LOOKASIDE_LIST_EX List;

    ExInitializeLookasideListEx(&List, NULL, NULL, NonPagedPoolNx, 0, 64, BENCH_TAG, 0);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExFreeToLookasideListEx(&List, ExAllocateFromLookasideListEx(&List));
        BenchStop();
    }
    ExDeleteLookasideListEx(&List);
    BenchReport("lookasideex");
}

static VOID MeasureFlags(PCSTR Name, POOL_FLAGS Flags)
{
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExFreePoolWithTag(ExAllocatePool2(Flags, 64, BENCH_TAG), BENCH_TAG);
        BenchStop();
    }
    BenchReport(Name);
}

static VOID MeasureSecure(VOID)
{
    POOL_EXTENDED_PARAMS_SECURE_POOL Secure = {0};
    POOL_EXTENDED_PARAMETER Parameter = {0};
    UCHAR Value[64] = {0};
    HANDLE Pool;
    PVOID Block;

    ExCreatePool(POOL_CREATE_FLG_SECURE_POOL, BENCH_TAG, NULL, &Pool);
    Secure.SecurePoolHandle = Pool;
    Secure.SecurePoolFlags = SECURE_POOL_FLAGS_MODIFIABLE;
    Parameter.Type = PoolExtendedParameterSecurePool;
    Parameter.SecurePoolParams = &Secure;
    Block = ExAllocatePool3(POOL_FLAG_NON_PAGED, 4096, BENCH_TAG, &Parameter, 1);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExSecurePoolUpdate(Pool, BENCH_TAG, Block, 0, 100, sizeof(Value), Value);
        BenchStop();
    }
    ExDestroyPool(Pool);
    BenchReport("secureupdate");
}

static VOID MeasureParameters(VOID)
{
    POOL_EXTENDED_PARAMETER Parameter = {0};

    Parameter.Type = PoolExtendedParameterPriority;
    Parameter.Priority = HighPoolPriority;
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ExFreePoolWithTag(ExAllocatePool3(POOL_FLAG_NON_PAGED, 64, BENCH_TAG, &Parameter, 1),
                          BENCH_TAG);
        BenchStop();
    }
    BenchReport("pool3");
}

static VOID BenchRun(VOID)
{
    MeasurePool("pool32", 32);
    MeasurePool("pool64", 64);
    MeasurePool("pool4k", 4096);
    MeasureLookaside();
    MeasureLookasideEx();
    MeasureFlags("pool2", POOL_FLAG_NON_PAGED);
    MeasureParameters();
    MeasureSecure();
    MeasureFlags("poolquota", POOL_FLAG_NON_PAGED | POOL_FLAG_USE_QUOTA);
    MeasureFlags("poolspecial", POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL);
}
