/*
 * poolsecure.c - secure pools: blocks that everybody can read and nobody can write, except through
 * the pool's handle and the block's cookie.
 *
 * A block is a run of pages of its own, read-only wherever it is mapped (mm/secure.c). What it is
 * allowed, and the cookie, are noted here, in ordinary pool: it is the contents that are protected.
 *
 * ExpSecureMutex guards the pools, their blocks, and mm's part. So a block is validated and changed
 * as one.
 */
#include "pool.h"

#define EX_SECURE_TAG 'ceSE' /* "ESec" */
#define EX_SECURE_FLAGS (SECURE_POOL_FLAGS_FREEABLE | SECURE_POOL_FLAGS_MODIFIABLE)

/* All fields: ExpSecureMutex. */
typedef struct _EX_SECURE_POOL {
    LIST_ENTRY Link;
    LIST_ENTRY Blocks;
    ULONG_PTR Tag;
} EX_SECURE_POOL, *PEX_SECURE_POOL;

typedef struct _EX_SECURE_BLOCK {
    LIST_ENTRY Link; /* of the pool's */
    PCHAR Base;
    SIZE_T Size;
    ULONG Tag;
    ULONG Flags; /* SECURE_POOL_FLAGS_* */
    ULONG_PTR Cookie;
    PEX_POOL_OWNER Owner;
} EX_SECURE_BLOCK, *PEX_SECURE_BLOCK;

static FAST_MUTEX ExpSecureMutex;
static LIST_ENTRY ExpSecurePools = {&ExpSecurePools, &ExpSecurePools};

void ExpInitializeSecurePools(void)
{
    ExInitializeFastMutex(&ExpSecureMutex);
}

/* The pool of a handle, which is its address; NULL: there is none. */
static PEX_SECURE_POOL ExpFindSecurePool(HANDLE Handle)
{
    for (PLIST_ENTRY Link = ExpSecurePools.Flink; Link != &ExpSecurePools; Link = Link->Flink) {
        if (CONTAINING_RECORD(Link, EX_SECURE_POOL, Link) == Handle) {
            return Handle;
        }
    }
    return NULL;
}

static NTSTATUS ExpFindSecureBlock(HANDLE Handle, ULONG Tag, PVOID Base, ULONG_PTR Cookie,
                                   PEX_SECURE_BLOCK *Block)
{
    PEX_SECURE_POOL Pool = ExpFindSecurePool(Handle);

    if (Pool == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    for (PLIST_ENTRY Link = Pool->Blocks.Flink; Link != &Pool->Blocks; Link = Link->Flink) {
        *Block = CONTAINING_RECORD(Link, EX_SECURE_BLOCK, Link);
        if ((*Block)->Base == Base) {
            if (((*Block)->Tag ^ Tag) & ~EX_TAG_PROTECTED) {
                return STATUS_INVALID_PARAMETER;
            }
            return (*Block)->Cookie == Cookie ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
        }
    }
    return STATUS_INVALID_PARAMETER;
}

/*** Pools. ***/

NTSTATUS NTAPI ExCreatePool(ULONG Flags, ULONG_PTR Tag, POOL_CREATE_EXTENDED_PARAMS *Params,
                            PHANDLE PoolHandle)
{
    PEX_SECURE_POOL Pool;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    *PoolHandle = NULL;
    if (Flags != POOL_CREATE_FLG_SECURE_POOL || Tag == 0 ||
        (Params != NULL && Params->Version != POOL_CREATE_PARAMS_VERSION)) {
        return STATUS_INVALID_PARAMETER;
    }
    Pool = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Pool), EX_SECURE_TAG);
    if (Pool == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    InitializeListHead(&Pool->Blocks);
    Pool->Tag = Tag;
    ExAcquireFastMutex(&ExpSecureMutex);
    InsertTailList(&ExpSecurePools, &Pool->Link);
    ExReleaseFastMutex(&ExpSecureMutex);
    *PoolHandle = Pool;
    return STATUS_SUCCESS;
}

/* With the mutex held. */
static void ExpFreeSecureBlock(PEX_SECURE_BLOCK Block)
{
    SIZE_T Pages = BYTES_TO_PAGES(Block->Size);

    RemoveEntryList(&Block->Link);
    MmFreeSecurePages(Block->Base, Pages);
    InterlockedAdd64(&Block->Owner->Bytes, -(LONG64)(Pages * PAGE_SIZE));
    InterlockedIncrement64(&Block->Owner->Frees);
    InterlockedAdd64(&ExpLargePages[EX_KIND_NONPAGED], -(LONG64)Pages);
    ExFreePoolWithTag(Block, EX_SECURE_TAG);
}

VOID NTAPI ExDestroyPool(HANDLE PoolHandle)
{
    PEX_SECURE_POOL Pool;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExAcquireFastMutex(&ExpSecureMutex);
    Pool = ExpFindSecurePool(PoolHandle);
    if (Pool == NULL) {
        ExpBadCaller(EX_BAD_SECURE, (ULONG_PTR)PoolHandle, 0, 0);
    }
    while (!IsListEmpty(&Pool->Blocks)) {
        ExpFreeSecureBlock(CONTAINING_RECORD(Pool->Blocks.Flink, EX_SECURE_BLOCK, Link));
    }
    RemoveEntryList(&Pool->Link);
    ExReleaseFastMutex(&ExpSecureMutex);
    ExFreePoolWithTag(Pool, EX_SECURE_TAG);
}

/*** Blocks. ***/

