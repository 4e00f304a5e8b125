/*
 * player.h - private to the driver: the player, which owns the queue, the thread and the waiters.
 */
#ifndef _PLAYER_H_
#define _PLAYER_H_

#include <ntddk.h>
#include "kmelody.h"

#define MELODY_TAG 'dleM' /* "Meld" in a memory dump */

typedef struct _MELODY_ITEM {
    LIST_ENTRY Link;
    MELODY_NOTE Note;
} MELODY_ITEM, *PMELODY_ITEM;

/*
 * Lock legend: m Mutex   s WaitersLock   t only the player's thread   i fixed once the thread
 * exists; made under CreateMutex.
 */
typedef struct _MELODY_PLAYER {
    FAST_MUTEX Mutex;
    LIST_ENTRY Notes;     /* m  of MELODY_ITEM.Link */
    ULONG Count;          /* m  of them */
    BOOLEAN InVain;       /* m  the thread's satisfied wait was for a note that has been flushed */
    BOOLEAN InHand;       /* m  the thread has a note, from PlayerTakeNote to PlayerEndNote */
    BOOLEAN Playing;      /* m  the same, but also from one note to the next */
    ULONG Played;         /* m */
    KSEMAPHORE Available; /* counts the notes; m for release, see PlayerTakeNote */
    KEVENT StopNote;      /* m for set and clear: the note in hand is to end now */
    KEVENT StopThread;    /* set by PlayerDelete */

    KSPIN_LOCK WaitersLock;
    LIST_ENTRY Waiters; /* s  IRPs of IOCTL_MELODY_WAIT, by Tail.Overlay.ListEntry */

    KMUTEX CreateMutex;
    PDEVICE_OBJECT Owner;      /* i  whose thread this is */
    PETHREAD Thread;           /* i  referenced; NULL before the first open */
    PFILE_OBJECT BeepFile;     /* i  referenced */
    PDEVICE_OBJECT BeepDevice; /* i */

    ULONG64 NextTime; /* t  interrupt time at which what is in hand ends and the next begins */
} MELODY_PLAYER, *PMELODY_PLAYER;

/* Without a thread yet. Owner: the driver's device. */
void PlayerInitialize(PMELODY_PLAYER Player, PDEVICE_OBJECT Owner);
/* Opens the Beep device and starts the thread, unless that has been done. PASSIVE_LEVEL. */
NTSTATUS PlayerStart(PMELODY_PLAYER Player);
/* Ends the music and the thread, waits for the latter, frees everything. PASSIVE_LEVEL. */
void PlayerDelete(PMELODY_PLAYER Player);

/* The IOCTLs; statuses as kmelody.h says. PASSIVE_LEVEL. */
NTSTATUS PlayerQueueNotes(PMELODY_PLAYER Player, const MELODY_NOTE *Notes, ULONG Count);
void PlayerStop(PMELODY_PLAYER Player);
void PlayerQuery(PMELODY_PLAYER Player, PMELODY_STATE State);
/* STATUS_SUCCESS: all is quiet, Irp is the caller's to complete. STATUS_PENDING: it will be
 * completed when all is quiet, or has been already. */
NTSTATUS PlayerWait(PMELODY_PLAYER Player, PIRP Irp);

/* waiters.c: the list of waiting IRPs. IRQL <= DISPATCH_LEVEL. */

/* Enters Irp, which is marked pending. FALSE: it has been cancelled, and is the caller's again. */
BOOLEAN WaiterInsert(PMELODY_PLAYER Player, PIRP Irp);
/* Moves the IRPs of FileObject, or all when it is NULL, to the list Taken; they can no longer be
 * cancelled. */
void WaiterTake(PMELODY_PLAYER Player, PFILE_OBJECT FileObject, PLIST_ENTRY Taken);
void WaiterComplete(PLIST_ENTRY Taken, NTSTATUS Status);

/* thread.c: the thread; and what it asks of the queue. PASSIVE_LEVEL. */
KSTART_ROUTINE PlayerThread;
/* Copies the next note out of the queue. FALSE: there is none. First: it follows silence, not a
 * note. */
BOOLEAN PlayerTakeNote(PMELODY_PLAYER Player, PMELODY_NOTE Note, BOOLEAN *First);
/* The note in hand has ended; completes the waiters when it was the last. */
void PlayerEndNote(PMELODY_PLAYER Player);

#endif
