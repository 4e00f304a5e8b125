/*
 * poolrequest.c - the pools' general path: requests that are large, charged, guarded, executable,
 * of low priority, or to fail.
 *
 * A request that fails has changed nothing: what it was charged is returned.
 */
#include "pool.h"
#include "stacktrace.h"

/* Type bits of the old interface that are not in a plain type. */
#define EX_TYPE_MUST_SUCCEED 2
#define EX_TYPE_CACHE_ALIGNED 4
#define EX_TYPE_SESSION 32

/* With fewer free pages than all / this, requests of low and of normal priority fail. */
#define EX_LOW_PRIORITY_SHARE 32
#define EX_NORMAL_PRIORITY_SHARE 128
#define EX_PRIORITY_SPECIAL 0x8 /* in an EX_POOL_PRIORITY */
#define EX_PRIORITY_UNDERRUN 0x1

/* `poolnx=0`: type 0 is executable, as on Windows 10 without memory integrity. */
static BOOLEAN ExpTypeZeroExecutes;

void ExpReadPoolOptions(void)
{
    ULONG64 Value;

    ExpTypeZeroExecutes = (BOOLEAN)(KiQueryBootOption("poolnx", &Value) && Value == 0);
}

BOOLEAN ExpIsTypeZeroExecutable(void)
{
    return ExpTypeZeroExecutes;
}

BOOLEAN ExpParsePoolType(ULONG PoolType, PEX_POOL_REQUEST Request)
{
    if (PoolType & EX_TYPE_MUST_SUCCEED) {
        ExpBadCaller(EX_BAD_MUST_SUCCEED, PoolType, Request->Size, Request->Tag);
    }
    if (PoolType & PagedPool) {
        Request->Kind = EX_KIND_PAGED;
    } else if (ExpTypeZeroExecutes && (PoolType & POOL_NX_ALLOCATION) == 0) {
        Request->Kind = EX_KIND_EXECUTE;
    }
    Request->Flags |= ((PoolType & EX_TYPE_CACHE_ALIGNED) != 0 ? EX_REQUEST_ALIGNED : 0) |
                      ((PoolType & POOL_ZERO_ALLOCATION) != 0 ? EX_REQUEST_ZERO : 0) |
                      ((PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE) != 0 ? EX_REQUEST_RAISE : 0);
    return (BOOLEAN)((PoolType & EX_TYPE_SESSION) == 0);
}

void ExpSetPriority(PEX_POOL_REQUEST Request, ULONG Priority)
{
    Request->Priority = Priority & ~(ULONG)(EX_PRIORITY_SPECIAL | EX_PRIORITY_UNDERRUN);
    if (Priority & EX_PRIORITY_SPECIAL) {
        Request->Flags |=
            EX_REQUEST_SPECIAL | ((Priority & EX_PRIORITY_UNDERRUN) != 0 ? EX_REQUEST_UNDERRUN : 0);
    }
}

PVOID ExpFailRequest(const EX_POOL_REQUEST *Request, NTSTATUS Status)
{
    if (Request->Flags & EX_REQUEST_RAISE) {
        KeRaiseStatus(Status);
    }
    return NULL;
}

/* EX_CLASS_PAGES: whole pages. */
static ULONG ExpClassOfRequest(const EX_POOL_REQUEST *Request)
{
    ULONG Class;

    if (Request->Size > EX_POOL_MAXIMUM_SMALL || (Request->Flags & EX_REQUEST_SPECIAL) != 0) {
        return EX_CLASS_PAGES;
    }
    Class = (Request->Flags & EX_REQUEST_ALIGNED) != 0 ? ExpAlignedClassOfSize(Request->Size)
                                                       : ExpClassOfSize(Request->Size);
    return Class < EX_POOL_CLASSES ? Class : EX_CLASS_PAGES;
}

static BOOLEAN ExpIsMemoryTooLow(const EX_POOL_REQUEST *Request)
{
    ULONG Share =
        Request->Priority >= NormalPoolPriority ? EX_NORMAL_PRIORITY_SHARE : EX_LOW_PRIORITY_SHARE;
    MM_STATISTICS Now;

    if (Request->Priority >= HighPoolPriority) {
        return FALSE;
    }
    MmQueryStatistics(&Now);
    return (BOOLEAN)(Now.FreePages < Now.TotalPages / Share + BYTES_TO_PAGES(Request->Size));
}

static PVOID ExpAllocateLarge(const EX_POOL_REQUEST *Request, PEX_POOL_OWNER Owner)
{
    SIZE_T Pages = BYTES_TO_PAGES(Request->Size);
    PVOID Base =
        MmAllocatePoolPages(Request->Kind, Pages, Request->Tag, (USHORT)(Owner - ExpOwners));

    if (Base != NULL) {
        KI_TRACE_INCREMENT_LOCKED(PoolAllocate, Owner->Allocations, Base, Request->Tag,
                                  Pages * PAGE_SIZE);
        InterlockedAdd64(&Owner->Bytes, (LONG64)(Pages * PAGE_SIZE));
        InterlockedAdd64(&ExpLargePages[Request->Kind], (LONG64)Pages);
    }
    return Base;
}

