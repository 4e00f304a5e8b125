/*
 * player.c - the queue of notes, and what "the music has ended" means.
 *
 * Invariant: Available's count is the number of notes in the queue, less one while the thread is on
 * its way from a satisfied wait to PlayerTakeNote. Notes go in under Mutex with their count, all
 * or none, and go out by the thread, or by PlayerFlush, which takes a count for each note it
 * removes. So the count never passes MELODY_QUEUE_LIMIT, at which a release would raise an
 * exception.
 *
 * "Quiet" is: no notes queued and none in hand. A wait request looks at that and enters the list
 * of waiters under Mutex; whoever makes it quiet, the thread or a stop, empties that list under the
 * same Mutex. So no waiter is forgotten, and none is released by an end that came before it.
 */
#include "player.h"
#include <ntddbeep.h>

/* The compiler may count on a lookaside list's alignment of 64 bytes, which a device extension
 * does not have. There is one device, so there is one list. */
static PAGED_LOOKASIDE_LIST PlayerItems;

void PlayerInitialize(PMELODY_PLAYER Player, PDEVICE_OBJECT Owner)
{
    RtlZeroMemory(Player, sizeof(*Player));
    ExInitializeFastMutex(&Player->Mutex);
    InitializeListHead(&Player->Notes);
    KeInitializeSemaphore(&Player->Available, 0, MELODY_QUEUE_LIMIT);
    KeInitializeEvent(&Player->StopNote, NotificationEvent, FALSE);
    KeInitializeEvent(&Player->StopThread, NotificationEvent, FALSE);
    ExInitializePagedLookasideList(&PlayerItems, NULL, NULL, 0, sizeof(MELODY_ITEM), MELODY_TAG, 0);
    KeInitializeSpinLock(&Player->WaitersLock);
    InitializeListHead(&Player->Waiters);
    KeInitializeMutex(&Player->CreateMutex, 0);
    Player->Owner = Owner;
}

static NTSTATUS PlayerCreateThread(PMELODY_PLAYER Player)
{
    OBJECT_ATTRIBUTES Attributes = RTL_CONSTANT_OBJECT_ATTRIBUTES(NULL, OBJ_KERNEL_HANDLE);
    HANDLE Handle;
    NTSTATUS Status;

    Status = IoCreateSystemThread(Player->Owner, &Handle, THREAD_ALL_ACCESS, &Attributes, NULL,
                                  NULL, PlayerThread, Player);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* A pointer to wait on later, in whatever process unloads the driver. It cannot fail: the
     * handle is ours and has all access. */
    Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, KernelMode,
                                       (PVOID *)&Player->Thread, NULL);
    NT_ASSERT(NT_SUCCESS(Status));
    ZwClose(Handle);
    return Status;
}

static NTSTATUS PlayerOpenBeep(PMELODY_PLAYER Player)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DD_BEEP_DEVICE_NAME_U);

    return IoGetDeviceObjectPointer(&Name, GENERIC_WRITE, &Player->BeepFile, &Player->BeepDevice);
}

/* A mutex and not the fast mutex: opening a device and making a thread take PASSIVE_LEVEL, and a
 * fast mutex raises to APC_LEVEL. */
NTSTATUS PlayerStart(PMELODY_PLAYER Player)
{
    NTSTATUS Status = STATUS_SUCCESS;

    KeWaitForSingleObject(&Player->CreateMutex, Executive, KernelMode, FALSE, NULL);
    if (Player->Thread == NULL) {
        Status = PlayerOpenBeep(Player);
        if (NT_SUCCESS(Status)) {
            Status = PlayerCreateThread(Player);
            if (!NT_SUCCESS(Status)) {
                ObDereferenceObject(Player->BeepFile);
            }
        }
    }
    KeReleaseMutex(&Player->CreateMutex, FALSE);
    return Status;
}

/* Frees a list of items that nobody else sees. */
static void PlayerFreeItems(PLIST_ENTRY List)
{
    while (!IsListEmpty(List)) {
        PMELODY_ITEM Item = CONTAINING_RECORD(RemoveHeadList(List), MELODY_ITEM, Link);
        ExFreeToPagedLookasideList(&PlayerItems, Item);
    }
}

/* Empties the queue. Mutex is held. */
static void PlayerFlush(PMELODY_PLAYER Player)
{
    LARGE_INTEGER AtOnce = {.QuadPart = 0};

    /* The last count may have been taken by the thread already: then its note is not there, and it
     * must not take one that is queued before it comes, which has a count of its own. */
    for (; Player->Count > 0; Player->Count--) {
        if (KeWaitForSingleObject(&Player->Available, Executive, KernelMode, FALSE, &AtOnce) ==
            STATUS_TIMEOUT) {
            Player->InVain = TRUE;
        }
    }
    PlayerFreeItems(&Player->Notes);
}

void PlayerDelete(PMELODY_PLAYER Player)
{
    if (Player->Thread != NULL) {
        KeSetEvent(&Player->StopThread, IO_NO_INCREMENT, FALSE);
        /* Not before the thread has ended may its code and the player go away. */
        KeWaitForSingleObject(Player->Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Player->Thread);
        ObDereferenceObject(Player->BeepFile);
    }
    PlayerFreeItems(&Player->Notes);
    ExDeletePagedLookasideList(&PlayerItems);
}

static BOOLEAN PlayerIsSound(const MELODY_NOTE *Note)
{
    BOOLEAN Frequency = Note->Frequency == 0 || (Note->Frequency >= BEEP_FREQUENCY_MINIMUM &&
                                                 Note->Frequency <= BEEP_FREQUENCY_MAXIMUM);

    return Frequency && Note->Duration >= 1 && Note->Duration <= MELODY_MAXIMUM_MS &&
           Note->Delay <= MELODY_MAXIMUM_MS && Note->Repeat >= 1 &&
           Note->Repeat <= MELODY_MAXIMUM_REPEAT;
}

