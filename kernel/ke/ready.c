/*
 * Ready queues: which thread runs where.
 *
 * Every processor has 32 lists of ready threads and a bitmap of those that are not empty. A thread
 * is in at most one list, that of its NextProcessor. A thread chosen to run next on a processor is
 * its NextThread (state Standby) and in no list. All of it is guarded by KiDispatcherLock.
 *
 * The promise is strict priority over the whole machine: no processor runs a thread while a
 * ready one of higher priority may run on it. It is kept at both ends: a thread that becomes ready
 * looks for the processor running the least important work; a processor that needs a thread
 * takes the best in any processor's lists. Ties stay where the cache is warm.
 */
#include "dispatch.h"

KAFFINITY KiIdleSummary;
static KAFFINITY KiReadyProcessors; /* d  processors with threads in their lists */

static inline void KiLinkReadyThread(PKTHREAD Thread, PKPRCB Prcb, BOOLEAN AtHead)
{
    PLIST_ENTRY List = &Prcb->ReadyList[Thread->Priority];
    KI_TRACE_STORE(Ready, Thread->State, Ready, Thread, Prcb, 0);
    Thread->ReadyTime100ns = KeQueryInterruptTime();
    Thread->NextProcessor = (UCHAR)Prcb->Number;
    if (AtHead) {
        InsertHeadList(List, &Thread->ReadyListEntry);
    } else {
        InsertTailList(List, &Thread->ReadyListEntry);
    }
    Prcb->ReadySummary |= 1U << Thread->Priority;
    Prcb->ReadyCount += 1;
    KiReadyProcessors |= Prcb->SetMember;
}

static inline void KiUnlinkFrom(PKPRCB Prcb, PKTHREAD Thread)
{
    if (RemoveEntryList(&Thread->ReadyListEntry)) {
        Prcb->ReadySummary &= ~(1U << Thread->Priority);
    }
    Prcb->ReadyCount -= 1;
    if (Prcb->ReadyCount == 0) {
        KiReadyProcessors &= ~Prcb->SetMember;
    }
}

void KiUnlinkReadyThread(PKTHREAD Thread)
{
    KiUnlinkFrom(KiProcessorBlock[Thread->NextProcessor], Thread);
}

/* Priority of what Prcb runs or is about to run. */
static KPRIORITY KiPriorityOf(PKPRCB Prcb)
{
    return (Prcb->NextThread != NULL ? Prcb->NextThread : Prcb->CurrentThread)->Priority;
}

/* An idle processor that may run Thread, the ideal one and the last one first; or NULL. */
static PKPRCB KiFindIdleProcessor(PKTHREAD Thread)
{
    KAFFINITY Idle = KiIdleSummary & Thread->Affinity;
    if (Idle == 0) {
        return NULL;
    }
    if (Idle & (1ULL << Thread->IdealProcessor)) {
        return KiProcessorBlock[Thread->IdealProcessor];
    }
    if (Idle & (1ULL << Thread->NextProcessor)) {
        return KiProcessorBlock[Thread->NextProcessor];
    }
    return KiProcessorBlock[__builtin_ctzll(Idle)];
}

/* The allowed processor that runs the least important thread; the last one used wins ties. */
static inline PKPRCB KiFindWeakestProcessor(PKTHREAD Thread)
{
    KAFFINITY Allowed = Thread->Affinity & KeActiveProcessors;
    KAFFINITY Last = Allowed & (1ULL << Thread->NextProcessor);
    PKPRCB Weakest = Last != 0 ? KiProcessorBlock[Thread->NextProcessor] : NULL;
    Allowed &= ~Last;
    for (; Allowed != 0; Allowed &= Allowed - 1) {
        PKPRCB Prcb = KiProcessorBlock[__builtin_ctzll(Allowed)];
        if (Weakest == NULL || KiPriorityOf(Prcb) < KiPriorityOf(Weakest)) {
            Weakest = Prcb;
        }
    }
    KI_ASSERT(Weakest != NULL);
    return Weakest;
}

/* Makes Thread the next one of Prcb and tells that processor; answers what was to run next there.
 * This processor needs no telling: it looks when it drops the dispatcher lock. */
