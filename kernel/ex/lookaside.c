/*
 * lookaside.c - lookaside lists: a driver's own stock of blocks of one size.
 *
 * Taking from and giving to a list is inlined into drivers (nt/ex_lookaside.h); what is here makes
 * and ends lists, and tunes how many blocks each may keep. All lists that are not ended stand in
 * ExpLookasideLists; so a list in memory that has been freed is found, at the latest when the next
 * one is made or ended: a broken list is a bugcheck.
 *
 * Once a second a DPC looks at what each list has done since the last time. Where few allocations
 * come, or hardly any misses, the depth sinks; where many miss, it rises by a part of what is left
 * to the maximum that grows with the share of misses. What a list keeps beyond its depth leaves it
 * as blocks are taken.
 *
 * ExpLookasideLock (LOCK_ORDER_EX_LOOKASIDE) guards the list of lists and the fields Last...; Depth
 * is written under it and read without. A driver's counts are not exact, as it adds to them without
 * a lock.
 */
#include "ke.h"
#include "ex.h"
#include "kd.h"
#include "ldr.h"
#include "pool.h"

#define EX_LOOKASIDE_TAG 'kalE' /* "Elak" */
#define EX_LOOKASIDE_MINIMUM 4
#define EX_LOOKASIDE_PERIOD_100NS 10000000ULL
/* Fewer allocations than this in a second are no reason to keep much. */
#define EX_LOOKASIDE_IDLE 25
/* A list whose misses, of a thousand, are fewer has enough. */
#define EX_LOOKASIDE_FEW_MISSES 5
#define EX_LOOKASIDE_MAXIMUM_STEP 30

static KSPIN_LOCK ExpLookasideLock;
KI_RANKED_LOCK(ExpLookasideLock, LOCK_ORDER_EX_LOOKASIDE);
static LIST_ENTRY ExpLookasideLists = {&ExpLookasideLists, &ExpLookasideLists};
static ULONG ExpLookasideCount;

/* Where blocks of a list come from and go to that has no allocator of its own: they count as
 * allocated by the driver, whose inlined code has called. */
static PVOID NTAPI ExpAllocateForList(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                      PLOOKASIDE_LIST_EX Lookaside)
{
    UNREFERENCED_PARAMETER(Lookaside);
    return ExpAllocateByType((ULONG)PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}

static VOID NTAPI ExpFreeOfList(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    UNREFERENCED_PARAMETER(Lookaside);
    ExFreePoolWithTag(Buffer, 0);
}

/* The two forms of a list differ in their alignment only. */
static PGENERAL_LOOKASIDE ExpGeneralOf(PLOOKASIDE_LIST_EX Lookaside)
{
    return (PGENERAL_LOOKASIDE)(PVOID)&Lookaside->L;
}

/* Allocators are entered by the caller before. */
static void ExpStartLookaside(PGENERAL_LOOKASIDE L, ULONG Type, SIZE_T Size, ULONG Tag)
{
    KIRQL OldIrql;

    InitializeSListHead(&L->ListHead);
    L->Depth = EX_LOOKASIDE_MINIMUM;
    L->MaximumDepth = EX_MAXIMUM_LOOKASIDE_DEPTH_BASE;
    L->Type = (POOL_TYPE)Type;
    L->Tag = Tag;
    L->Size = (ULONG)max(Size, LOOKASIDE_MINIMUM_BLOCK_SIZE);
    L->TotalAllocates = L->AllocateMisses = L->TotalFrees = L->FreeMisses = 0;
    L->LastTotalAllocates = L->LastAllocateMisses = 0;
    L->Future[0] = L->Future[1] = 0;
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpLookasideLock);
    InsertTailList(&ExpLookasideLists, &L->ListEntry);
    ExpLookasideCount++;
    KeReleaseSpinLock(&ExpLookasideLock, OldIrql);
}

/* Nobody uses the list any more, and from now on nobody looks at it. */
static void ExpEndLookaside(PGENERAL_LOOKASIDE L)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpLookasideLock);

    RemoveEntryList(&L->ListEntry);
    ExpLookasideCount--;
    KeReleaseSpinLock(&ExpLookasideLock, OldIrql);
    L->Depth = 0;
}

static void ExpInitializeLookaside(PGENERAL_LOOKASIDE L, PALLOCATE_FUNCTION Allocate,
                                   PFREE_FUNCTION Free, POOL_TYPE Type, ULONG Flags, SIZE_T Size,
                                   ULONG Tag)
{
    L->Allocate = Allocate != NULL ? Allocate : ExAllocatePoolWithTag;
    L->Free = Free != NULL ? Free : ExFreePool;
    ExpStartLookaside(L, Type | (Flags & (POOL_RAISE_IF_ALLOCATION_FAILURE | POOL_NX_ALLOCATION)),
                      Size, Tag);
}