/* With the mutex held. */
static NTSTATUS ExpMakeSecureBlock(const EX_POOL_REQUEST *Request,
                                   const POOL_EXTENDED_PARAMS_SECURE_POOL *Params,
                                   PEX_SECURE_BLOCK Block)
{
    ULONG Index = EX_POOL_INDEX(EX_KIND_NONPAGED, EX_CLASS_PAGES);
    PEX_SECURE_POOL Pool = ExpFindSecurePool(Params->SecurePoolHandle);
    SIZE_T Pages = BYTES_TO_PAGES(Request->Size);

    if (Pool == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    Block->Owner = ExpFindOwner(ExpOwnerKey(Request->Caller, Index), Request->Tag, NULL);
    Block->Base = MmAllocateSecurePages(Pages, Params->Buffer, Request->Size);
    if (Block->Base == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Block->Size = Request->Size;
    Block->Tag = Request->Tag;
    Block->Flags = Params->SecurePoolFlags;
    Block->Cookie = Params->Cookie;
    InsertTailList(&Pool->Blocks, &Block->Link);
    InterlockedIncrement64(&Block->Owner->Allocations);
    InterlockedAdd64(&Block->Owner->Bytes, (LONG64)(Pages * PAGE_SIZE));
    InterlockedAdd64(&ExpLargePages[EX_KIND_NONPAGED], (LONG64)Pages);
    return STATUS_SUCCESS;
}

PVOID ExpAllocateSecure(PEX_POOL_REQUEST Request, const POOL_EXTENDED_PARAMS_SECURE_POOL *Params)
{
    PEX_SECURE_BLOCK Block;
    NTSTATUS Status;
    PVOID Base;

    if (KeGetCurrentIrql() > APC_LEVEL) {
        ExpBadCaller(EX_BAD_ALLOCATE_IRQL, KeGetCurrentIrql(), Request->Kind, Request->Size);
    }
    if (Request->Kind != EX_KIND_NONPAGED || Request->Size == 0 ||
        (Request->Flags & (EX_REQUEST_QUOTA | EX_REQUEST_SPECIAL)) != 0 ||
        (Params->SecurePoolFlags & ~(ULONG)EX_SECURE_FLAGS) != 0) {
        return ExpFailRequest(Request, STATUS_INVALID_PARAMETER);
    }
    if (ExpAreFaultsOn() && ExpIsFaultDue(Request->Tag, Request->Size, Request->Caller)) {
        return ExpFailRequest(Request, STATUS_INSUFFICIENT_RESOURCES);
    }
    Block = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Block), EX_SECURE_TAG);
    if (Block == NULL) {
        return ExpFailRequest(Request, STATUS_INSUFFICIENT_RESOURCES);
    }
    ExAcquireFastMutex(&ExpSecureMutex);
    Status = ExpMakeSecureBlock(Request, Params, Block);
    Base = NT_SUCCESS(Status) ? Block->Base : NULL;
    ExReleaseFastMutex(&ExpSecureMutex);
    if (Base == NULL) {
        ExFreePoolWithTag(Block, EX_SECURE_TAG);
        return ExpFailRequest(Request, Status);
    }
    return Base;
}

void ExpFreeSecure(PVOID P, ULONG Tag, const POOL_EXTENDED_PARAMS_SECURE_POOL *Params)
{
    PEX_SECURE_BLOCK Block;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExAcquireFastMutex(&ExpSecureMutex);
    Status = ExpFindSecureBlock(Params->SecurePoolHandle, Tag, P, Params->Cookie, &Block);
    if (Status == STATUS_SUCCESS && (Block->Flags & SECURE_POOL_FLAGS_FREEABLE) == 0) {
        Status = STATUS_ACCESS_DENIED;
    }
    if (!NT_SUCCESS(Status)) {
        ExpBadCaller(EX_BAD_SECURE, (ULONG_PTR)P, Tag, (ULONG)Status);
    }
    ExpFreeSecureBlock(Block);
    ExReleaseFastMutex(&ExpSecureMutex);
}

NTSTATUS NTAPI ExSecurePoolValidate(HANDLE SecurePoolHandle, ULONG Tag, PVOID Allocation,
                                    ULONG_PTR Cookie)
{
    PEX_SECURE_BLOCK Block;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExAcquireFastMutex(&ExpSecureMutex);
    Status = ExpFindSecureBlock(SecurePoolHandle, Tag, Allocation, Cookie, &Block);
    ExReleaseFastMutex(&ExpSecureMutex);
    return Status;
}

NTSTATUS NTAPI ExSecurePoolUpdate(HANDLE SecurePoolHandle, ULONG Tag, PVOID Allocation,
                                  ULONG_PTR Cookie, SIZE_T Offset, SIZE_T Size, PVOID Buffer)
{
    PEX_SECURE_BLOCK Block;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExAcquireFastMutex(&ExpSecureMutex);
    Status = ExpFindSecureBlock(SecurePoolHandle, Tag, Allocation, Cookie, &Block);
    if (Status == STATUS_SUCCESS && (Block->Flags & SECURE_POOL_FLAGS_MODIFIABLE) == 0) {
        Status = STATUS_ACCESS_DENIED;
    }
    if (Status == STATUS_SUCCESS && (Offset > Block->Size || Size > Block->Size - Offset)) {
        Status = STATUS_INVALID_BUFFER_SIZE;
    }
    if (Status == STATUS_SUCCESS && Size != 0 &&
        !MmWriteSecurePages(Block->Base + Offset, Buffer, Size)) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    }
    ExReleaseFastMutex(&ExpSecureMutex);
    return Status;
}
