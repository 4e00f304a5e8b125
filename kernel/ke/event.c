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

/* The end of a signalling call with waiters to serve or Wait = TRUE; passes Previous on. Whoever
 * waits for an object that was signalled already waits for something else besides (WaitAll), and
 * signalling it again brings nothing new. */
static __attribute__((noinline)) LONG NTAPI KiServeWaiters(PDISPATCHER_HEADER Header,
                                                           KPRIORITY Increment, KIRQL OldIrql,
                                                           BOOLEAN Wait, LONG Previous)
{
    if (Previous == 0) {
        KiWaitTest(Header, Increment);
    }
    KiFinishSignal(OldIrql, Wait);
    return Previous;
}

/* Header, which was signalled Previous times, is so once more or more often: serves its waiters,
 * and drops the lock. Nearly always there are none, and this is all. */
static inline LONG KiSignalled(PDISPATCHER_HEADER Header, KPRIORITY Increment, KIRQL OldIrql,
                               BOOLEAN Wait, LONG Previous)
{
    if (Wait || (Previous == 0 && !IsListEmpty(&Header->WaitListHead))) {
        return KiServeWaiters(Header, Increment, OldIrql, Wait, Previous);
    }
    return (LONG)KiUnlockDispatcherReturning(OldIrql, Previous);
}

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = Event->Header.SignalState;
    Event->Header.SignalState = 1;
    return KiSignalled(&Event->Header, Increment, OldIrql, Wait, Previous);
}

/* Set and cleared in one hold of the lock: only who waits at this moment is let through. A thread
 * that an APC keeps from waiting just now misses it, which is why the WDK advises against
 * pulsing. */
LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = Event->Header.SignalState;
    Event->Header.SignalState = 1;
    if (Previous == 0) {
        KiWaitTest(&Event->Header, Increment);
    }
    Event->Header.SignalState = 0;
    KiFinishSignal(OldIrql, Wait);
    return Previous;
}

LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = Event->Header.SignalState;
    Event->Header.SignalState = 0;
    return (LONG)KiUnlockDispatcherReturning(OldIrql, Previous);
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

BOOLEAN KeTryReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              PLONG Previous)
{
    KIRQL OldIrql = KiLockDispatcher();
    *Previous = Semaphore->Header.SignalState;
    if (Adjustment <= 0 || Adjustment > Semaphore->Limit - *Previous) {
        KiUnlockDispatcher(OldIrql);
        return FALSE;
    }
    Semaphore->Header.SignalState = *Previous + Adjustment;
    KiSignalled(&Semaphore->Header, Increment, OldIrql, FALSE, *Previous);
    return TRUE;
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
    return KiSignalled(&Semaphore->Header, Increment, OldIrql, Wait, Previous);
}

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return *(volatile LONG *)&Semaphore->Header.SignalState;
}
