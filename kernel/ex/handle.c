/*
 * handle.c - handle tables.
 *
 * A table is a tree of at most three levels that only grows. Root holds the address of its top
 * block with the number of levels above the leaves in the low bits, and Capacity says how many
 * entries there are: it grows after the tree has, so readers find an entry without a lock, from one
 * read of each. The table's spin lock guards growth, the chain of free entries and the list of
 * waiting threads.
 *
 * Each entry has a lock of its own, two bits in State. Locking and unlocking are one compare and
 * exchange each as long as nobody else wants the entry. Who finds it taken says so by
 * EX_ENTRY_WAITED and sleeps; the owner then wakes all who wait for that entry. A holder is in a
 * critical region, so no normal APC of its thread can come and wait for it.
 *
 * Free entries are reused in the order they were freed, oldest first: a stale handle value stays
 * invalid as long as possible.
 */
#include "ke.h"
#include "ex.h"
#include "handle.h"
#include "handleunlock.h"
#include "stacktrace.h"

#define EX_HANDLE_TAG 'btbO' /* "Obtb", as Windows */

typedef HANDLE_TABLE_ENTRY EX_ENTRY, *PEX_ENTRY;

/* t: guarded by Lock. */
struct _HANDLE_TABLE {
    volatile ULONG_PTR Root; /* t to change: top block | levels above the leaves */
    KSPIN_LOCK Lock;
    ULONG FirstFree, LastFree; /* t  indexes; 0: none */
    ULONG NextUnused;          /* t  the first index that never was a handle */
    volatile ULONG Capacity;   /* t to change: indexes that have a leaf */
    volatile LONG Count;       /* o  handles in use */
    LIST_ENTRY Waiters;        /* t  of EX_ENTRY_WAITER */
};

typedef struct _EX_ENTRY_WAITER {
    LIST_ENTRY Link;
    PEX_ENTRY Entry;
    KEVENT Event;
} EX_ENTRY_WAITER, *PEX_ENTRY_WAITER;

#define EX_ROOT_LEVELS 3UL /* mask */

static PVOID ExpAllocateBlock(ULONG Level)
{
    SIZE_T Size = Level == 0 ? EX_LEAF_ENTRIES * sizeof(EX_ENTRY) : EX_POINTERS * sizeof(PVOID);

    return ExAllocatePool2(POOL_FLAG_NON_PAGED, Size, EX_HANDLE_TAG);
}

static void ExpFreeTree(PVOID Block, ULONG Level)
{
    for (ULONG i = 0; Level != 0 && i < EX_POINTERS; i++) {
        PVOID Lower = ((PVOID *)Block)[i];

        if (Lower != NULL) {
            ExpFreeTree(Lower, Level - 1);
        }
    }
    ExFreePoolWithTag(Block, EX_HANDLE_TAG);
}

PHANDLE_TABLE ExCreateHandleTable(void)
{
    PHANDLE_TABLE Table;
    PVOID Leaf;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    Table = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Table), EX_HANDLE_TAG);
    if (Table == NULL) {
        return NULL;
    }
    Leaf = ExpAllocateBlock(0);
    if (Leaf == NULL) {
        ExFreePoolWithTag(Table, EX_HANDLE_TAG);
        return NULL;
    }
    Table->Root = (ULONG_PTR)Leaf;
    Table->NextUnused = 1;
    Table->Capacity = EX_LEAF_ENTRIES;
    InitializeListHead(&Table->Waiters);
    KiRankLock(&Table->Lock, "handle table", LOCK_ORDER_OB_HANDLE);
    return Table;
}

void ExDestroyHandleTable(PHANDLE_TABLE Table)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    KI_ASSERT(Table->Count == 0);
    KiUnrankLock(&Table->Lock);
    ExForgetHandleTraces(Table);
    ExpFreeTree((PVOID)(Table->Root & ~EX_ROOT_LEVELS), Table->Root & EX_ROOT_LEVELS);
    ExFreePoolWithTag(Table, EX_HANDLE_TAG);
}

