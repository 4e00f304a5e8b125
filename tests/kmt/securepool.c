/*
 * Promises: the contents of a block of a secure pool are those it was allocated with, and change by
 * ExSecurePoolUpdate only; whoever has the wrong handle, tag, cookie or range is refused and told;
 * no writable mapping of it can be made; extended parameters are understood or refused; all of it
 * comes back.
 */
#include "kmt.h"

#define TAG 'ceSK' /* "KSec" */
#define COOKIE 0x1234567890ABCDEFULL
#define SIZE 10000
#define THREADS 3
#define STEPS 20

static HANDLE Pool;
static UCHAR Contents[SIZE], Changed[SIZE];

static PVOID AllocateFrom(HANDLE Handle, POOL_FLAGS Flags, SIZE_T Size, PVOID Buffer, ULONG Secure)
{
    POOL_EXTENDED_PARAMS_SECURE_POOL Params = {0};
    POOL_EXTENDED_PARAMETER Parameter = {0};

    Params.SecurePoolHandle = Handle;
    Params.Buffer = Buffer;
    Params.Cookie = COOKIE;
    Params.SecurePoolFlags = Secure;
    Parameter.Type = PoolExtendedParameterSecurePool;
    Parameter.SecurePoolParams = &Params;
    return ExAllocatePool3(Flags, Size, TAG, &Parameter, 1);
}

static VOID Free(PVOID Block)
{
    POOL_EXTENDED_PARAMS_SECURE_POOL Params = {0};
    POOL_EXTENDED_PARAMETER Parameter = {0};

    Params.SecurePoolHandle = Pool;
    Params.Cookie = COOKIE;
    Parameter.Type = PoolExtendedParameterSecurePool;
    Parameter.SecurePoolParams = &Params;
    ExFreePool2(Block, TAG, &Parameter, 1);
}

static BOOLEAN IsSame(const VOID *Block, const VOID *Other, SIZE_T Size)
{
    return (BOOLEAN)(RtlCompareMemory(Block, Other, Size) == Size);
}

static VOID TestPools(VOID)
{
    POOL_CREATE_EXTENDED_PARAMS Params = {POOL_CREATE_PARAMS_VERSION};
    HANDLE Other;

    KMT_EQUAL(ExCreatePool(0, TAG, NULL, &Other), STATUS_INVALID_PARAMETER, "no flags");
    KMT_EQUAL(ExCreatePool(8, TAG, NULL, &Other), STATUS_INVALID_PARAMETER, "other flags");
    KMT_EQUAL(ExCreatePool(POOL_CREATE_FLG_SECURE_POOL, 0, NULL, &Other), STATUS_INVALID_PARAMETER,
              "no tag");
    Params.Version = 77;
    KMT_EQUAL(ExCreatePool(POOL_CREATE_FLG_SECURE_POOL, TAG, &Params, &Other),
              STATUS_INVALID_PARAMETER, "another version");
    Params.Version = POOL_CREATE_PARAMS_VERSION;
    KMT_EQUAL(ExCreatePool(POOL_CREATE_FLG_SECURE_POOL, TAG, &Params, &Pool), STATUS_SUCCESS,
              "a pool");
    KMT_CHECK(AllocateFrom((PUCHAR)Pool + 8, POOL_FLAG_NON_PAGED, 8, NULL, 0) == NULL,
              "no pool: no memory");
    KMT_CHECK(AllocateFrom(Pool, POOL_FLAG_PAGED, 8, NULL, 0) == NULL, "not from paged pool");
    KMT_CHECK(AllocateFrom(Pool, POOL_FLAG_NON_PAGED, 0, NULL, 0) == NULL, "not nothing");
    KMT_CHECK(AllocateFrom(Pool, POOL_FLAG_NON_PAGED, 8, NULL, 8) == NULL, "not with other flags");
    KMT_CHECK(AllocateFrom(Pool, POOL_FLAG_NON_PAGED, (SIZE_T)1 << 40, NULL, 0) == NULL,
              "not more than there is");
}

