/*
 * Promises: a process is charged for quota allocations until they are freed, by whatever thread;
 * what fails has charged nothing. With a limit, set on the console for the service named
 * poollimited (test_pools.py), the allocation that would exceed it fails, and only until something
 * is freed.
 */
#include "kmt.h"

#define TAG 'auQP' /* "PQua" */
#define BLOCKS 2000
#define LIMIT 0x10000 /* what poollimited has to itself */

static PVOID Blocks[BLOCKS];

static PVOID Allocate(POOL_TYPE Type, SIZE_T Bytes)
{
    return ExAllocatePoolWithQuotaTag((POOL_TYPE)(Type | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE), Bytes,
                                      TAG);
}

static VOID NTAPI FreeAll(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < BLOCKS; i++) {
        if (Blocks[i] != NULL) {
            ExFreePoolWithTag(Blocks[i], TAG);
            Blocks[i] = NULL;
        }
    }
}

/* Sizes around all that makes a difference: classes, pages, runs. */
static SIZE_T SizeOf(ULONG i)
{
    static const SIZE_T Sizes[] = {1, 64, 500, 4016, 4017, 4096, 9000};

    return Sizes[i % RTL_NUMBER_OF(Sizes)];
}

static VOID TestBlocks(VOID)
{
    LONG Missing = 0;

    for (ULONG i = 0; i < BLOCKS; i++) {
        Blocks[i] =
            i % 2 == 0 ? Allocate(i % 4 == 0 ? PagedPool : NonPagedPoolNx, SizeOf(i))
                       : ExAllocatePool2(POOL_FLAG_USE_QUOTA | POOL_FLAG_NON_PAGED, SizeOf(i), TAG);
        Missing += Blocks[i] == NULL;
    }
    KMT_EQUAL(Missing, 0, "without a limit there is memory for all");
    KmtJoin(KmtStartThread(FreeAll, NULL));
    KMT_CHECK(Allocate(PagedPool, (SIZE_T)1 << 40) == NULL, "more than there is: refused");
    KMT_CHECK(ExAllocatePool2(POOL_FLAG_USE_QUOTA | POOL_FLAG_PAGED, (SIZE_T)1 << 40, TAG) == NULL,
              "more than there is, by flag: refused");
    Blocks[0] = ExAllocatePoolQuotaZero(PagedPool, 300, TAG);
    Blocks[1] = ExAllocatePoolWithQuota(NonPagedPoolNx, 300);
    KMT_CHECK(Blocks[0] != NULL && Blocks[1] != NULL, "what raises, raises only on failure");
    ExFreePool(Blocks[0]);
    ExFreePoolWithTag(Blocks[1], 'enoN');
    Blocks[0] = Blocks[1] = NULL;
}

static VOID TestCharges(VOID)
{
    PEPROCESS Process = PsGetCurrentProcess();

    KMT_EQUAL(PsChargeProcessPoolQuota(Process, PagedPool, 1000), STATUS_SUCCESS, "a charge");
    KMT_EQUAL(PsChargeProcessPoolQuota(Process, PagedPool, ~(ULONG_PTR)0), STATUS_QUOTA_EXCEEDED,
              "more than can be counted: refused");
    PsReturnPoolQuota(Process, PagedPool, 1000);
}

static ULONG FillUp(POOL_TYPE Type)
{
    ULONG Count = 0;

    while (Count < BLOCKS && (Blocks[Count] = Allocate(Type, 4096)) != NULL) {
        Count++;
    }
    return Count;
}

static VOID TestLimit(POOL_TYPE Type)
{
    PEPROCESS Process = PsGetCurrentProcess();

    KMT_EQUAL(FillUp(Type), LIMIT / 4096, "as many pages as the limit allows");
    KMT_CHECK(Allocate(Type, 1) == NULL, "not a byte more");
    KMT_CHECK(ExAllocatePool2(POOL_FLAG_USE_QUOTA |
                                  (Type == PagedPool ? POOL_FLAG_PAGED : POOL_FLAG_NON_PAGED),
                              1, TAG) == NULL,
              "not a byte more, by flag");
    KMT_EQUAL(PsChargeProcessPoolQuota(Process, Type, 1), STATUS_QUOTA_EXCEEDED,
              "not a byte more, directly");
    ExFreePoolWithTag(Blocks[0], TAG);
    Blocks[0] = Allocate(Type, 4096);
    KMT_CHECK(Blocks[0] != NULL, "a page freed is a page to be had");
    KmtJoin(KmtStartThread(FreeAll, NULL));
    KMT_EQUAL(FillUp(Type), LIMIT / 4096, "all over again");
    FreeAll(NULL);
}

static VOID KmtRun(VOID)
{
    UNICODE_STRING Limited = RTL_CONSTANT_STRING(L"\\Driver\\poollimited");

    if (RtlEqualUnicodeString(&KmtDriverObject->DriverName, &Limited, TRUE)) {
        TestLimit(PagedPool);
        TestLimit(NonPagedPoolNx);
        return;
    }
    TestBlocks();
    TestCharges();
}