/* In a table that has grown. */
static __attribute__((noinline)) PEX_ENTRY ExpFindInTree(ULONG_PTR Root, ULONG Index)
{
    PVOID Block = (PVOID)(Root & ~EX_ROOT_LEVELS);

    for (ULONG Level = Root & EX_ROOT_LEVELS; Level != 0; Level--) {
        Block = __atomic_load_n(&((PVOID *)Block)[ExpLevelSlot(Index, Level)], __ATOMIC_ACQUIRE);
    }
    return &((PEX_ENTRY)Block)[ExpLevelSlot(Index, 0)];
}

/* The entry of an index, in use or not; NULL when the table has none. That of index 0 is never in
 * use. */
static inline PEX_ENTRY ExpFindEntry(PHANDLE_TABLE Table, ULONG_PTR Index)
{
    ULONG_PTR Root;

    if (Index >= __atomic_load_n(&Table->Capacity, __ATOMIC_ACQUIRE)) {
        return NULL;
    }
    Root = __atomic_load_n(&Table->Root, __ATOMIC_ACQUIRE);
    return (Root & EX_ROOT_LEVELS) == 0 ? &((PEX_ENTRY)Root)[Index]
                                        : ExpFindInTree(Root, (ULONG)Index);
}

/*** Growth. ***/

/* Blocks that one growth may need: a new root, a pointer block, a leaf. */
typedef struct _EX_GROWTH {
    PVOID Root, Middle, Leaf;
} EX_GROWTH;

static void ExpFreeGrowth(EX_GROWTH *Growth)
{
    PVOID Blocks[] = {Growth->Root, Growth->Middle, Growth->Leaf};

    for (ULONG i = 0; i < ARRAYSIZE(Blocks); i++) {
        if (Blocks[i] != NULL) {
            ExFreePoolWithTag(Blocks[i], EX_HANDLE_TAG);
        }
    }
}

/* With the lock held: hangs the leaf for Capacity in, using up what it needs. */
static void ExpHangLeaf(PHANDLE_TABLE Table, EX_GROWTH *Growth)
{
    ULONG Levels = Table->Root & EX_ROOT_LEVELS;
    ULONG Index = Table->Capacity;
    PVOID *Slot;

    if (Index == ExpLevelCapacity(Levels + 1)) {
        *(PVOID *)Growth->Root = (PVOID)(Table->Root & ~EX_ROOT_LEVELS);
        __atomic_store_n(&Table->Root, (ULONG_PTR)Growth->Root | ++Levels, __ATOMIC_RELEASE);
        Growth->Root = NULL;
    }
    Slot = (PVOID *)(Table->Root & ~EX_ROOT_LEVELS) + ExpLevelSlot(Index, Levels);
    if (Levels == 2) {
        if (*Slot == NULL) {
            __atomic_store_n(Slot, Growth->Middle, __ATOMIC_RELEASE);
            Growth->Middle = NULL;
        }
        Slot = (PVOID *)*Slot + ExpLevelSlot(Index, 1);
    }
    __atomic_store_n(Slot, Growth->Leaf, __ATOMIC_RELEASE);
    Growth->Leaf = NULL;
    __atomic_store_n(&Table->Capacity, Index + EX_LEAF_ENTRIES, __ATOMIC_RELEASE);
}

/* Makes the table larger than Capacity; TRUE also when somebody else did it meanwhile. */
static BOOLEAN ExpGrowTable(PHANDLE_TABLE Table, ULONG Capacity)
{
    EX_GROWTH Growth = {ExpAllocateBlock(1), ExpAllocateBlock(1), ExpAllocateBlock(0)};
    BOOLEAN Ready = Growth.Root != NULL && Growth.Middle != NULL && Growth.Leaf != NULL &&
                    Capacity < EX_MAXIMUM_INDEX;
    KIRQL OldIrql;

    if (Ready) {
        OldIrql = KeAcquireSpinLockRaiseToDpc(&Table->Lock);
        if (Table->Capacity == Capacity) {
            ExpHangLeaf(Table, &Growth);
        }
        KeReleaseSpinLock(&Table->Lock, OldIrql);
    }
    ExpFreeGrowth(&Growth);
    return Ready;
}

