/*
 * lookaside.c - lookaside lists: a driver's own stock of blocks of one size.
 *
 * Taking from and giving to a list is inlined into drivers (nt/ex.h); what is here makes and ends
 * them. Windows tunes how many blocks a list may keep once a second; here it is fixed: what a busy
 * list is tuned to, but not more than a share of memory that an idle one may hold for nothing.
 */
#include "ke.h"

#define EX_LOOKASIDE_MAXIMUM 256
#define EX_LOOKASIDE_MINIMUM 4
#define EX_LOOKASIDE_BYTES 0x10000

static USHORT ExpLookasideDepth(ULONG Size)
{
    return (USHORT)max(EX_LOOKASIDE_MINIMUM, min(EX_LOOKASIDE_MAXIMUM, EX_LOOKASIDE_BYTES / Size));
}

static void ExpInitializeLookaside(PGENERAL_LOOKASIDE L, PALLOCATE_FUNCTION Allocate,
                                   PFREE_FUNCTION Free, POOL_TYPE Type, ULONG Flags, SIZE_T Size,
                                   ULONG Tag)
{
    memset(L, 0, sizeof(*L));
    InitializeSListHead(&L->ListHead);
    L->MaximumDepth = EX_LOOKASIDE_MAXIMUM;
    L->Type = Type | (Flags & POOL_RAISE_IF_ALLOCATION_FAILURE);
    L->Tag = Tag;
    L->Size = (ULONG)max(Size, sizeof(SLIST_ENTRY));
    L->Depth = ExpLookasideDepth(L->Size);
    L->Allocate = Allocate != NULL ? Allocate : ExAllocatePoolWithTag;
    L->Free = Free != NULL ? Free : ExFreePool;
}

/* Nobody uses the list any more: back with all that it holds. */
static void ExpDeleteLookaside(PGENERAL_LOOKASIDE L)
{
    PSLIST_ENTRY Entry = InterlockedFlushSList(&L->ListHead);

    while (Entry != NULL) {
        PSLIST_ENTRY Next = Entry->Next;

        L->Free(Entry);
        Entry = Next;
    }
    L->Depth = 0;
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
