/*
 * poolowner.c - who has allocated what: a record for each tag, kind, size class and caller.
 *
 * An open hash table that is searched without locks. A slot belongs to whoever sets Claimed; Key is
 * written last, so a record that is found is complete. Two processors may make two records for the
 * same owner, which does no harm: a block remembers the record that counted it, so that its free is
 * counted there too, and every figure that is shown is a sum. For the same reason a slot may become
 * free in the middle of a run of slots.
 *
 * A caller is the address to which the pools return. When its module goes, what it has freed is
 * added to a record without a caller, and what it has not stays, under its tag alone: the next
 * module at these addresses is somebody else. The table itself never moves and is never full of
 * those who are gone.
 *
 * Counters change by locked additions; they are exact whenever nobody is inside the pools. The
 * pools keep no other counts.
 */
#include "pool.h"

/* "Ovfl": those that found the table full. */
#define EX_TAG_OTHERS 'lfvO'
#define EX_TAG_BIG ' GIB'
/* Instead of a caller: its module is gone. Below all addresses of the kernel half. */
#define EX_CALLER_GONE ((PVOID)0xFFFF000000000000UL)
/* Slots that are looked at before the table counts as full. */
#define EX_OWNER_PROBES 128

EX_POOL_OWNER ExpOwners[EX_OWNER_SLOTS + EX_POOL_INDEXES];
ULONG ExpOwnerHints[1 << (64 - EX_HINT_SHIFT)];
volatile LONG64 ExpLargePages[EX_POOL_KINDS];

static BOOLEAN ExpClaimOwner(PEX_POOL_OWNER Owner, ULONG64 Key, ULONG Tag, PKPROCESS Process)
{
    if (InterlockedCompareExchange(&Owner->Claimed, 1, 0) != 0) {
        return FALSE;
    }
    Owner->Tag = Tag;
    Owner->Process = Process;
    __atomic_store_n(&Owner->Key, Key, __ATOMIC_RELEASE);
    return TRUE;
}

/* One for each index, made when it is first needed. */
static PEX_POOL_OWNER ExpOverflowOwner(ULONG Index)
{
    PEX_POOL_OWNER Owner = &ExpOwners[EX_OWNER_SLOTS + Index];

    ExpClaimOwner(Owner, ExpOwnerKey(EX_CALLER_GONE, Index), EX_TAG_OTHERS, NULL);
    return Owner;
}

PEX_POOL_OWNER ExpFindOwner(ULONG64 Key, ULONG Tag, PKPROCESS Process)
{
    ULONG64 Hash = ExpHashOwner(Key, Tag);

    if (Tag == 0 || Tag == EX_TAG_BIG) {
        KeBugCheckEx(BAD_POOL_CALLER, Tag == 0 ? EX_BAD_ZERO_TAG : EX_BAD_BIG_TAG,
                     EX_KIND_OF_INDEX(ExpIndexOfKey(Key)), 0, (ULONG_PTR)ExpCallerOfKey(Key));
    }
    for (ULONG i = 0; i < EX_OWNER_PROBES; i++) {
        PEX_POOL_OWNER Owner = &ExpOwners[(Hash + i) & (EX_OWNER_SLOTS - 1)];

        if ((Owner->Key == 0 && ExpClaimOwner(Owner, Key, Tag, Process)) ||
            (Owner->Key == Key && Owner->Tag == Tag && Owner->Process == Process)) {
            ExpOwnerHints[Hash] = (ULONG)((ULONG_PTR)Owner - (ULONG_PTR)ExpOwners);
            return Owner;
        }
    }
    return ExpOverflowOwner(ExpIndexOfKey(Key));
}

LONG64 ExpOwnerBytes(const EX_POOL_OWNER *Owner)
{
    ULONG Index = ExpIndexOfKey(Owner->Key);
    ULONG Class = Index - EX_POOL_INDEX(EX_KIND_OF_INDEX(Index), 0);

    if (Class == EX_CLASS_PAGES) {
        return Owner->Bytes;
    }
    return (Owner->Allocations - Owner->Frees) * ExpClassBytes[Class];
}

