/*
 * resourceowner.c - executive resources: their owners, their list, and the `locks` command.
 *
 * The only or first owner stands in the resource itself (OwnerEntry), further sharers in a table
 * from the pool that doubles when it is full and stays until the resource is deleted; its entry 0
 * tells its size. Entries are found by looking at all of them. Guarded by the resource's SpinLock.
 * Entries hold no references to threads. A thread that has ever been an owner says so in its
 * object, and when that is deleted its entries are looked for and marked: so as long as the lock
 * is held, a thread that an entry names is there.
 *
 * All resources of the system are in one list, guarded by ExpResourceListLock, which is taken
 * before a resource's own lock.
 */
#include "ex.h"
#include "kd.h"
#include "ldr.h"
#include "leak.h"
#include "resource.h"

#define EX_TABLE_TAG 'tRxE'
#define EX_FIRST_TABLE_SIZE 4

static LIST_ENTRY ExpResourceList = {&ExpResourceList, &ExpResourceList};
static KSPIN_LOCK ExpResourceListLock;

void NTAPI ExpResourceNotOwned(PERESOURCE Resource, ERESOURCE_THREAD Owner, EX_NOT_OWNED Reason)
{
    KeBugCheckEx(RESOURCE_NOT_OWNED, (ULONG_PTR)Resource, Owner, (ULONG_PTR)Resource->OwnerTable,
                 Resource->ActiveEntries == 0 ? ExNotOwnedAtAll : Reason);
}

POWNER_ENTRY NTAPI ExpFindOwnerInTable(PERESOURCE Resource, ERESOURCE_THREAD Owner)
{
    POWNER_ENTRY Table = Resource->OwnerTable;

    for (ULONG i = 1; Table != NULL && i < Table->TableSize; i++) {
        if (Table[i].OwnerThread == Owner) {
            return &Table[i];
        }
    }
    return NULL;
}

/* Makes a larger table. Pool memory that is exhausted comes back when others go on: wait for it,
 * because an acquisition cannot fail. The lock is dropped meanwhile, so the table may have grown
 * already. */
static VOID ExpGrowTable(PERESOURCE Resource, PKIRQL OldIrql)
{
    ULONG Size = Resource->OwnerTable != NULL ? Resource->OwnerTable->TableSize : 0;
    ULONG NewSize = max(Size * 2, EX_FIRST_TABLE_SIZE);
    LARGE_INTEGER Moment = {.QuadPart = -10 * 10000LL};
    POWNER_ENTRY Table, Surplus;

    KeReleaseSpinLock(&Resource->SpinLock, *OldIrql);
    while ((Table = ExAllocateUnrefused(NewSize * sizeof(OWNER_ENTRY), EX_TABLE_TAG)) == NULL) {
        KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    }
    RtlZeroMemory(Table, NewSize * sizeof(OWNER_ENTRY));
    *OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    Surplus = Table;
    if (Resource->OwnerTable == NULL || Resource->OwnerTable->TableSize == Size) {
        Surplus = Resource->OwnerTable;
        RtlCopyMemory(Table, Surplus, Size * sizeof(OWNER_ENTRY));
        Table->TableSize = NewSize;
        Resource->OwnerTable = Table;
    }
    if (Surplus != NULL) {
        ExFreePoolWithTag(Surplus, EX_TABLE_TAG);
    }
}

BOOLEAN NTAPI ExpAddOwner(PERESOURCE Resource, ERESOURCE_THREAD Owner, ULONG Count, PKIRQL OldIrql)
{
    POWNER_ENTRY Entry;

    for (;;) {
        Entry = ExpFindOwner(Resource, Owner);
        if (Entry != NULL) {
            Entry->OwnerCount += Count;
            return TRUE;
        }
        Entry = ExpFindOwner(Resource, 0);
        if (Entry != NULL) {
            ((PKTHREAD)Owner)->OwnedResource = TRUE;
            Entry->OwnerThread = Owner;
            Entry->OwnerCount = Count;
            return FALSE;
        }
        ExpGrowTable(Resource, OldIrql);
    }
}

