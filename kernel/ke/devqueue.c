/*
 * Device queues: the queue of requests behind a device that handles one at a time (StartIo).
 *
 * Busy means that some request is being handled; the entries wait behind it. Inserting into a queue
 * that is not busy makes it busy and inserts nothing: the caller starts its request itself. The
 * queue's own spin lock guards Busy, the list, and each entry's Inserted.
 */
#include "ke.h"

static PKDEVICE_QUEUE_ENTRY KiEntryOf(PLIST_ENTRY Link)
{
    return CONTAINING_RECORD(Link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
}

VOID NTAPI KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    DeviceQueue->Type = DeviceQueueObject;
    DeviceQueue->Size = sizeof(*DeviceQueue);
    InitializeListHead(&DeviceQueue->DeviceListHead);
    KeInitializeSpinLock(&DeviceQueue->Lock);
    DeviceQueue->Reserved = 0;
    DeviceQueue->Hint = 0;
}

/* First link whose key is greater than SortKey, or the head: where such an entry goes. Lock
 * held. */
static PLIST_ENTRY KiFindKeyPosition(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PLIST_ENTRY Link = DeviceQueue->DeviceListHead.Flink;
    while (Link != &DeviceQueue->DeviceListHead && KiEntryOf(Link)->SortKey <= SortKey) {
        Link = Link->Flink;
    }
    return Link;
}

/* Inserts Entry before Position, or only makes the queue busy. Lock held. */
static BOOLEAN KiInsertOrStart(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry,
                               PLIST_ENTRY Position)
{
    Entry->Inserted = DeviceQueue->Busy;
    if (DeviceQueue->Busy) {
        InsertTailList(Position, &Entry->DeviceListEntry);
    }
    DeviceQueue->Busy = TRUE;
    return Entry->Inserted;
}

BOOLEAN NTAPI KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry)
{
    BOOLEAN Inserted;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&DeviceQueue->Lock);
    Inserted = KiInsertOrStart(DeviceQueue, Entry, &DeviceQueue->DeviceListHead);
    KeReleaseSpinLock(&DeviceQueue->Lock, OldIrql);
    return Inserted;
}

BOOLEAN NTAPI KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry,
                                       ULONG SortKey)
{
    BOOLEAN Inserted;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&DeviceQueue->Lock);
    Entry->SortKey = SortKey;
    Inserted = KiInsertOrStart(DeviceQueue, Entry, KiFindKeyPosition(DeviceQueue, SortKey));
    KeReleaseSpinLock(&DeviceQueue->Lock, OldIrql);
    return Inserted;
}

/* Takes Link out, or makes the queue idle when Link is NULL. Lock held. */
static PKDEVICE_QUEUE_ENTRY KiTakeOrIdle(PKDEVICE_QUEUE DeviceQueue, PLIST_ENTRY Link)
{
    if (IsListEmpty(&DeviceQueue->DeviceListHead)) {
        DeviceQueue->Busy = FALSE;
        return NULL;
    }
    RemoveEntryList(Link);
    KiEntryOf(Link)->Inserted = FALSE;
    return KiEntryOf(Link);
}

PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    PKDEVICE_QUEUE_ENTRY Entry;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&DeviceQueue->Lock);
    Entry = KiTakeOrIdle(DeviceQueue, DeviceQueue->DeviceListHead.Flink);
    KeReleaseSpinLock(&DeviceQueue->Lock, OldIrql);
    return Entry;
}

PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PKDEVICE_QUEUE_ENTRY Entry;
    PLIST_ENTRY Link;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&DeviceQueue->Lock);
    /* The first entry at or after the key, as a lift going up; past the last one, start over. */
    Link = DeviceQueue->DeviceListHead.Flink;
    while (Link != &DeviceQueue->DeviceListHead && KiEntryOf(Link)->SortKey < SortKey) {
        Link = Link->Flink;
    }
    if (Link == &DeviceQueue->DeviceListHead) {
        Link = Link->Flink;
    }
    Entry = KiTakeOrIdle(DeviceQueue, Link);
    KeReleaseSpinLock(&DeviceQueue->Lock, OldIrql);
    return Entry;
}

BOOLEAN NTAPI KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry)
{
    BOOLEAN Removed;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&DeviceQueue->Lock);
    Removed = Entry->Inserted;
    if (Removed) {
        RemoveEntryList(&Entry->DeviceListEntry);
        Entry->Inserted = FALSE;
    }
    KeReleaseSpinLock(&DeviceQueue->Lock, OldIrql);
    return Removed;
}