static PKTHREAD KiSetNextThread(PKPRCB Prcb, PKTHREAD Thread)
{
    PKTHREAD Displaced = Prcb->NextThread;
    KI_TRACE_STORE(Ready, Thread->State, Standby, Thread, Prcb, 0);
    Thread->NextProcessor = (UCHAR)Prcb->Number;
    Prcb->NextThread = Thread;
    KiIdleSummary &= ~Prcb->SetMember;
    if (Prcb != KeGetCurrentPrcb()) {
        KiSendIpi(Prcb->Number, KIPI_RESCHEDULE);
    }
    return Displaced;
}

void KiClearNextThread(PKPRCB Prcb)
{
    Prcb->NextThread = NULL;
    if (Prcb->CurrentThread == Prcb->IdleThread) {
        KiIdleSummary |= Prcb->SetMember;
    }
}

/* A thread that is displaced looks for a place in turn: its affinity may allow processors, even
 * idle ones, that were of no use to who displaced it. Each is less important than the one
 * before. */
void KiReadyThreadAt(PKTHREAD Thread, BOOLEAN AtHead)
{
    while (Thread != NULL) {
        PKPRCB Prcb = KiFindIdleProcessor(Thread);
        if (Prcb == NULL) {
            Prcb = KiFindWeakestProcessor(Thread);
            if (Thread->Priority <= KiPriorityOf(Prcb)) {
                KiLinkReadyThread(Thread, Prcb, AtHead);
                return;
            }
        }
        Thread = KiSetNextThread(Prcb, Thread);
        AtHead = TRUE;
    }
}

void KiReadyThread(PKTHREAD Thread)
{
    KiReadyThreadAt(Thread, FALSE);
}

#if DBG
void KiReadyThreadOn(PKTHREAD Thread, PKPRCB Prcb, BOOLEAN Next)
{
    if (Next || (KiIdleSummary & Prcb->SetMember)) {
        KiReadyThreadAt(KiSetNextThread(Prcb, Thread), TRUE);
    } else {
        KiLinkReadyThread(Thread, Prcb, FALSE);
    }
}
#endif

/* The first thread in Prcb's list of Priority that may run on the processor Member, or NULL. */
static inline PKTHREAD KiFirstAllowed(PKPRCB Prcb, ULONG Priority, KAFFINITY Member)
{
    PLIST_ENTRY Head = &Prcb->ReadyList[Priority];
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        PKTHREAD Thread = CONTAINING_RECORD(Link, KTHREAD, ReadyListEntry);
        if (Thread->Affinity & Member) {
            return Thread;
        }
    }
    return NULL;
}

/* The best thread of Owner's lists at Minimum or above that may run on Member, or NULL. */
static inline PKTHREAD KiBestOf(PKPRCB Owner, KPRIORITY Minimum, KAFFINITY Member)
{
    ULONG Summary = Minimum >= KI_PRIORITY_LEVELS ? 0 : Owner->ReadySummary >> Minimum << Minimum;
    while (Summary != 0) {
        ULONG Priority = 31 ^ __builtin_clz(Summary); /* one instruction: bsr */
        PKTHREAD Thread = KiFirstAllowed(Owner, Priority, Member);
        if (Thread != NULL) {
            return Thread;
        }
        Summary &= ~(1U << Priority);
    }
    return NULL;
}

/* A thread in the lists of Others that is better than Best, which may be NULL, and at Minimum or
 * above; else Best. */
static __attribute__((noinline)) PKTHREAD KiBetterOf(KAFFINITY Others, PKTHREAD Best,
                                                     KPRIORITY Minimum, KAFFINITY Member)
{
    for (; Others != 0; Others &= Others - 1) {
        PKPRCB Other = KiProcessorBlock[__builtin_ctzll(Others)];
        PKTHREAD Thread = KiBestOf(Other, Best != NULL ? Best->Priority + 1 : Minimum, Member);
        if (Thread != NULL) {
            Best = Thread;
        }
    }
    return Best;
}

PKTHREAD KiTakeReadyThread(PKPRCB Prcb, KPRIORITY MinimumPriority)
{
    KPRIORITY Minimum = max(MinimumPriority, 0);
    KAFFINITY Member = Prcb->SetMember;
    PKTHREAD Best = KiBestOf(Prcb, Minimum, Member);
    if (KiReadyProcessors & ~Member) {
        Best = KiBetterOf(KiReadyProcessors & ~Member, Best, Minimum, Member);
    }
    if (Best != NULL) {
        KiUnlinkFrom(KiProcessorBlock[Best->NextProcessor], Best);
    }
    return Best;
}