static void ExpDeleteLookaside(PGENERAL_LOOKASIDE L)
{
    PSLIST_ENTRY Entry;

    ExpEndLookaside(L);
    Entry = InterlockedFlushSList(&L->ListHead);
    while (Entry != NULL) {
        PSLIST_ENTRY Next = Entry->Next;

        L->Free(Entry);
        Entry = Next;
    }
}

VOID NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
                                           PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                           ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    (void)Depth; /* reserved */
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    ExpInitializeLookaside(&Lookaside->L, Allocate, Free, NonPagedPool, Flags, Size, Tag);
}

VOID NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    ExpDeleteLookaside(&Lookaside->L);
}

VOID NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
                                          PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                          ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    (void)Depth; /* reserved */
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExpInitializeLookaside(&Lookaside->L, Allocate, Free, PagedPool, Flags, Size, Tag);
}

VOID NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    ExpDeleteLookaside(&Lookaside->L);
}

/*** Lists of the Ex kind. ***/

NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
                                           PALLOCATE_FUNCTION_EX Allocate, PFREE_FUNCTION_EX Free,
                                           POOL_TYPE PoolType, ULONG Flags, SIZE_T Size, ULONG Tag,
                                           USHORT Depth)
{
    ULONG Type = (ULONG)PoolType;

    (void)Depth; /* reserved */
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if ((Type & ~(ULONG)(PagedPool | NonPagedPoolNx)) != 0) {
        return STATUS_INVALID_PARAMETER_4;
    }
    switch (Flags) {
    case 0:
        break;
    case EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL:
        Type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
        break;
    case EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE:
        Type |= POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;
        break;
    default:
        return STATUS_INVALID_PARAMETER_5;
    }
    Lookaside->L.AllocateEx = Allocate != NULL ? Allocate : ExpAllocateForList;
    Lookaside->L.FreeEx = Free != NULL ? Free : ExpFreeOfList;
    ExpStartLookaside(ExpGeneralOf(Lookaside), Type, Size, Tag);
    return STATUS_SUCCESS;
}

VOID NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    PSLIST_ENTRY Entry;

    KI_ASSERT_IRQL_MAX((Lookaside->L.Type & PagedPool) != 0 ? APC_LEVEL : DISPATCH_LEVEL);
    Entry = InterlockedFlushSList(&Lookaside->L.ListHead);
    while (Entry != NULL) {
        PSLIST_ENTRY Next = Entry->Next;

        Lookaside->L.FreeEx(Entry, Lookaside);
        Entry = Next;
    }
}

VOID NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    ExpEndLookaside(ExpGeneralOf(Lookaside));
    ExFlushLookasideListEx(Lookaside);
}

/*** Tuning. ***/

/* The depth for the next second, from what the list was asked for in the last one. */
static USHORT ExpTuneDepth(USHORT Depth, USHORT Maximum, ULONG Allocates, ULONG Misses)
{
    ULONG Share, Step;

    if (Allocates < EX_LOOKASIDE_IDLE) {
        return (USHORT)(max(Depth, EX_LOOKASIDE_MINIMUM + 10) - 10);
    }
    Share = (ULONG)((ULONG64)min(Misses, Allocates) * 1000 / Allocates);
    if (Share < EX_LOOKASIDE_FEW_MISSES) {
        return (USHORT)(max(Depth, EX_LOOKASIDE_MINIMUM + 1) - 1);
    }
    Step = Share * (ULONG)(Maximum - min(Depth, Maximum)) / 2000 + 5;
    return (USHORT)min(Depth + min(Step, EX_LOOKASIDE_MAXIMUM_STEP), Maximum);
}

static VOID NTAPI ExpTuneLookasides(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&ExpLookasideLock);
    for (PLIST_ENTRY Link = ExpLookasideLists.Flink; Link != &ExpLookasideLists;
         Link = Link->Flink) {
        PGENERAL_LOOKASIDE L = CONTAINING_RECORD(Link, GENERAL_LOOKASIDE, ListEntry);
        ULONG Allocates = L->TotalAllocates, Misses = L->AllocateMisses;

        L->Depth = ExpTuneDepth(L->Depth, L->MaximumDepth, Allocates - L->LastTotalAllocates,
                                Misses - L->LastAllocateMisses);
        L->LastTotalAllocates = Allocates;
        L->LastAllocateMisses = Misses;
    }
    KeReleaseSpinLockFromDpcLevel(&ExpLookasideLock);
}