void ExpQueryKindStatistics(ULONG Kind, EX_POOL_STATISTICS *Statistics)
{
    *Statistics = (EX_POOL_STATISTICS){0};
    for (ULONG i = 0; i < ARRAYSIZE(ExpOwners); i++) {
        const EX_POOL_OWNER *Owner = &ExpOwners[i];

        if (Owner->Key != 0 && EX_KIND_OF_INDEX(ExpIndexOfKey(Owner->Key)) == Kind) {
            Statistics->Allocations += (ULONG64)Owner->Allocations;
            Statistics->Frees += (ULONG64)Owner->Frees;
            Statistics->BytesInUse += (ULONG64)ExpOwnerBytes(Owner);
        }
    }
    Statistics->PagesInUse = ExpQuerySlabPages(Kind) + (ULONG64)ExpLargePages[Kind];
}

void ExQueryPoolStatistics(POOL_TYPE PoolType, EX_POOL_STATISTICS *Statistics)
{
    ExpQueryKindStatistics(PoolType & PagedPool, Statistics);
}

/*** Modules. ***/

static BOOLEAN ExpIsCallerIn(const EX_POOL_OWNER *Owner, PVOID Base, SIZE_T Size)
{
    return Owner->Key != 0 &&
           (ULONG_PTR)ExpCallerOfKey(Owner->Key) - (ULONG_PTR)Base < (ULONG_PTR)Size;
}

ULONG64 ExQueryModulePool(PVOID Base, SIZE_T Size, EX_POOL_CALLBACK *Callback, PVOID Context)
{
    ULONG64 Total = 0;

    for (ULONG i = 0; i < EX_OWNER_SLOTS; i++) {
        const EX_POOL_OWNER *Owner = &ExpOwners[i];
        LONG64 Count = Owner->Allocations - Owner->Frees;

        if (Count == 0 || !ExpIsCallerIn(Owner, Base, Size)) {
            continue;
        }
        Total += (ULONG64)Count;
        if (Callback != NULL) {
            Callback(Owner->Tag, ExpCallerOfKey(Owner->Key), (ULONG64)Count,
                     (ULONG64)ExpOwnerBytes(Owner), Context);
        }
    }
    return Total;
}

static void ExpCountPages(PEX_POOL_OWNER Owner, volatile LONG64 *Count, LONG64 Pages)
{
    InterlockedIncrement64(Count);
    InterlockedAdd64(&Owner->Bytes, Pages * PAGE_SIZE);
    InterlockedAdd64(&ExpLargePages[0], Pages);
}

USHORT ExAccountPages(ULONG Tag, PVOID Caller, SIZE_T Pages)
{
    PEX_POOL_OWNER Owner =
        ExpFindOwner(ExpOwnerKey(Caller, EX_POOL_INDEX(0, EX_CLASS_PAGES)), Tag, NULL);

    ExpCountPages(Owner, &Owner->Allocations, (LONG64)Pages);
    return (USHORT)(Owner - ExpOwners);
}

void ExReleasePages(USHORT Owner, SIZE_T Pages)
{
    ExpCountPages(&ExpOwners[Owner], &ExpOwners[Owner].Frees, -(LONG64)Pages);
}

/* Nobody calls from there any more, and nothing counted there is in use. */
static void ExpRetireOwner(PEX_POOL_OWNER Owner)
{
    ULONG64 Key = ExpOwnerKey(EX_CALLER_GONE, ExpIndexOfKey(Owner->Key));
    PEX_POOL_OWNER Past = ExpFindOwner(Key, Owner->Tag, NULL);

    InterlockedAdd64(&Past->Allocations, Owner->Allocations);
    InterlockedAdd64(&Past->Frees, Owner->Frees);
    Owner->Allocations = Owner->Frees = 0;
    Owner->Key = 0;
    __atomic_store_n(&Owner->Claimed, 0, __ATOMIC_RELEASE);
}

void ExForgetModulePool(PVOID Base, SIZE_T Size)
{
    for (ULONG i = 0; i < EX_OWNER_SLOTS; i++) {
        PEX_POOL_OWNER Owner = &ExpOwners[i];

        if (!ExpIsCallerIn(Owner, Base, Size)) {
            continue;
        }
        if (Owner->Allocations == Owner->Frees) {
            ExpRetireOwner(Owner);
        } else {
            /* The index, and whether somebody is billed, stay as they are. */
            Owner->Key ^= (ULONG64)ExpCallerOfKey(Owner->Key) ^ (ULONG64)EX_CALLER_GONE;
        }
    }
}
