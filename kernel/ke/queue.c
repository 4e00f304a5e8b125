/*
 * Kernel queues: a list of entries and a pool of threads that take them, with a limit on how many
 * of these threads are busy at once.
 *
 * A thread belongs to the queue it last took from (KTHREAD.Queue). CurrentCount counts the queue's
 * threads that are not waiting. When one of them blocks on anything, its place goes to a thread
 * that waits for an entry (KiQueueThreadBlocks, called by KiBlockThread); when it wakes, it takes
 * its place back, so for a while more than MaximumCount may be busy, and no entry is given out
 * until the count has dropped again. Threads wait in LIFO order: the last one's stack is still in
 * the caches. Everything is guarded by KiDispatcherLock.
 */
#include "wait.h"

VOID NTAPI KeInitializeQueue(PRKQUEUE Queue, ULONG Count)
{
    KiInitializeHeader(&Queue->Header, QueueObject, sizeof(*Queue), 0);
    InitializeListHead(&Queue->EntryListHead);
    InitializeListHead(&Queue->ThreadListHead);
    Queue->CurrentCount = 0;
    Queue->MaximumCount = Count != 0 ? Count : KeNumberProcessors;
}

/* Gives Entry to the last thread that began to wait. */
static void KiHandOver(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    PKWAIT_BLOCK Block =
        CONTAINING_RECORD(Queue->Header.WaitListHead.Blink, KWAIT_BLOCK, WaitListEntry);
    Entry->Flink = NULL; /* as a taken entry looks */
    KiUnwaitThread(Block->Thread, (LONG_PTR)Entry, IO_NO_INCREMENT);
}

/* A place is free, or an entry has come: may somebody who waits go on? */
static void KiActivateWaiter(PRKQUEUE Queue)
{
    if (Queue->Header.SignalState > 0 && Queue->CurrentCount < Queue->MaximumCount &&
        !IsListEmpty(&Queue->Header.WaitListHead)) {
        Queue->Header.SignalState -= 1;
        KiHandOver(Queue, RemoveHeadList(&Queue->EntryListHead));
    }
}

void KiQueueThreadBlocks(PKTHREAD Thread)
{
    Thread->Queue->CurrentCount -= 1;
    KiActivateWaiter(Thread->Queue);
}

void KiQueueThreadWakes(PKTHREAD Thread)
{
    Thread->Queue->CurrentCount += 1;
}

void KiLeaveQueue(PKTHREAD Thread)
{
    PRKQUEUE Queue = Thread->Queue;
    if (Queue != NULL) {
        Thread->Queue = NULL;
        RemoveEntryList(&Thread->QueueListEntry);
        if (Thread->State != Waiting) { /* else its place is given up already */
            Queue->CurrentCount -= 1;
            KiActivateWaiter(Queue);
        }
    }
}

static void KiJoinQueue(PKTHREAD Thread, PRKQUEUE Queue)
{
    if (Thread->Queue != Queue) {
        KiLeaveQueue(Thread);
        Thread->Queue = Queue;
        InsertTailList(&Queue->ThreadListHead, &Thread->QueueListEntry);
        Queue->CurrentCount += 1;
    }
}

static LONG KiInsertEntry(PRKQUEUE Queue, PLIST_ENTRY Entry, BOOLEAN AtHead)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = Queue->Header.SignalState;
    if (AtHead) {
        InsertHeadList(&Queue->EntryListHead, Entry);
    } else {
        InsertTailList(&Queue->EntryListHead, Entry);
    }
    Queue->Header.SignalState = Previous + 1;
    KiActivateWaiter(Queue);
    KiUnlockDispatcher(OldIrql);
    return Previous;
}

LONG NTAPI KeInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    return KiInsertEntry(Queue, Entry, FALSE);
}

LONG NTAPI KeInsertHeadQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    return KiInsertEntry(Queue, Entry, TRUE);
}

/* An entry for the current thread, which counts as busy itself; NULL when it has to wait. */
static PLIST_ENTRY KiTakeEntry(PRKQUEUE Queue)
{
    PLIST_ENTRY Entry;
    if (Queue->Header.SignalState == 0 || Queue->CurrentCount > Queue->MaximumCount) {
        return NULL;
    }
    Queue->Header.SignalState -= 1;
    Entry = RemoveHeadList(&Queue->EntryListHead);
    Entry->Flink = NULL;
    return Entry;
}

/* Waits for an entry. The result is the thread's WaitStatus: an entry's address, or a status. */
static LONG_PTR KiWaitForEntry(PKTHREAD Thread, PRKQUEUE Queue, const KI_WAIT *Wait)
{
    PKWAIT_BLOCK Block = &Thread->WaitBlock[0];
    Block->Object = Queue;
    Block->WaitType = WaitAny;
    KiBlockThread(Thread, Block, 1, Wait->HasTimeout ? &Wait->DueTime100ns : NULL);
    return Thread->WaitStatus;
}

PLIST_ENTRY NTAPI KeRemoveQueue(PRKQUEUE Queue, KPROCESSOR_MODE WaitMode, PLARGE_INTEGER Timeout)
{
    PKTHREAD Thread = KeGetCurrentThread();
    LONG_PTR Result;
    NTSTATUS Status;
    KI_WAIT Wait;

    KiPrepareWait(&Wait, WrQueue, WaitMode, FALSE, Timeout);
    KiEnterWait(Thread);
    KiJoinQueue(Thread, Queue);
    do {
        while (KiDeliverApcsBeforeWait(Thread)) {
        }
        Result = (LONG_PTR)KiTakeEntry(Queue);
        if (Result != 0) {
            break;
        }
        if (KiWaitEndsNow(Thread, &Wait, &Status)) {
            Result = Status;
            break;
        }
        Result = KiWaitForEntry(Thread, Queue, &Wait);
    } while (Result == STATUS_KERNEL_APC);
    KiFinishWait(Thread, STATUS_SUCCESS);
    return (PLIST_ENTRY)Result;
}

LONG NTAPI KeReadStateQueue(PRKQUEUE Queue)
{
    return *(volatile LONG *)&Queue->Header.SignalState;
}

PLIST_ENTRY NTAPI KeRundownQueue(PRKQUEUE Queue)
{
    PLIST_ENTRY First = NULL;
    KIRQL OldIrql = KiLockDispatcher();
    if (!IsListEmpty(&Queue->EntryListHead)) {
        First = Queue->EntryListHead.Flink;
        RemoveEntryList(&Queue->EntryListHead);
    }
    InitializeListHead(&Queue->EntryListHead);
    Queue->Header.SignalState = 0;
    while (!IsListEmpty(&Queue->Header.WaitListHead)) {
        PLIST_ENTRY Link = Queue->Header.WaitListHead.Flink;
        KiUnwaitThread(CONTAINING_RECORD(Link, KWAIT_BLOCK, WaitListEntry)->Thread,
                       STATUS_ABANDONED, IO_NO_INCREMENT);
    }
    while (!IsListEmpty(&Queue->ThreadListHead)) {
        KiLeaveQueue(CONTAINING_RECORD(Queue->ThreadListHead.Flink, KTHREAD, QueueListEntry));
    }
    KiUnlockDispatcher(OldIrql);
    return First;
}
