/*
 * nt/ke_sync.h - dispatcher objects, waits, spin locks, APCs, thread scheduling (book ch. 6, 7).
 *
 * Every object here lives in non-paged memory of the caller's and needs no clean-up, as long as
 * nobody waits for it when its memory goes. Increment is the priority boost, 0 to 15, for a thread
 * that the call wakes. Wait = TRUE says that the caller's next call is one of the KeWait routines:
 * the call then returns at DISPATCH_LEVEL with the dispatcher locked, and signal and wait are one
 * step; it needs IRQL <= APC_LEVEL. A call at a higher IRQL than stated is the bugcheck
 * IRQL_NOT_LESS_OR_EQUAL.
 */
#include <wdm.h>

#ifndef _NT_KE_SYNC_
#define _NT_KE_SYNC_

/* Makes an event: NotificationEvent wakes all waiters and stays set, SynchronizationEvent wakes one
 * and resets itself. State: TRUE is set. Any IRQL. WDK: KeInitializeEvent; book ch. 6. */
NTKERNELAPI VOID NTAPI KeInitializeEvent(_Out_ PRKEVENT Event, _In_ EVENT_TYPE Type,
                                         _In_ BOOLEAN State);
/* Sets Event and wakes whom it suffices for. Returns the previous state, not 0 when it was set.
 * WDK: KeSetEvent; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeSetEvent(_Inout_ PRKEVENT Event, _In_ KPRIORITY Increment,
                                  _In_ BOOLEAN Wait);
/* Clears Event; returns the previous state. WDK: KeResetEvent. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeResetEvent(_Inout_ PRKEVENT Event);
/* Clears Event without telling the previous state: cheaper. WDK: KeClearEvent. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeClearEvent(_Inout_ PRKEVENT Event);
/* Sets Event, wakes those that wait at this moment (one, for a synchronization event), and clears
 * it. Returns the previous state. WDK: KePulseEvent. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KePulseEvent(_Inout_ PRKEVENT Event, _In_ KPRIORITY Increment,
                                    _In_ BOOLEAN Wait);
/* Not 0 when Event is set. The answer may be old already. WDK: KeReadStateEvent. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeReadStateEvent(_In_ PRKEVENT Event);

/* Makes a semaphore with Count, which may not pass Limit (> 0). Any IRQL. WDK:
 * KeInitializeSemaphore; book ch. 6. */
NTKERNELAPI VOID NTAPI KeInitializeSemaphore(_Out_ PRKSEMAPHORE Semaphore, _In_ LONG Count,
                                             _In_ LONG Limit);
/* Adds Adjustment (> 0) to the count and wakes that many waiters. Returns the previous count.
 * Passing the limit raises STATUS_SEMAPHORE_LIMIT_EXCEEDED, which ends, as nobody handles it, in
 * SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (in a DPC: KMODE_EXCEPTION_NOT_HANDLED). WDK:
 * KeReleaseSemaphore. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeReleaseSemaphore(_Inout_ PRKSEMAPHORE Semaphore, _In_ KPRIORITY Increment,
                                          _In_ LONG Adjustment, _In_ BOOLEAN Wait);
/* The count, maybe old already. Any IRQL. WDK: KeReadStateSemaphore. */
NTKERNELAPI LONG NTAPI KeReadStateSemaphore(_In_ PRKSEMAPHORE Semaphore);

/* Makes a mutex, free. Level is ignored. Any IRQL. WDK: KeInitializeMutex; book ch. 6. */
NTKERNELAPI VOID NTAPI KeInitializeMutex(_Out_ PRKMUTEX Mutex, _In_ ULONG Level);
/* Gives back one acquisition; the last one frees the mutex. Returns 0 when that happened, else a
 * negative count. Only the owner may call: THREAD_NOT_MUTEX_OWNER. A thread that ends with a mutex
 * is the bugcheck THREAD_TERMINATE_HELD_MUTEX. WDK: KeReleaseMutex; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeReleaseMutex(_Inout_ PRKMUTEX Mutex, _In_ BOOLEAN Wait);
/* 1 when the mutex is free, else 0 or less. Any IRQL. WDK: KeReadStateMutex. */
NTKERNELAPI LONG NTAPI KeReadStateMutex(_In_ PRKMUTEX Mutex);