/*** Free entries. ***/

/* An index that is nobody's now; 0: the table is full, and *Capacity says how large it is. */
static ULONG ExpTakeIndex(PHANDLE_TABLE Table, ULONG *Capacity)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Table->Lock);
    ULONG Index = Table->FirstFree;

    *Capacity = Table->Capacity;
    if (Index != 0) {
        Table->FirstFree = ExpFindEntry(Table, Index)->NextFree;
    } else if (Table->NextUnused < Table->Capacity) {
        Index = Table->NextUnused++;
    }
    KeReleaseSpinLock(&Table->Lock, OldIrql);
    return Index;
}

static void ExpGiveIndex(PHANDLE_TABLE Table, ULONG Index, PEX_ENTRY Entry)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Table->Lock);

    Entry->NextFree = 0;
    if (Table->FirstFree == 0) {
        Table->FirstFree = Index;
    } else {
        ExpFindEntry(Table, Table->LastFree)->NextFree = Index;
    }
    Table->LastFree = Index;
    KeReleaseSpinLock(&Table->Lock, OldIrql);
}

/* The index is taken: it begins to be a handle. */
static void ExpUseEntry(PHANDLE_TABLE Table, ULONG Index, const HANDLE_TABLE_ENTRY *Entry)
{
    PEX_ENTRY New = ExpFindEntry(Table, Index);

    *New = *Entry;
    InterlockedIncrement(&Table->Count);
    __atomic_store_n(&New->State, EX_ENTRY_USED, __ATOMIC_RELEASE);
}

/* Values that are passed over are free, and come in their order. */
BOOLEAN ExInsertHandleAt(PHANDLE_TABLE Table, HANDLE Handle, const HANDLE_TABLE_ENTRY *Entry)
{
    ULONG Wanted = ExpHandleToIndex(Handle);

    while (Table->Capacity <= Wanted) {
        if (!ExpGrowTable(Table, Table->Capacity)) {
            return FALSE;
        }
    }
    KI_ASSERT(Wanted >= Table->NextUnused);
    while (Table->NextUnused < Wanted) {
        ULONG Free = Table->NextUnused++;
        ExpGiveIndex(Table, Free, ExpFindEntry(Table, Free));
    }
    Table->NextUnused++;
    ExTraceHandle(Table, Handle, TRUE, __builtin_return_address(0));
    ExpUseEntry(Table, Wanted, Entry);
    return TRUE;
}

HANDLE ExCreateHandle(PHANDLE_TABLE Table, const HANDLE_TABLE_ENTRY *Entry)
{
    ULONG Capacity, Index;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    while ((Index = ExpTakeIndex(Table, &Capacity)) == 0) {
        if (!ExpGrowTable(Table, Capacity)) {
            return NULL;
        }
    }
    ExTraceHandle(Table, ExpIndexToHandle(Index), TRUE, __builtin_return_address(0));
    ExpUseEntry(Table, Index, Entry);
    return ExpIndexToHandle(Index);
}

/*** Entry locks. ***/

/* Sleeps until Entry is unlocked, unless it is already. State as it was seen, locked. */
static void ExpWaitForEntry(PHANDLE_TABLE Table, PEX_ENTRY Entry, LONG State)
{
    EX_ENTRY_WAITER Waiter = {.Entry = Entry};
    KIRQL OldIrql;

    KeInitializeEvent(&Waiter.Event, SynchronizationEvent, FALSE);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Table->Lock);
    if (InterlockedCompareExchange(&Entry->State, State | EX_ENTRY_WAITED, State) != State) {
        KeReleaseSpinLock(&Table->Lock, OldIrql);
        return;
    }
    InsertTailList(&Table->Waiters, &Waiter.Link);
    KeReleaseSpinLock(&Table->Lock, OldIrql);
    KeWaitForSingleObject(&Waiter.Event, WrExecutive, KernelMode, FALSE, NULL);
}

