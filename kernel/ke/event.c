/*
 * Events and semaphores. SignalState is 1 or 0 for an event, the count for a semaphore, and is
 * guarded by KiDispatcherLock. Reading it needs no lock: the answer is old by the time it is used.
 */
#include "dispatch.h"

void KiInitializeHeader(PDISPATCHER_HEADER Header, KOBJECTS Type, SIZE_T Size, LONG SignalState)
{
    Header->Lock = 0;
    Header->Type = (UCHAR)Type;
    Header->Size = (UCHAR)(Size / sizeof(ULONG));
    Header->SignalState = SignalState;
    InitializeListHead(&Header->WaitListHead);
}

VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    KiCheckNewEvent(Event);
    KiInitializeHeader(&Event->Header, (KOBJECTS)Type, sizeof(*Event), State != FALSE);
}

/* Signals Event and serves its waiters; answers the previous state. Whoever waits for an event that
 * was set already waits for something else besides (WaitAll), and setting it again brings nothing
 * new. Lock held. */
static LONG KiSignalEvent(PRKEVENT Event, KPRIORITY Increment)
{
    LONG Previous = Event->Header.SignalState;
    Event->Header.SignalState = 1;
    if (Previous == 0 && !IsListEmpty(&Event->Header.WaitListHead)) {
        KiWaitTest(&Event->Header, Increment);
    }
    return Previous;
}

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = KiSignalEvent(Event, Increment);
    KiFinishSignal(OldIrql, Wait);
    return Previous;
}

/* Set and cleared in one hold of the lock: only who waits at this moment is let through. A thread
 * that an APC keeps from waiting just now misses it, which is why the WDK advises against
 * pulsing. */
LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = KiSignalEvent(Event, Increment);
    Event->Header.SignalState = 0;
    KiFinishSignal(OldIrql, Wait);
    return Previous;
}

LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = Event->Header.SignalState;
    Event->Header.SignalState = 0;
    KiUnlockDispatcher(OldIrql);
    return Previous;
}

VOID NTAPI KeClearEvent(PRKEVENT Event)
{
    /* One aligned store: it lands before or after any holder of the lock sets the event, and both
     * orders are what two racing calls may give. */
    __atomic_store_n(&Event->Header.SignalState, 0, __ATOMIC_SEQ_CST);
}

LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
    return *(volatile LONG *)&Event->Header.SignalState;
}

VOID NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    KiInitializeHeader(&Semaphore->Header, SemaphoreObject, sizeof(*Semaphore), Count);
    Semaphore->Limit = Limit;
}

LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = Semaphore->Header.SignalState;
    if (Adjustment <= 0 || Adjustment > Semaphore->Limit - Previous) {
        KiUnlockDispatcher(OldIrql);
        KeRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    Semaphore->Header.SignalState = Previous + Adjustment;
    if (Previous == 0 && !IsListEmpty(&Semaphore->Header.WaitListHead)) {
        KiWaitTest(&Semaphore->Header, Increment);
    }
    KiFinishSignal(OldIrql, Wait);
    return Previous;
}

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return *(volatile LONG *)&Semaphore->Header.SignalState;
}