static VOID TestUpdates(VOID)
{
    UCHAR *Block = AllocateFrom(Pool, POOL_FLAG_NON_PAGED, SIZE, Contents,
                                SECURE_POOL_FLAGS_FREEABLE | SECURE_POOL_FLAGS_MODIFIABLE);
    UCHAR *Fixed = AllocateFrom(Pool, POOL_FLAG_NON_PAGED, 8, NULL, 0);

    KMT_CHECK(IsSame(Block, Contents, SIZE), "it has the contents it was given");
    KMT_CHECK(*(PULONG64)Fixed == 0, "or zeros");
    KMT_EQUAL(ExSecurePoolValidate(Pool, TAG, Block, COOKIE), STATUS_SUCCESS, "it is valid");
    KMT_EQUAL(ExSecurePoolValidate(NULL, TAG, Block, COOKIE), STATUS_INVALID_HANDLE, "no handle");
    KMT_EQUAL(ExSecurePoolValidate(Pool, 'rehO', Block, COOKIE), STATUS_INVALID_PARAMETER,
              "another tag");
    KMT_EQUAL(ExSecurePoolValidate(Pool, TAG, Block + 16, COOKIE), STATUS_INVALID_PARAMETER,
              "another address");
    KMT_EQUAL(ExSecurePoolValidate(Pool, TAG, Block, COOKIE + 1), STATUS_ACCESS_DENIED,
              "another cookie");
    KMT_EQUAL(ExSecurePoolUpdate(Pool, TAG, Block, COOKIE + 1, 0, 1, Changed), STATUS_ACCESS_DENIED,
              "no update with another cookie");
    KMT_EQUAL(ExSecurePoolUpdate(Pool, TAG, Fixed, COOKIE, 0, 1, Changed), STATUS_ACCESS_DENIED,
              "no update of what is not modifiable");
    KMT_EQUAL(ExSecurePoolUpdate(Pool, TAG, Block, COOKIE, SIZE, 1, Changed),
              STATUS_INVALID_BUFFER_SIZE, "no update behind the end");
    KMT_EQUAL(ExSecurePoolUpdate(Pool, TAG, Block, COOKIE, 1, ~(SIZE_T)0, Changed),
              STATUS_INVALID_BUFFER_SIZE, "nor of all memory");
    KMT_EQUAL(ExSecurePoolUpdate(Pool, TAG, Block, COOKIE, ~(SIZE_T)0, 2, Changed),
              STATUS_INVALID_BUFFER_SIZE, "nor around its end");
    KMT_CHECK(IsSame(Block, Contents, SIZE), "what is refused changes nothing");
    KMT_EQUAL(ExSecurePoolUpdate(Pool, TAG, Block, COOKIE, SIZE, 0, Changed), STATUS_SUCCESS,
              "nothing, at the end");
    KMT_EQUAL(ExSecurePoolUpdate(Pool, TAG, Block, COOKIE, 4000, 5000, Changed + 4000),
              STATUS_SUCCESS, "over pages");
    KMT_CHECK(IsSame(Block, Contents, 4000) && IsSame(Block + 4000, Changed + 4000, 5000) &&
                  IsSame(Block + 9000, Contents + 9000, 1000),
              "exactly what was to change has");
    Free(Block);
    KMT_EQUAL(ExSecurePoolValidate(Pool, TAG, Block, COOKIE), STATUS_INVALID_PARAMETER,
              "freed, it is not valid");
}

static VOID TestMappings(VOID)
{
    PVOID Block = AllocateFrom(Pool, POOL_FLAG_NON_PAGED, 4096, NULL, SECURE_POOL_FLAGS_FREEABLE);
    PMDL Mdl = IoAllocateMdl(Block, 4096, FALSE, FALSE, NULL);
    PHYSICAL_ADDRESS Address = MmGetPhysicalAddress(Block);

    KMT_CHECK(MmMapIoSpace(Address, 4096, MmCached) == NULL, "no mapping by physical address");
    MmBuildMdlForNonPagedPool(Mdl);
    KMT_CHECK(MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                           NormalPagePriority) == NULL,
              "no mapping by an MDL");
    PVOID Reserved = MmAllocateMappingAddress(4096, TAG);
    KMT_CHECK(MmMapLockedPagesWithReservedMapping(Reserved, TAG, Mdl, MmCached) == NULL,
              "nor where addresses are reserved");
    MmFreeMappingAddress(Reserved, TAG);
    PVOID Mapped = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                                NormalPagePriority | MdlMappingNoWrite);
    KMT_CHECK(Mapped != NULL, "but a mapping to read");
    KMT_EQUAL(MmProtectMdlSystemAddress(Mdl, PAGE_READWRITE), STATUS_INVALID_PAGE_PROTECTION,
              "which is never to write");
    KMT_EQUAL(MmProtectMdlSystemAddress(Mdl, PAGE_READONLY), STATUS_SUCCESS, "it may stay so");
    MmUnmapLockedPages(Mapped, Mdl);
    IoFreeMdl(Mdl);
    Free(Block);
}

