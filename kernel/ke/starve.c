/*
 * Help for starving threads. Strict priorities let a busy thread keep a less important one from
 * running for ever, and with it whatever the other holds. So once a second a DPC looks for threads
 * that have been ready for about four seconds, and gives each one priority 15 and a double quantum.
 * When that is used up the thread falls back to its base at once (KTHREAD.Starved; priority.c).
 * Real-time threads do not count as starving. Only a few are helped at a time, since the lock is
 * held meanwhile; these have left the lists that are searched, so the next look finds the others.
 * Guarded by KiDispatcherLock.
 */
#include "dispatch.h"

#define LOOK_MS 1000
#define STARVING_100NS 40000000ULL /* four seconds */
#define MOST_HELPED 10             /* per look */

static KTIMER KiStarvationTimer;
static KDPC KiStarvationDpc;

/* The first thread of Prcb, of a priority that may starve, that has waited since before Limit. */
static PKTHREAD KiFindStarving(PKPRCB Prcb, ULONG64 Limit100ns)
{
    for (KPRIORITY Priority = 1; Priority < LOW_REALTIME_PRIORITY - 1; Priority++) {
        PLIST_ENTRY Head = &Prcb->ReadyList[Priority];
        for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
            PKTHREAD Thread = CONTAINING_RECORD(Link, KTHREAD, ReadyListEntry);
            if (Thread->ReadyTime100ns < Limit100ns) {
                return Thread;
            }
        }
    }
    return NULL;
}

static void KiHelpStarvingThread(PKTHREAD Thread)
{
    Thread->Starved = TRUE;
    Thread->Quantum = (SCHAR)(Thread->QuantumReset * 2);
    KiChangePriority(Thread, LOW_REALTIME_PRIORITY - 1);
}

static VOID NTAPI KiLookForStarving(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG64 Now = KeQueryInterruptTime();
    ULONG Left = MOST_HELPED;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Now < STARVING_100NS) {
        return;
    }
    KiLockDispatcherAtDpcLevel();
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        PKTHREAD Thread;
        while (Left > 0 && (Thread = KiFindStarving(KiProcessorBlock[i], Now - STARVING_100NS))) {
            KiHelpStarvingThread(Thread);
            Left -= 1;
        }
    }
    KiUnlockDispatcherFromDpcLevel();
}

void KiInitializeStarvationHelp(void)
{
    LARGE_INTEGER DueTime = {.QuadPart = -LOOK_MS * 10000LL};
    KeInitializeTimer(&KiStarvationTimer);
    KeInitializeDpc(&KiStarvationDpc, KiLookForStarving, NULL);
    KeSetTimerEx(&KiStarvationTimer, DueTime, LOOK_MS, &KiStarvationDpc);
}