/* Waits until Object, any dispatcher object, is signalled, and takes the signal.
 * Timeout: NULL waits for ever; 0 only looks; negative is relative, positive absolute system time,
 * in 100 ns. Alertable: an alert, or in UserMode an APC, ends the wait.
 * IRQL <= APC_LEVEL, or DISPATCH_LEVEL with a timeout of 0; else ATTEMPTED_SWITCH_FROM_DPC in a DPC
 * and IRQL_NOT_LESS_OR_EQUAL elsewhere.
 * Returns STATUS_SUCCESS, STATUS_TIMEOUT, STATUS_ABANDONED_WAIT_0 (a mutant whose owner ended; it
 * is owned now), STATUS_ALERTED or STATUS_USER_APC. WDK: KeWaitForSingleObject; book ch. 6. */
NTKERNELAPI NTSTATUS NTAPI KeWaitForSingleObject(_In_ PVOID Object, _In_ KWAIT_REASON WaitReason,
                                                 _In_ KPROCESSOR_MODE WaitMode,
                                                 _In_ BOOLEAN Alertable,
                                                 _In_opt_ PLARGE_INTEGER Timeout);
/* Waits for any of Count objects, or for all of them at one moment: then all signals are taken, or
 * none. WaitBlockArray: Count blocks of non-paged memory, the caller's until the call returns; may
 * be NULL up to THREAD_WAIT_OBJECTS; more than that, or than MAXIMUM_WAIT_OBJECTS, is the bugcheck
 * MAXIMUM_WAIT_OBJECTS_EXCEEDED. Arguments, IRQL and results otherwise as KeWaitForSingleObject;
 * WaitAny answers STATUS_WAIT_0 (or STATUS_ABANDONED_WAIT_0) + the lowest signalled index.
 * WDK: KeWaitForMultipleObjects; book ch. 6. */
NTKERNELAPI NTSTATUS NTAPI KeWaitForMultipleObjects(
    _In_ ULONG Count, _In_reads_(Count) PVOID Object[], _In_ WAIT_TYPE WaitType,
    _In_ KWAIT_REASON WaitReason, _In_ KPROCESSOR_MODE WaitMode, _In_ BOOLEAN Alertable,
    _In_opt_ PLARGE_INTEGER Timeout, _Out_opt_ PKWAIT_BLOCK WaitBlockArray);
#define KeWaitForMutexObject KeWaitForSingleObject
/* Sleeps for Interval (100 ns; negative relative, positive absolute; 0 yields). Never short.
 * Returns STATUS_SUCCESS, STATUS_ALERTED or STATUS_USER_APC. WDK: KeDelayExecutionThread. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI KeDelayExecutionThread(_In_ KPROCESSOR_MODE WaitMode,
                                                  _In_ BOOLEAN Alertable,
                                                  _In_ PLARGE_INTEGER Interval);

/* Makes a spin lock, free. Any IRQL. WDK: KeInitializeSpinLock. */
FORCEINLINE VOID KeInitializeSpinLock(_Out_ PKSPIN_LOCK SpinLock)
{
    *(volatile KSPIN_LOCK *)SpinLock = 0;
}
/* Raises to DISPATCH_LEVEL and takes the lock; returns the old IRQL. Taking it twice is
 * SPIN_LOCK_ALREADY_OWNED. The name behind KeAcquireSpinLock. WDK; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(_Inout_ PKSPIN_LOCK SpinLock);
/* Frees the lock, which the caller holds (else SPIN_LOCK_NOT_OWNED), and lowers to NewIrql.
 * WDK: KeReleaseSpinLock; book ch. 6. */
_IRQL_requires_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeReleaseSpinLock(_Inout_ PKSPIN_LOCK SpinLock, _In_ KIRQL NewIrql);
/* Takes the lock at DISPATCH_LEVEL or above (below: IRQL_NOT_GREATER_OR_EQUAL), leaving the IRQL
 * alone. WDK: KeAcquireSpinLockAtDpcLevel; book ch. 6. */
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeAcquireSpinLockAtDpcLevel(_Inout_ PKSPIN_LOCK SpinLock);
/* Frees a lock taken at DPC level. WDK: KeReleaseSpinLockFromDpcLevel; book ch. 6. */
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeReleaseSpinLockFromDpcLevel(_Inout_ PKSPIN_LOCK SpinLock);
/* Takes the lock if it is free: TRUE; never spins. WDK: KeTryToAcquireSpinLockAtDpcLevel. */
_IRQL_requires_min_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(_Inout_ PKSPIN_LOCK SpinLock);
/* TRUE when the lock is free at this moment. Any IRQL. WDK: KeTestSpinLock. */
NTKERNELAPI BOOLEAN NTAPI KeTestSpinLock(_In_ PKSPIN_LOCK SpinLock);
#define KeAcquireSpinLock(SpinLock, OldIrql) (*(OldIrql) = KeAcquireSpinLockRaiseToDpc(SpinLock))

