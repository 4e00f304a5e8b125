/*
 * nt/ex_lookaside.h - lookaside lists. Layouts are those of Windows x64; taking and giving back are
 * inlined into drivers (book ch. 8).
 */
#include <wdm.h>

#ifndef _NT_EX_LOOKASIDE_
#define _NT_EX_LOOKASIDE_

typedef PVOID NTAPI ALLOCATE_FUNCTION(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes,
                                      _In_ ULONG Tag);
typedef ALLOCATE_FUNCTION *PALLOCATE_FUNCTION;
typedef VOID NTAPI FREE_FUNCTION(_In_ PVOID Buffer);
typedef FREE_FUNCTION *PFREE_FUNCTION;

typedef struct DECLSPEC_ALIGN(64) _GENERAL_LOOKASIDE {
    union {
        SLIST_HEADER ListHead;
        SINGLE_LIST_ENTRY SingleListHead;
    };
    USHORT Depth;
    USHORT MaximumDepth;
    ULONG TotalAllocates;
    union {
        ULONG AllocateMisses;
        ULONG AllocateHits;
    };
    ULONG TotalFrees;
    union {
        ULONG FreeMisses;
        ULONG FreeHits;
    };
    POOL_TYPE Type;
    ULONG Tag;
    ULONG Size;
    PALLOCATE_FUNCTION Allocate;
    PFREE_FUNCTION Free;
    LIST_ENTRY ListEntry;
    ULONG LastTotalAllocates;
    union {
        ULONG LastAllocateMisses;
        ULONG LastAllocateHits;
    };
    ULONG Future[2];
} GENERAL_LOOKASIDE, *PGENERAL_LOOKASIDE;

typedef struct _NPAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
} NPAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST;
typedef struct _PAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
} PAGED_LOOKASIDE_LIST, *PPAGED_LOOKASIDE_LIST;

/*
 * Makes a lookaside list for blocks of Size bytes, empty. The list itself is resident memory,
 * 16-byte aligned.
 *   Allocate, Free  where blocks come from and go to; NULL: the pool
 *   Flags           0 or POOL_RAISE_IF_ALLOCATION_FAILURE
 *   Tag             of the blocks, when they are from the pool
 *   Depth           0; reserved
 * Ends with ExDelete...; WDK: ExInitializePagedLookasideList; book ch. 8.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExInitializePagedLookasideList(_Out_ PPAGED_LOOKASIDE_LIST Lookaside,
                                                      _In_opt_ PALLOCATE_FUNCTION Allocate,
                                                      _In_opt_ PFREE_FUNCTION Free,
                                                      _In_ ULONG Flags, _In_ SIZE_T Size,
                                                      _In_ ULONG Tag, _In_ USHORT Depth);
/* Frees the blocks that the list holds; blocks taken from it are to be freed by their owner before.
 * Nobody uses the list any more. WDK: ExDeletePagedLookasideList. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI ExDeletePagedLookasideList(_Inout_ PPAGED_LOOKASIDE_LIST Lookaside);
/* The same for blocks of non-paged pool. WDK: ExInitializeNPagedLookasideList. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExInitializeNPagedLookasideList(_Out_ PNPAGED_LOOKASIDE_LIST Lookaside,
                                                       _In_opt_ PALLOCATE_FUNCTION Allocate,
                                                       _In_opt_ PFREE_FUNCTION Free,
                                                       _In_ ULONG Flags, _In_ SIZE_T Size,
                                                       _In_ ULONG Tag, _In_ USHORT Depth);
/* As ExDeletePagedLookasideList. WDK: ExDeleteNPagedLookasideList. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExDeleteNPagedLookasideList(_Inout_ PNPAGED_LOOKASIDE_LIST Lookaside);

/* Takes an entry from the list, or from the list's allocator when it is empty; NULL when that
 * fails. Shared by both kinds of list. Not part of the WDK's interface. */
FORCEINLINE PVOID ExpAllocateFromGeneralLookaside(_Inout_ PGENERAL_LOOKASIDE L)
{
    PVOID Entry;
    L->TotalAllocates += 1;
    Entry = InterlockedPopEntrySList(&L->ListHead);
    if (Entry == NULL) {
        L->AllocateMisses += 1;
        Entry = L->Allocate(L->Type, L->Size, L->Tag);
    }
    return Entry;
}
/* Gives an entry back to the list, or to the list's allocator when the list is full. */
FORCEINLINE VOID ExpFreeToGeneralLookaside(_Inout_ PGENERAL_LOOKASIDE L, _In_ PVOID Entry)
{
    L->TotalFrees += 1;
    if (L->ListHead.HeaderX64.Depth >= L->Depth) {
        L->FreeMisses += 1;
        L->Free(Entry);
    } else {
        InterlockedPushEntrySList(&L->ListHead, (PSLIST_ENTRY)Entry);
    }
}
#define ExAllocateFromPagedLookasideList(List) ExpAllocateFromGeneralLookaside(&(List)->L)
#define ExFreeToPagedLookasideList(List, Entry) ExpFreeToGeneralLookaside(&(List)->L, Entry)
#define ExAllocateFromNPagedLookasideList(List) ExpAllocateFromGeneralLookaside(&(List)->L)
#define ExFreeToNPagedLookasideList(List, Entry) ExpFreeToGeneralLookaside(&(List)->L, Entry)

C_ASSERT(sizeof(GENERAL_LOOKASIDE) == 0x80 && offsetof(GENERAL_LOOKASIDE, ListEntry) == 0x40);

#endif
