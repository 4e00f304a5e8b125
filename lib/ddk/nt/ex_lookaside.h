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

/* The same for lists of the Ex kind, which tell the list too. */
struct _LOOKASIDE_LIST_EX;
typedef PVOID NTAPI ALLOCATE_FUNCTION_EX(_In_ POOL_TYPE PoolType, _In_ SIZE_T NumberOfBytes,
                                         _In_ ULONG Tag,
                                         _Inout_ struct _LOOKASIDE_LIST_EX *Lookaside);
typedef ALLOCATE_FUNCTION_EX *PALLOCATE_FUNCTION_EX;
typedef VOID NTAPI FREE_FUNCTION_EX(_In_ PVOID Buffer,
                                    _Inout_ struct _LOOKASIDE_LIST_EX *Lookaside);
typedef FREE_FUNCTION_EX *PFREE_FUNCTION_EX;

#define NT_LOOKASIDE_FIELDS                                                                        \
    union {                                                                                        \
        SLIST_HEADER ListHead;                                                                     \
        SINGLE_LIST_ENTRY SingleListHead;                                                          \
    };                                                                                             \
    USHORT Depth;                                                                                  \
    USHORT MaximumDepth;                                                                           \
    ULONG TotalAllocates;                                                                          \
    union {                                                                                        \
        ULONG AllocateMisses;                                                                      \
        ULONG AllocateHits;                                                                        \
    };                                                                                             \
    ULONG TotalFrees;                                                                              \
    union {                                                                                        \
        ULONG FreeMisses;                                                                          \
        ULONG FreeHits;                                                                            \
    };                                                                                             \
    POOL_TYPE Type;                                                                                \
    ULONG Tag;                                                                                     \
    ULONG Size;                                                                                    \
    union {                                                                                        \
        PALLOCATE_FUNCTION_EX AllocateEx;                                                          \
        PALLOCATE_FUNCTION Allocate;                                                               \
    };                                                                                             \
    union {                                                                                        \
        PFREE_FUNCTION_EX FreeEx;                                                                  \
        PFREE_FUNCTION Free;                                                                       \
    };                                                                                             \
    LIST_ENTRY ListEntry;                                                                          \
    ULONG LastTotalAllocates;                                                                      \
    union {                                                                                        \
        ULONG LastAllocateMisses;                                                                  \
        ULONG LastAllocateHits;                                                                    \
    };                                                                                             \
    ULONG Future[2];

typedef struct DECLSPEC_ALIGN(64) _GENERAL_LOOKASIDE {
    NT_LOOKASIDE_FIELDS
} GENERAL_LOOKASIDE, *PGENERAL_LOOKASIDE;
typedef struct _GENERAL_LOOKASIDE_POOL {
    NT_LOOKASIDE_FIELDS
} GENERAL_LOOKASIDE_POOL, *PGENERAL_LOOKASIDE_POOL;

typedef struct _NPAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
} NPAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST;
typedef struct _PAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
} PAGED_LOOKASIDE_LIST, *PPAGED_LOOKASIDE_LIST;
typedef struct _LOOKASIDE_LIST_EX {
    GENERAL_LOOKASIDE_POOL L;
} LOOKASIDE_LIST_EX, *PLOOKASIDE_LIST_EX;

/*
 * How many blocks a list may keep, its Depth, is set once a second by how many allocations it could
 * not serve: from 4 to 256. `lookaside` on the console shows the lists.
 */
#define EX_MAXIMUM_LOOKASIDE_DEPTH_BASE 256
#define EX_MAXIMUM_LOOKASIDE_DEPTH_LIMIT 1024
#define LOOKASIDE_MINIMUM_BLOCK_SIZE ((ULONG)sizeof(PSLIST_ENTRY))

/*
 * Makes a lookaside list for blocks of Size bytes, empty. The list itself is resident memory,
 * 16-byte aligned, and the system's until it is deleted.
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

/*** Lists of either kind of pool, with allocators that know the list. ***/

#define EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL 0x00000001UL
#define EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE 0x00000002UL

/*
 * Makes such a list, empty; resident memory, 16-byte aligned, the system's until it is deleted.
 *   Allocate, Free  where blocks come from and go to; NULL: the pool. Allocate's PoolType is the
 *                   list's, with the bits that Flags add
 *   PoolType        NonPagedPool, NonPagedPoolNx or PagedPool
 *   Flags           0, EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL (adds
 * POOL_RAISE_IF_ALLOCATION_FAILURE) or _FAIL_NO_RAISE (adds POOL_QUOTA_FAIL_INSTEAD_OF_RAISE) Depth
 * 0; reserved STATUS_INVALID_PARAMETER_4: no such PoolType; _5: no such Flags. Ends with
 * ExDeleteLookasideListEx. WDK: ExInitializeLookasideListEx; book ch. 8.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ExInitializeLookasideListEx(_Out_ PLOOKASIDE_LIST_EX Lookaside,
                                                       _In_opt_ PALLOCATE_FUNCTION_EX Allocate,
                                                       _In_opt_ PFREE_FUNCTION_EX Free,
                                                       _In_ POOL_TYPE PoolType, _In_ ULONG Flags,
                                                       _In_ SIZE_T Size, _In_ ULONG Tag,
                                                       _In_ USHORT Depth);
/* Frees the blocks that the list keeps, and ends it: nobody uses it any more. IRQL <= APC_LEVEL for
 * paged pool. WDK: ExDeleteLookasideListEx; book ch. 8. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExDeleteLookasideListEx(_Inout_ PLOOKASIDE_LIST_EX Lookaside);
/* Frees the blocks that the list keeps; it goes on. IRQL <= APC_LEVEL for paged pool.
 * WDK: ExFlushLookasideListEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI ExFlushLookasideListEx(_Inout_ PLOOKASIDE_LIST_EX Lookaside);

/* Takes a block from the list, or from its allocator when it is empty; NULL when that fails.
 * WDK: ExAllocateFromLookasideListEx; book ch. 8. */
FORCEINLINE PVOID ExAllocateFromLookasideListEx(_Inout_ PLOOKASIDE_LIST_EX Lookaside)
{
    PVOID Entry;
    Lookaside->L.TotalAllocates += 1;
    Entry = InterlockedPopEntrySList(&Lookaside->L.ListHead);
    if (Entry == NULL) {
        Lookaside->L.AllocateMisses += 1;
        Entry = Lookaside->L.AllocateEx(Lookaside->L.Type, Lookaside->L.Size, Lookaside->L.Tag,
                                        Lookaside);
    }
    return Entry;
}
/* Gives a block back to the list, or to its allocator when the list is full.
 * WDK: ExFreeToLookasideListEx; book ch. 8. */
FORCEINLINE VOID ExFreeToLookasideListEx(_Inout_ PLOOKASIDE_LIST_EX Lookaside, _In_ PVOID Entry)
{
    Lookaside->L.TotalFrees += 1;
    if (Lookaside->L.ListHead.HeaderX64.Depth >= Lookaside->L.Depth) {
        Lookaside->L.FreeMisses += 1;
        Lookaside->L.FreeEx(Entry, Lookaside);
    } else {
        InterlockedPushEntrySList(&Lookaside->L.ListHead, (PSLIST_ENTRY)Entry);
    }
}

C_ASSERT(sizeof(LOOKASIDE_LIST_EX) == 0x60 && offsetof(LOOKASIDE_LIST_EX, L.ListEntry) == 0x40);
C_ASSERT(sizeof(GENERAL_LOOKASIDE) == 0x80 && offsetof(GENERAL_LOOKASIDE, ListEntry) == 0x40);

#endif