/* From here to the matching leave, this thread gets no normal kernel APCs. Nests. WDK:
 * KeEnterCriticalRegion; book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeEnterCriticalRegion(VOID);
/* Ends a critical region; APCs that waited for the last one run now. WDK: KeLeaveCriticalRegion. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeLeaveCriticalRegion(VOID);
/* From here to the matching leave, this thread gets no APCs at all. Nests. WDK:
 * KeEnterGuardedRegion; book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeEnterGuardedRegion(VOID);
/* Ends a guarded region; APCs that waited for the last one run now. WDK: KeLeaveGuardedRegion. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeLeaveGuardedRegion(VOID);
/* TRUE in a critical or guarded region. WDK: KeAreApcsDisabled. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeAreApcsDisabled(VOID);
/* TRUE in a guarded region or at APC_LEVEL and above. WDK: KeAreAllApcsDisabled. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeAreAllApcsDisabled(VOID);

/* Sets the current priority (1 to 31) of a thread the caller has a reference to, with a fresh
 * quantum; returns the old one. The base priority stays. WDK: KeSetPriorityThread; book ch. 4. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI KPRIORITY NTAPI KeSetPriorityThread(_Inout_ PKTHREAD Thread, _In_ KPRIORITY Priority);
/* The current priority, boosts included. WDK: KeQueryPriorityThread; book ch. 4. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI KPRIORITY NTAPI KeQueryPriorityThread(_In_ PKTHREAD Thread);
/* Sets base and current priority to the process's base plus Increment, within the class (1 to 15,
 * or 16 to 31 for a real-time process); returns the old increment. WDK: KeSetBasePriorityThread. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeSetBasePriorityThread(_Inout_ PKTHREAD Thread, _In_ LONG Increment);

/* Fills in an APC for Thread, in memory that stays until the kernel routine has begun. Without a
 * normal routine it is a special kernel APC. Environment is where the
 * thread must be: in its own process (OriginalApcEnvironment), attached to another
 * (AttachedApcEnvironment; if it is not, wherever it is), where it is now (CurrentApcEnvironment),
 * or where it is when the APC is queued (InsertApcEnvironment). RundownRoutine (or ExFreePool) gets
 * a user APC that its thread did not live to run. Any IRQL. Not documented in the WDK; book ch.
 * 6. */
NTKERNELAPI VOID NTAPI KeInitializeApc(_Out_ PRKAPC Apc, _In_ PRKTHREAD Thread,
                                       _In_ KAPC_ENVIRONMENT Environment,
                                       _In_ PKKERNEL_ROUTINE KernelRoutine,
                                       _In_opt_ PKRUNDOWN_ROUTINE RundownRoutine,
                                       _In_opt_ PKNORMAL_ROUTINE NormalRoutine,
                                       _In_ KPROCESSOR_MODE ApcMode, _In_opt_ PVOID NormalContext);
/* Queues Apc to its thread: the kernel routine runs there at APC_LEVEL, then the normal one at
 * PASSIVE_LEVEL. FALSE when it is queued already or the thread has ended or never started. Not
 * documented in the WDK; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueApc(_Inout_ PRKAPC Apc, _In_opt_ PVOID SystemArgument1,
                                           _In_opt_ PVOID SystemArgument2,
                                           _In_ KPRIORITY Increment);
/* Takes a queued APC back: TRUE, its routines will not run; FALSE when it was not queued. Not
 * documented in the WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeRemoveQueueApc(_Inout_ PRKAPC Apc);
/* Ends Thread's alertable wait with STATUS_ALERTED, or the next one it begins; returns whether an
 * alert was pending already. Not documented in the WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeAlertThread(_Inout_ PKTHREAD Thread, _In_ KPROCESSOR_MODE AlertMode);

/* TRUE, and the alert is taken, when one was pending for the current thread; for UserMode, user
 * APCs that wait become deliverable. Not documented in the WDK; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeTestAlertThread(_In_ KPROCESSOR_MODE AlertMode);

/* Makes a mutant, owned by the current thread or free. Unlike a mutex it may be abandoned, and
 * holding it does not disable APCs. IRQL <= DISPATCH_LEVEL when it is owned at once, else any; the
 * lock is for non-paged memory. Not documented in the WDK. */