VOID NTAPI ExSetResourceOwnerPointerEx(PERESOURCE Resource, PVOID OwnerPointer, ULONG Flags)
{
    ERESOURCE_THREAD Me = ExGetCurrentResourceThread(), Owner = (ERESOURCE_THREAD)OwnerPointer;
    BOOLEAN IsThread = (Flags & FLAG_OWNER_POINTER_IS_THREAD) != 0;
    POWNER_ENTRY Mine, Other;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    KI_ASSERT((Owner & 3) == (IsThread ? 0 : 3)); /* or it would be taken for the other kind */
    if (IsThread) {
        ((PKTHREAD)Owner)->OwnedResource = TRUE;
    } else if (ExpIsLivingThread(Owner)) {
        Owner = ExpEndedOwner(Owner); /* whatever it is */
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    Mine = ExpFindOwner(Resource, Me);
    Other = ExpFindOwner(Resource, Owner);
    if (Mine == NULL) {
        ExpResourceNotOwned(Resource, Me, ExNotShared);
    }
    if (Other == NULL) {
        Mine->OwnerThread = Owner;
    } else if (Other != Mine) { /* shares already: one owner fewer */
        Other->OwnerCount += Mine->OwnerCount;
        Mine->OwnerThread = Mine->OwnerCount = 0;
        Resource->ActiveEntries -= 1;
        Resource->ActiveCount = (SHORT)min(Resource->ActiveEntries, 0x7FFFU);
    }
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

void ExForgetOwner(PKTHREAD Thread)
{
    ERESOURCE_THREAD Owner = (ERESOURCE_THREAD)Thread;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (!Thread->OwnedResource) {
        return;
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpResourceListLock);
    for (PLIST_ENTRY Link = ExpResourceList.Flink; Link != &ExpResourceList; Link = Link->Flink) {
        PERESOURCE Resource = CONTAINING_RECORD(Link, ERESOURCE, SystemResourcesList);
        POWNER_ENTRY Entry;

        KeAcquireSpinLockAtDpcLevel(&Resource->SpinLock);
        Entry = ExpFindOwner(Resource, Owner);
        if (Entry != NULL) {
            Entry->OwnerThread = ExpEndedOwner(Owner);
        }
        KeReleaseSpinLockFromDpcLevel(&Resource->SpinLock);
    }
    KeReleaseSpinLock(&ExpResourceListLock, OldIrql);
}

VOID NTAPI ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer)
{
    ExSetResourceOwnerPointerEx(Resource, OwnerPointer, 0);
}

BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    /* Without the lock: whether it is the caller only the caller changes. */
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    return ExpOwnsAlone(Resource);
}

ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    KIRQL OldIrql;
    POWNER_ENTRY Entry;
    ULONG Count;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    Entry = ExpFindOwner(Resource, ExGetCurrentResourceThread());
    Count = Entry != NULL ? Entry->OwnerCount : 0;
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Count;
}

ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return *(volatile ULONG *)&Resource->NumberOfExclusiveWaiters;
}

ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return *(volatile ULONG *)&Resource->NumberOfSharedWaiters;
}

VOID NTAPI ExDisableResourceBoostLite(PERESOURCE Resource)
{
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    Resource->Flag |= EX_RESOURCE_NO_BOOST;
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    KI_ASSERT(((ULONG_PTR)Resource & 7) == 0);
    RtlZeroMemory(Resource, sizeof(*Resource));
    Resource->Address = __builtin_return_address(0);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpResourceListLock);
    InsertTailList(&ExpResourceList, &Resource->SystemResourcesList);
    KeReleaseSpinLock(&ExpResourceListLock, OldIrql);
    return STATUS_SUCCESS;
}

/* With the list's lock: who takes a resource's lock besides those who use it has that, too. */
static VOID ExpRequireIdle(PERESOURCE Resource)
{
    KI_ASSERT(Resource->SharedWaiters == NULL && Resource->ExclusiveWaiters == NULL);
    KI_ASSERT(KeTestSpinLock(&Resource->SpinLock));
}

NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource)
{
    POWNER_ENTRY Table = Resource->OwnerTable;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpResourceListLock);
    ExpRequireIdle(Resource);
    for (ULONG i = 1; Table != NULL && i < Table->TableSize; i++) {
        Table[i].OwnerThread = Table[i].OwnerCount = 0;
    }
    Resource->Flag = 0;
    Resource->ContentionCount = 0;
    Resource->OwnerEntry.OwnerThread = Resource->OwnerEntry.OwnerCount = 0;
    Resource->ActiveEntries = 0;
    Resource->ActiveCount = 0;
    KeReleaseSpinLock(&ExpResourceListLock, OldIrql);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpResourceListLock);
    ExpRequireIdle(Resource);
    RemoveEntryList(&Resource->SystemResourcesList);
    KeReleaseSpinLock(&ExpResourceListLock, OldIrql);
    if (Resource->OwnerTable != NULL) {
        ExFreePoolWithTag(Resource->OwnerTable, EX_TABLE_TAG);
        Resource->OwnerTable = NULL;
    }
    return STATUS_SUCCESS;
}

/* Made by the image, or in it: then it is about to go, and leaves the list. */
void ExpFindResourceLeaks(PLDR_LEAKS Leaks)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpResourceListLock);
    PLIST_ENTRY Next;

    for (PLIST_ENTRY Entry = ExpResourceList.Flink; Entry != &ExpResourceList; Entry = Next) {
        PERESOURCE Resource = CONTAINING_RECORD(Entry, ERESOURCE, SystemResourcesList);

        Next = Entry->Flink;
        if (LdrIsInImage(Leaks, Resource)) {
            RemoveEntryList(Entry);
        }
        if (LdrIsInImage(Leaks, Resource) || LdrIsInImage(Leaks, Resource->Address)) {
            LdrNoteLeak(Leaks, LdrLeakResource, Resource, Resource->Address);
            Resource->Address = NULL; /* the next image at these addresses has not made it */
        }
    }
    KeReleaseSpinLock(&ExpResourceListLock, OldIrql);
}

/* A copy of the list's Index-th resource; FALSE behind the end. */
static BOOLEAN ExpCopyResource(ULONG Index, PERESOURCE Copy, PERESOURCE *Resource)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ExpResourceListLock);
    PLIST_ENTRY Entry = ExpResourceList.Flink;
    BOOLEAN Found;

    while (Entry != &ExpResourceList && Index-- != 0) {
        Entry = Entry->Flink;
    }
    Found = Entry != &ExpResourceList;
    if (Found) {
        *Resource = CONTAINING_RECORD(Entry, ERESOURCE, SystemResourcesList);
        KeAcquireSpinLockAtDpcLevel(&(*Resource)->SpinLock);
        *Copy = **Resource;
        KeReleaseSpinLockFromDpcLevel(&(*Resource)->SpinLock);
    }
    KeReleaseSpinLock(&ExpResourceListLock, OldIrql);
    return Found;
}

/* The `locks` command, after the debugger's !locks: who made each resource, who has it, who
 * waits. */
static NTSTATUS ExpShowLocks(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ERESOURCE Copy;
    PERESOURCE Resource;
    CHAR Maker[64];

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "Resource          Owned      Owners  Waiting to share/own  Waits  "
                            "First owner       Made by\n");
    for (ULONG i = 0; ExpCopyResource(i, &Copy, &Resource); i++) {
        ERESOURCE_THREAD Owner = Copy.OwnerEntry.OwnerThread;
        BOOLEAN Ended = (Owner & 3) == ExpEndedOwner(0);

        LdrFormatAddress(Copy.Address, Maker, sizeof(Maker));
        KdConsolePrint(Console, "%p  %-9s  %6u  %12u / %-5u  %5u  %p  %s%s\n", Resource,
                       Copy.ActiveEntries == 0                     ? "no"
                       : (Copy.Flag & ResourceOwnedExclusive) != 0 ? "exclusive"
                                                                   : "shared",
                       Copy.ActiveEntries, Copy.NumberOfSharedWaiters,
                       Copy.NumberOfExclusiveWaiters, Copy.ContentionCount,
                       (PVOID)(Ended ? Owner - ExpEndedOwner(0) : Owner), Maker,
                       Ended ? "; the first owner has ended" : "");
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("locks", "", "executive resources: who has them, who waits", ExpShowLocks);