static VOID TestParameters(VOID)
{
    POOL_EXTENDED_PARAMETER P[3];
    PVOID Block;

    RtlZeroMemory(P, sizeof(P));
    P[0].Type = PoolExtendedParameterPriority;
    P[0].Priority = NormalPoolPrioritySpecialPoolOverrun;
    P[1].Type = PoolExtendedParameterNumaNode;
    P[1].PreferredNode = 0;
    P[2].Type = 99;
    Block = ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, P, 2);
    KMT_CHECK(Block != NULL && BYTE_OFFSET(Block) == PAGE_SIZE - 112, "priority and node");
    ExFreePool2(Block, TAG, NULL, 0);
    KMT_CHECK(ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, P, 3) == NULL, "an unknown one: refused");
    P[2].Optional = 1;
    Block = ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, P, 3);
    KMT_CHECK(Block != NULL, "unless it is optional");
    ExFreePoolWithTag(Block, TAG);
    P[1].PreferredNode = 1;
    KMT_CHECK(ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, P, 2) == NULL, "another node: refused");
    P[1] = P[0];
    KMT_CHECK(ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, P, 2) == NULL, "the same twice: refused");
    P[0].Priority = (EX_POOL_PRIORITY)3;
    KMT_CHECK(ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, P, 1) == NULL, "no such priority");
    KMT_CHECK(ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, NULL, 1) == NULL, "one that is not there");
    Block = ExAllocatePool3(POOL_FLAG_NON_PAGED, 100, TAG, NULL, 0);
    KMT_CHECK(Block != NULL && *(PULONG)Block == 0, "none at all");
    ExFreePool(Block);
}

static volatile LONG Torn;

/* Each has a block of its own; all of them the page tables. */
static VOID NTAPI Stress(PVOID Context)
{
    UCHAR Value[4200];
    UCHAR *Block = NULL;

    UNREFERENCED_PARAMETER(Context);
    for (ULONG Step = 0; Step < STEPS; Step++) {
        if (Block == NULL) {
            Block = AllocateFrom(Pool, POOL_FLAG_NON_PAGED, 8192, Contents,
                                 SECURE_POOL_FLAGS_FREEABLE | SECURE_POOL_FLAGS_MODIFIABLE);
        }
        RtlFillMemory(Value, sizeof(Value), Step);
        ExSecurePoolUpdate(Pool, TAG, Block, COOKIE, 2000, sizeof(Value), Value);
        if (!IsSame(Block + 2000, Value, sizeof(Value))) {
            InterlockedIncrement(&Torn);
        }
        if (Step % 5 == 4) {
            Free(Block);
            Block = NULL;
        }
    }
}

static VOID TestStress(VOID)
{
    PETHREAD Threads[THREADS];

    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Stress, NULL);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Torn, 0, "an update is there when it is over");
}

static VOID KmtRun(VOID)
{
    for (ULONG i = 0; i < SIZE; i++) {
        Contents[i] = (UCHAR)(i * 7);
        Changed[i] = (UCHAR)(i * 11);
    }
    TestParameters();
    TestPools();
    TestUpdates();
    TestMappings();
    TestStress();
    ExDestroyPool(Pool);
    KMT_EQUAL(ExSecurePoolValidate(Pool, TAG, Contents, 0), STATUS_INVALID_HANDLE, "destroyed");
}