static PVOID ExpAllocateBlock(const EX_POOL_REQUEST *Request, ULONG Index, PEX_POOL_OWNER Owner)
{
    PEX_POOL_CACHE Cache = ExpCurrentCache();
    PSLIST_ENTRY Block = Cache == NULL ? NULL : ExpPopBlock(&Cache->Blocks[Index]);

    if (Block == NULL) {
        Block = ExpRefillPool(Index);
    }
    return Block == NULL ? NULL
                         : ExpTakeOver(Block, Request->Tag, Owner,
                                       Owner->Process != NULL ? EX_POOL_BILLED : EX_POOL_IN_USE);
}

/* Process: charged already for Bytes, or NULL. */
static PVOID ExpAllocateFor(const EX_POOL_REQUEST *Request, ULONG Class, PKPROCESS Process)
{
    ULONG Index = EX_POOL_INDEX(Request->Kind, Class);
    ULONG64 Key = ExpOwnerKey(Request->Caller, Index | (Process != NULL ? EX_OWNER_BILLED : 0));
    PEX_POOL_OWNER Owner = ExpFindOwner(Key, Request->Tag, Process);

    if (Owner->Process != Process) {
        return NULL; /* the table is full: nobody would know whom to return the charge to */
    }
    if (Request->Flags & EX_REQUEST_SPECIAL) {
        return ExpAllocateGuarded(Request, Owner);
    }
    if (Class == EX_CLASS_PAGES) {
        return ExpAllocateLarge(Request, Owner);
    }
    return ExpAllocateBlock(Request, Index, Owner);
}

/* The process stays as long as something is charged to it. */
static PVOID ExpAllocateCharged(const EX_POOL_REQUEST *Request, ULONG Class, NTSTATUS *Status)
{
    SIZE_T Bytes =
        Class == EX_CLASS_PAGES ? BYTES_TO_PAGES(Request->Size) * PAGE_SIZE : ExpClassBytes[Class];
    POOL_TYPE Type = Request->Kind == EX_KIND_PAGED ? PagedPool : NonPagedPool;
    PEPROCESS Process = PsGetCurrentProcess();
    PVOID Block;

    *Status = PsChargeProcessPoolQuota(Process, Type, Bytes);
    if (!NT_SUCCESS(*Status)) {
        return NULL;
    }
    *Status = STATUS_INSUFFICIENT_RESOURCES;
    Block = ExpAllocateFor(Request, Class, Process);
    if (Block == NULL) {
        PsReturnPoolQuota(Process, Type, Bytes);
    } else {
        ObReferenceObject(Process);
    }
    return Block;
}

void ExpReturnCharge(PEX_POOL_OWNER Owner, ULONG Kind, SIZE_T Bytes)
{
    PKPROCESS Process = Owner->Process;

    PsReturnPoolQuota(Process, Kind == EX_KIND_PAGED ? PagedPool : NonPagedPool, Bytes);
    ObDereferenceObject(Process);
}

static BOOLEAN ExpIsRefused(const EX_POOL_REQUEST *Request)
{
    return (BOOLEAN)(ExpAreFaultsOn() && (Request->Flags & EX_REQUEST_UNREFUSED) == 0 &&
                     ExpIsFaultDue(Request->Tag, Request->Size, Request->Caller));
}

PVOID ExpAllocateRequest(PEX_POOL_REQUEST Request)
{
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    ULONG Class;
    PVOID Block;

    if (ExpIsIrqlTooHigh(Request->Kind)) {
        ExpBadCaller(EX_BAD_ALLOCATE_IRQL, KeGetCurrentIrql(), Request->Kind, Request->Size);
    }
    if (ExpIsRefused(Request) || ExpIsMemoryTooLow(Request)) {
        return ExpFailRequest(Request, Status);
    }
    ExpChooseGuard(Request);
    Class = ExpClassOfRequest(Request);
    Block = (Request->Flags & EX_REQUEST_QUOTA) != 0 ? ExpAllocateCharged(Request, Class, &Status)
                                                     : ExpAllocateFor(Request, Class, NULL);
    if (Block == NULL) {
        return ExpFailRequest(Request, Status);
    }
    if (Request->Flags & EX_REQUEST_ZERO) {
        memset(Block, 0, Request->Size);
    }
    ExTraceAllocation(Block, Request->Size, Request->Tag, Request->Caller);
    return Block;
}

PVOID ExAllocateUnrefused(SIZE_T Size, ULONG Tag)
{
    EX_POOL_REQUEST Request = {.Kind = EX_KIND_NONPAGED,
                               .Flags = EX_REQUEST_UNREFUSED,
                               .Size = Size,
                               .Tag = Tag,
                               .Priority = HighPoolPriority,
                               .Caller = __builtin_return_address(0)};

    return ExpAllocateRequest(&Request);
}