/* The timer goes with the first processor's tick, which comes anyway. */
void ExStartLookasideTuning(void)
{
    static KTIMER Timer;
    static KDPC Dpc;
    static const KI_TIMER_ARMING Arming = {
        .Period100ns = EX_LOOKASIDE_PERIOD_100NS, .Dpc = &Dpc, .NoWake = TRUE};
    LARGE_INTEGER DueTime = {.QuadPart = -(LONG64)EX_LOOKASIDE_PERIOD_100NS};

    KeInitializeDpc(&Dpc, ExpTuneLookasides, NULL);
    KeInitializeTimer(&Timer);
    KeArmTimer(&Timer, DueTime, &Arming);
}

/*** Who has lists. ***/

PVOID ExFindLookasideList(PVOID Start, SIZE_T Size)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpLookasideLock);
    PVOID Found = NULL;

    for (PLIST_ENTRY Link = ExpLookasideLists.Flink; Link != &ExpLookasideLists && Found == NULL;
         Link = Link->Flink) {
        PGENERAL_LOOKASIDE L = CONTAINING_RECORD(Link, GENERAL_LOOKASIDE, ListEntry);

        if ((ULONG_PTR)L - (ULONG_PTR)Start < Size) {
            Found = L;
        }
    }
    KeReleaseSpinLock(&ExpLookasideLock, OldIrql);
    return Found;
}

typedef struct _EX_LOOKASIDE_COPY {
    PVOID Address;
    GENERAL_LOOKASIDE_POOL L;
} EX_LOOKASIDE_COPY;

static ULONG ExpHitRate(ULONG Total, ULONG Misses)
{
    return Total == 0 ? 0 : (ULONG)((ULONG64)(Total - min(Misses, Total)) * 100 / Total);
}

/* Lists may go as soon as the lock is released, so they are copied. */
static ULONG ExpCopyLookasides(EX_LOOKASIDE_COPY *Copies, ULONG Room)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpLookasideLock);
    ULONG Count = 0;

    for (PLIST_ENTRY Link = ExpLookasideLists.Flink; Link != &ExpLookasideLists && Count < Room;
         Link = Link->Flink) {
        PGENERAL_LOOKASIDE_POOL L = CONTAINING_RECORD(Link, GENERAL_LOOKASIDE_POOL, ListEntry);

        Copies[Count].Address = L;
        Copies[Count++].L = *L;
    }
    KeReleaseSpinLock(&ExpLookasideLock, OldIrql);
    return Count;
}

/* What the blocks that a list keeps count for in the pool, where they are the list's
 * allocations. */
static ULONG64 ExpKeptBytes(const GENERAL_LOOKASIDE_POOL *L)
{
    ULONG64 Block = L->Size <= EX_POOL_MAXIMUM_SMALL ? ExpClassBytes[ExpClassOfSize(L->Size)]
                                                     : BYTES_TO_PAGES(L->Size) * PAGE_SIZE;

    return L->ListHead.HeaderX64.Depth * Block;
}

static void ExpShowLookaside(PKD_CONSOLE Console, const EX_LOOKASIDE_COPY *Copy)
{
    const GENERAL_LOOKASIDE_POOL *L = &Copy->L;
    char Tag[5], Name[80];

    ExpFormatTag(L->Tag, Tag);
    LdrFormatAddress(Copy->Address, Name, sizeof(Name));
    KdConsolePrint(Console, "%s %-8s size %-5u depth %u of %u kept %u (%llu bytes)  ", Tag,
                   (L->Type & PagedPool) != 0 ? "Paged" : "NonPaged", L->Size, L->Depth,
                   L->MaximumDepth, (ULONG)L->ListHead.HeaderX64.Depth, ExpKeptBytes(L));
    KdConsolePrint(Console, "allocs %u hits %u%%  ", L->TotalAllocates,
                   ExpHitRate(L->TotalAllocates, L->AllocateMisses));
    KdConsolePrint(Console, "frees %u hits %u%%  %s\n", L->TotalFrees,
                   ExpHitRate(L->TotalFrees, L->FreeMisses), Name);
}

static NTSTATUS ExpShowLookasides(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG Room = ExpLookasideCount + 1;
    EX_LOOKASIDE_COPY *Copies;
    ULONG Count;

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    Copies = ExAllocatePoolWithTag(NonPagedPoolNx, Room * sizeof(*Copies), EX_LOOKASIDE_TAG);
    if (Copies == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Count = ExpCopyLookasides(Copies, Room);
    for (ULONG i = 0; i < Count; i++) {
        ExpShowLookaside(Console, &Copies[i]);
    }
    ExFreePoolWithTag(Copies, EX_LOOKASIDE_TAG);
    return STATUS_SUCCESS;
}

KD_COMMAND("lookaside", "", "lookaside lists: depth, use, hit rates", ExpShowLookasides);