void ExWakeHandleWaiters(PHANDLE_TABLE Table, PEX_ENTRY Entry)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Table->Lock);
    PLIST_ENTRY Next;

    for (PLIST_ENTRY Link = Table->Waiters.Flink; Link != &Table->Waiters; Link = Next) {
        PEX_ENTRY_WAITER Waiter = CONTAINING_RECORD(Link, EX_ENTRY_WAITER, Link);

        Next = Link->Flink;
        if (Waiter->Entry == Entry) {
            RemoveEntryList(Link);
            /* The waiter's stack frame is gone once the event is set. */
            KeSetEvent(&Waiter->Event, EVENT_INCREMENT, FALSE);
        }
    }
    KeReleaseSpinLock(&Table->Lock, OldIrql);
}

/* With the entry taken, or gone. The caller is in a critical region, which ends if there is no
 * such handle. */
static __attribute__((noinline)) PHANDLE_TABLE_ENTRY ExpLockSlowly(PHANDLE_TABLE Table,
                                                                   PEX_ENTRY Entry)
{
    for (;;) {
        LONG State = *(volatile LONG *)&Entry->State;
        if ((State & EX_ENTRY_USED) == 0) {
            KeLeaveCriticalRegion();
            return NULL;
        }
        if (State & EX_ENTRY_LOCKED) {
            ExpWaitForEntry(Table, Entry, State);
        } else if (InterlockedCompareExchange(&Entry->State, State | EX_ENTRY_LOCKED, State) ==
                   State) {
            return Entry;
        }
    }
}

PHANDLE_TABLE_ENTRY ExLockHandleTableEntry(PHANDLE_TABLE Table, HANDLE Handle)
{
    PEX_ENTRY Entry = ExpFindEntry(Table, (ULONG_PTR)Handle >> 2);

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (Entry == NULL || ((ULONG_PTR)Handle & 3) != 0) {
        return NULL;
    }
    KeGetCurrentThread()->KernelApcDisable -= 1;
    if (InterlockedCompareExchange(&Entry->State, EX_ENTRY_USED | EX_ENTRY_LOCKED, EX_ENTRY_USED) ==
        EX_ENTRY_USED) {
        return Entry;
    }
    return ExpLockSlowly(Table, Entry);
}

void ExDestroyHandle(PHANDLE_TABLE Table, HANDLE Handle, PHANDLE_TABLE_ENTRY Entry)
{
    LONG State;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    KI_ASSERT(ExpFindEntry(Table, ExpHandleToIndex(Handle)) == Entry);
    Entry->Object = NULL;
    State = InterlockedExchange(&Entry->State, 0);
    KI_ASSERT(State & EX_ENTRY_LOCKED);
    if (State & EX_ENTRY_WAITED) {
        ExWakeHandleWaiters(Table, Entry);
    }
    InterlockedDecrement(&Table->Count);
    ExTraceHandle(Table, Handle, FALSE, __builtin_return_address(0));
    ExpGiveIndex(Table, ExpHandleToIndex(Handle), Entry);
    KeLeaveCriticalRegion();
}

BOOLEAN ExNextHandle(PHANDLE_TABLE Table, HANDLE *Handle)
{
    ULONG_PTR Index = (ULONG_PTR)*Handle >> 2;

    while (++Index < Table->Capacity) {
        if (ExpFindEntry(Table, Index)->State & EX_ENTRY_USED) {
            *Handle = ExpIndexToHandle((ULONG)Index);
            return TRUE;
        }
    }
    return FALSE;
}

ULONG ExQueryHandleCount(PHANDLE_TABLE Table)
{
    return (ULONG)Table->Count;
}