NTKERNELAPI VOID NTAPI KeInitializeMutant(_Out_ PRKMUTANT Mutant, _In_ BOOLEAN InitialOwner);
/* Gives back one acquisition, or with Abandoned all, leaving the mark for the next owner. Returns
 * the previous state. Only the owner may call, unless Abandoned: THREAD_NOT_MUTEX_OWNER. Not
 * documented in the WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI LONG NTAPI KeReleaseMutant(_Inout_ PRKMUTANT Mutant, _In_ KPRIORITY Increment,
                                       _In_ BOOLEAN Abandoned, _In_ BOOLEAN Wait);
/* 1 when the mutant is free, else 0 or less. Any IRQL. Not documented in the WDK. */
NTKERNELAPI LONG NTAPI KeReadStateMutant(_In_ PRKMUTANT Mutant);
/* The owner's process and thread ids; both 0 when the mutant is free. Not documented in the WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeQueryOwnerMutant(_In_ PKMUTANT Mutant, _Out_ PCLIENT_ID ClientId);

/* A gate: a synchronization event for one-time meetings inside the system. */
typedef struct _KGATE {
    DISPATCHER_HEADER Header;
} KGATE, *PKGATE;
/* Makes a gate, closed. Any IRQL. Not documented in the WDK. */
NTKERNELAPI VOID NTAPI KeInitializeGate(_Out_ PKGATE Gate);
/* Lets one waiting thread, boosted, or the next one to come through. Not documented in the WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeSignalGateBoostPriority(_Inout_ PKGATE Gate);
/* Waits until the gate is signalled, and takes the signal. Not documented in the WDK. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeWaitForGate(_Inout_ PKGATE Gate, _In_ KWAIT_REASON WaitReason,
                                     _In_ KPROCESSOR_MODE WaitMode);

/* Current thread: gs:[188h], as every driver inlines it. Any IRQL. WDK: KeGetCurrentThread. */
FORCEINLINE PKTHREAD KeGetCurrentThread(VOID)
{
    PKTHREAD Thread;
    __asm__("movq %%gs:0x188, %0" : "=r"(Thread));
    return Thread;
}

/* Makes a device queue, empty and not busy. Any IRQL. WDK: KeInitializeDeviceQueue; book ch. 7. */
NTKERNELAPI VOID NTAPI KeInitializeDeviceQueue(_Out_ PKDEVICE_QUEUE DeviceQueue);
/* Busy queue: Entry goes to its end, TRUE. Queue not busy: it becomes busy, FALSE, and the caller
 * starts the request itself. WDK: KeInsertDeviceQueue. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeInsertDeviceQueue(_Inout_ PKDEVICE_QUEUE DeviceQueue,
                                              _Inout_ PKDEVICE_QUEUE_ENTRY Entry);
/* The same, but sorted by SortKey; equal keys keep their order. WDK: KeInsertByKeyDeviceQueue. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeInsertByKeyDeviceQueue(_Inout_ PKDEVICE_QUEUE DeviceQueue,
                                                   _Inout_ PKDEVICE_QUEUE_ENTRY Entry,
                                                   _In_ ULONG SortKey);
/* The first entry, taken out; or NULL, and the queue is not busy any more. WDK:
 * KeRemoveDeviceQueue. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveDeviceQueue(_Inout_ PKDEVICE_QUEUE DeviceQueue);
/* The first entry with a key >= SortKey, else the first of all, taken out; or NULL, and the queue
 * is not busy any more. WDK: KeRemoveByKeyDeviceQueue. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueue(_Inout_ PKDEVICE_QUEUE DeviceQueue,
                                                                _In_ ULONG SortKey);
/* Takes Entry out: TRUE; FALSE when it was not in the queue. WDK: KeRemoveEntryDeviceQueue. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeRemoveEntryDeviceQueue(_Inout_ PKDEVICE_QUEUE DeviceQueue,
                                                   _Inout_ PKDEVICE_QUEUE_ENTRY Entry);

#endif