/* Copies Notes into items on List. FALSE: out of memory; what is on List is still to be freed. */
static BOOLEAN PlayerMakeItems(const MELODY_NOTE *Notes, ULONG Count, PLIST_ENTRY List)
{
    for (ULONG i = 0; i < Count; i++) {
        PMELODY_ITEM Item = ExAllocateFromPagedLookasideList(&PlayerItems);

        if (Item == NULL) {
            return FALSE;
        }
        Item->Note = Notes[i];
        InsertTailList(List, &Item->Link);
    }
    return TRUE;
}

/* Moves Count items from List to the queue, if they fit: the only way into it. */
static BOOLEAN PlayerAppend(PMELODY_PLAYER Player, PLIST_ENTRY List, ULONG Count)
{
    BOOLEAN Fits;

    ExAcquireFastMutex(&Player->Mutex);
    Fits = Count <= MELODY_QUEUE_LIMIT - Player->Count;
    if (Fits) {
        while (!IsListEmpty(List)) {
            InsertTailList(&Player->Notes, RemoveHeadList(List));
        }
        Player->Count += Count;
        KeReleaseSemaphore(&Player->Available, IO_SOUND_INCREMENT, (LONG)Count, FALSE);
    }
    ExReleaseFastMutex(&Player->Mutex);
    return Fits;
}

NTSTATUS PlayerQueueNotes(PMELODY_PLAYER Player, const MELODY_NOTE *Notes, ULONG Count)
{
    NTSTATUS Status = STATUS_SUCCESS;
    LIST_ENTRY List;

    for (ULONG i = 0; i < Count; i++) {
        if (!PlayerIsSound(&Notes[i])) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    InitializeListHead(&List);
    if (Count > MELODY_QUEUE_LIMIT || !PlayerMakeItems(Notes, Count, &List) ||
        !PlayerAppend(Player, &List, Count)) {
        PlayerFreeItems(&List);
        Status = STATUS_INSUFFICIENT_RESOURCES;
    }
    return Status;
}

BOOLEAN PlayerTakeNote(PMELODY_PLAYER Player, PMELODY_NOTE Note, BOOLEAN *First)
{
    PMELODY_ITEM Item = NULL;

    ExAcquireFastMutex(&Player->Mutex);
    if (Player->InVain) {
        Player->InVain = FALSE;
    } else if (!IsListEmpty(&Player->Notes)) {
        Item = CONTAINING_RECORD(RemoveHeadList(&Player->Notes), MELODY_ITEM, Link);
        *First = !Player->Playing;
        Player->Count--;
        Player->InHand = Player->Playing = TRUE;
        Player->Played++;
        /* A stop before this moment was for what was queued then. */
        KeClearEvent(&Player->StopNote);
    }
    ExReleaseFastMutex(&Player->Mutex);
    if (Item == NULL) {
        return FALSE;
    }
    *Note = Item->Note;
    ExFreeToPagedLookasideList(&PlayerItems, Item);
    return TRUE;
}

/* Takes the waiters when all is quiet; they are to be completed without Mutex, which is held. */
static void PlayerTakeIfQuiet(PMELODY_PLAYER Player, PLIST_ENTRY Waiters)
{
    InitializeListHead(Waiters);
    if (!Player->Playing && Player->Count == 0) {
        WaiterTake(Player, NULL, Waiters);
    }
}

void PlayerEndNote(PMELODY_PLAYER Player)
{
    LIST_ENTRY Waiters;

    ExAcquireFastMutex(&Player->Mutex);
    Player->InHand = FALSE;
    Player->Playing = Player->Count > 0;
    PlayerTakeIfQuiet(Player, &Waiters);
    ExReleaseFastMutex(&Player->Mutex);
    WaiterComplete(&Waiters, STATUS_SUCCESS);
}

void PlayerStop(PMELODY_PLAYER Player)
{
    LIST_ENTRY Waiters;

    ExAcquireFastMutex(&Player->Mutex);
    PlayerFlush(Player);
    /* Between two notes the next one has just been taken away from the thread, which will not hear
     * of it: the music ends here. */
    Player->Playing = Player->InHand;
    KeSetEvent(&Player->StopNote, IO_SOUND_INCREMENT, FALSE);
    PlayerTakeIfQuiet(Player, &Waiters);
    ExReleaseFastMutex(&Player->Mutex);
    WaiterComplete(&Waiters, STATUS_SUCCESS);
}

NTSTATUS PlayerWait(PMELODY_PLAYER Player, PIRP Irp)
{
    BOOLEAN Quiet, Inserted = FALSE;

    ExAcquireFastMutex(&Player->Mutex);
    Quiet = !Player->Playing && Player->Count == 0;
    if (!Quiet) {
        IoMarkIrpPending(Irp);
        Inserted = WaiterInsert(Player, Irp);
    }
    ExReleaseFastMutex(&Player->Mutex);
    if (!Quiet && !Inserted) {
        LIST_ENTRY Cancelled;

        InitializeListHead(&Cancelled);
        InsertTailList(&Cancelled, &Irp->Tail.Overlay.ListEntry);
        WaiterComplete(&Cancelled, STATUS_CANCELLED);
    }
    return Quiet ? STATUS_SUCCESS : STATUS_PENDING;
}

void PlayerQuery(PMELODY_PLAYER Player, PMELODY_STATE State)
{
    ExAcquireFastMutex(&Player->Mutex);
    State->Queued = Player->Count;
    State->Playing = Player->Playing;
    State->Limit = MELODY_QUEUE_LIMIT;
    State->Played = Player->Played;
    ExReleaseFastMutex(&Player->Mutex);
}
