/*
 * interlock.c - lists and numbers that callers share at any IRQL, and the depth of sequenced lists.
 *
 * The caller's spin lock is taken with every interrupt masked, because drivers use these routines
 * from their interrupt routines too. Such a lock must not be used in any other way.
 */
#include "ke.h"

VOID NTAPI InitializeSListHead(PSLIST_HEADER SListHead)
{
    *SListHead = (SLIST_HEADER){0};
}

USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER ListHead)
{
    return (USHORT) * (volatile ULONGLONG *)&ListHead->Alignment;
}

static KIRQL ExpLockList(PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = KfRaiseIrql(HIGH_LEVEL);

    KeAcquireSpinLockAtDpcLevel(Lock);
    return OldIrql;
}

static void ExpUnlockList(PKSPIN_LOCK Lock, KIRQL OldIrql)
{
    KeReleaseSpinLockFromDpcLevel(Lock);
    KeLowerIrql(OldIrql);
}

PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpLockList(Lock);
    PLIST_ENTRY First = IsListEmpty(ListHead) ? NULL : ListHead->Flink;

    InsertHeadList(ListHead, ListEntry);
    ExpUnlockList(Lock, OldIrql);
    return First;
}

PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpLockList(Lock);
    PLIST_ENTRY Last = IsListEmpty(ListHead) ? NULL : ListHead->Blink;

    InsertTailList(ListHead, ListEntry);
    ExpUnlockList(Lock, OldIrql);
    return Last;
}

PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpLockList(Lock);
    PLIST_ENTRY First = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);

    ExpUnlockList(Lock, OldIrql);
    return First;
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                                    PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpLockList(Lock);
    PSINGLE_LIST_ENTRY First = ListHead->Next;

    PushEntryList(ListHead, ListEntry);
    ExpUnlockList(Lock, OldIrql);
    return First;
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpLockList(Lock);
    PSINGLE_LIST_ENTRY First = PopEntryList(ListHead);

    ExpUnlockList(Lock, OldIrql);
    return First;
}

LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                 PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpLockList(Lock);
    LARGE_INTEGER Before = *Addend;

    Addend->QuadPart += Increment.QuadPart;
    ExpUnlockList(Lock, OldIrql);
    return Before;
}

ULONG NTAPI ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpLockList(Lock);
    ULONG Before = *Addend;

    *Addend += Increment;
    ExpUnlockList(Lock, OldIrql);
    return Before;
}
