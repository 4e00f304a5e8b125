/*
 * nt/io_remlock.h - remove locks: a driver counts what it is doing with a device, so that it can
 * wait for the end of it before the device goes. A driver compiled with DBG has a larger lock,
 * which remembers who holds it and checks; the routines tell the two apart by the size they are
 * given.
 */
#include <wdm.h>

#ifndef _NT_IO_REMLOCK_
#define _NT_IO_REMLOCK_

typedef struct _IO_REMOVE_LOCK_TRACKING_BLOCK *PIO_REMOVE_LOCK_TRACKING_BLOCK;

typedef struct _IO_REMOVE_LOCK_COMMON_BLOCK {
    BOOLEAN Removed;
    BOOLEAN Reserved[3];
    volatile LONG IoCount;
    KEVENT RemoveEvent;
} IO_REMOVE_LOCK_COMMON_BLOCK;

typedef struct _IO_REMOVE_LOCK_DBG_BLOCK {
    LONG Signature;
    ULONG HighWatermark;
    LONGLONG MaxLockedTicks;
    LONG AllocateTag;
    LIST_ENTRY LockList;
    KSPIN_LOCK Spin;
    volatile LONG LowMemoryCount;
    ULONG Reserved1[4];
    PVOID Reserved2;
    PIO_REMOVE_LOCK_TRACKING_BLOCK Blocks;
} IO_REMOVE_LOCK_DBG_BLOCK;

typedef struct _IO_REMOVE_LOCK {
    IO_REMOVE_LOCK_COMMON_BLOCK Common;
#if DBG
    IO_REMOVE_LOCK_DBG_BLOCK Dbg;
#endif
} IO_REMOVE_LOCK, *PIO_REMOVE_LOCK;

C_ASSERT(sizeof(IO_REMOVE_LOCK_COMMON_BLOCK) == 0x20 && sizeof(IO_REMOVE_LOCK_DBG_BLOCK) == 0x58);

/*
 * Prepares a lock, in the device extension, held once by the device itself. PASSIVE_LEVEL.
 *   AllocateTag       pool tag of what a DBG lock allocates
 *   MaxLockedMinutes  DBG: to hold it longer is a mistake; 0: no limit
 *   HighWatermark     DBG: to hold it more often at a time is a mistake; 0: no limit
 *   RemlockSize       sizeof(IO_REMOVE_LOCK)
 * WDK: IoInitializeRemoveLock.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI VOID NTAPI IoInitializeRemoveLockEx(_In_ PIO_REMOVE_LOCK Lock, _In_ ULONG AllocateTag,
                                                _In_ ULONG MaxLockedMinutes,
                                                _In_ ULONG HighWatermark, _In_ ULONG RemlockSize);

/*
 * Counts one use of the device, to be ended by IoReleaseRemoveLock with the same Tag. IRQL <=
 * DISPATCH_LEVEL. STATUS_DELETE_PENDING: the device is going away, nothing was counted. A DBG lock
 * bugchecks DRIVER_VERIFIER_DETECTED_VIOLATION above its high watermark.
 *   Tag         whatever tells this use from others: usually the IRP
 *   File, Line  the caller's
 * WDK: IoAcquireRemoveLock.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoAcquireRemoveLockEx(_Inout_ PIO_REMOVE_LOCK RemoveLock,
                                                 _In_opt_ PVOID Tag, _In_ PCSTR File,
                                                 _In_ ULONG Line, _In_ ULONG RemlockSize);

/* Ends a use. IRQL <= DISPATCH_LEVEL. Bugchecks DRIVER_VERIFIER_DETECTED_VIOLATION when the lock is
 * not held, and a DBG lock when it is not held with this Tag or was held too long. WDK:
 * IoReleaseRemoveLock. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoReleaseRemoveLockEx(_Inout_ PIO_REMOVE_LOCK RemoveLock, _In_opt_ PVOID Tag,
                                             _In_ ULONG RemlockSize);

/* From now on the lock cannot be acquired; ends the caller's own use, gives up the device's, and
 * waits until the last other use has ended. Once in a lock's life. PASSIVE_LEVEL. Bugchecks as
 * IoReleaseRemoveLock, and when it has been called before. WDK: IoReleaseRemoveLockAndWait. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI VOID NTAPI IoReleaseRemoveLockAndWaitEx(_Inout_ PIO_REMOVE_LOCK RemoveLock,
                                                    _In_opt_ PVOID Tag, _In_ ULONG RemlockSize);

#define IoInitializeRemoveLock(Lock, Tag, Maxmin, HighWater)                                       \
    IoInitializeRemoveLockEx(Lock, Tag, Maxmin, HighWater, sizeof(IO_REMOVE_LOCK))
#if DBG
#define IoAcquireRemoveLock(RemoveLock, Tag)                                                       \
    IoAcquireRemoveLockEx(RemoveLock, Tag, __FILE__, __LINE__, sizeof(IO_REMOVE_LOCK))
#else
#define IoAcquireRemoveLock(RemoveLock, Tag)                                                       \
    IoAcquireRemoveLockEx(RemoveLock, Tag, "", 1, sizeof(IO_REMOVE_LOCK))
#endif
#define IoReleaseRemoveLock(RemoveLock, Tag)                                                       \
    IoReleaseRemoveLockEx(RemoveLock, Tag, sizeof(IO_REMOVE_LOCK))
#define IoReleaseRemoveLockAndWait(RemoveLock, Tag)                                                \
    IoReleaseRemoveLockAndWaitEx(RemoveLock, Tag, sizeof(IO_REMOVE_LOCK))

#endif
