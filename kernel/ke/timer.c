/*
 * Timers: KTIMER objects on their processor's wheel.
 *
 * A timer is armed on the processor that sets it and expires there, in the dispatch interrupt that
 * the clock asks for. Everything about a timer, Header.Inserted above all, is guarded by
 * KiDispatcherLock: a cancel on another processor either takes the timer out before it expires or
 * finds it expired, and in the latter case the DPC may be queued or running, as on Windows.
 * A periodic timer is armed again for its last due time plus the period, so it does not drift;
 * periods that passed while the processor could not look are skipped, not made up for.
 *
 * Two things are only for those who ask for them. A tolerable delay is the wheel's business: it
 * chooses the moment within it. A timer that need not wake anybody stands in a wheel of its own,
 * which the first processor, whose clock ticks anyway, looks into at each tick.
 */
#include <ntddk.h>
#include "hal.h"
#include "processor.h"

#define PERIOD_100NS 10000 /* KTIMER.Period is in milliseconds */
/* Timers expired before others get at the dispatcher lock: some microseconds' worth. */
#define BATCH 64
#define NO_WAKE_PROCESSOR 0xFFFF /* KTIMER.Processor: in KiNoWakeWheel */
/* Bits of KTIMER.TimerType: KTIMER.Period is in 100 ns instead; for KiNoWakeWheel. */
#define PERIOD_IN_100NS 0x1
#define NO_WAKE 0x2

KI_TIMER_WHEEL KiNoWakeWheel; /* d */

void NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    KiCheckNewTimer(Timer);
    RtlZeroMemory(Timer, sizeof(*Timer));
    KiInitializeHeader(&Timer->Header,
                       Type == NotificationTimer ? TimerNotificationObject
                                                 : TimerSynchronizationObject,
                       sizeof(*Timer), 0);
}

void NTAPI KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}

/* A relative time that passes the end of the range, as of a caller who means "for ever", never
 * comes; an absolute one before the system was started is due already. */
ULONG64 KiComputeDueTime(LARGE_INTEGER DueTime)
{
    if (DueTime.QuadPart < 0) {
        ULONG64 Now = KiQueryInterruptTime100ns();
        ULONG64 Due = Now - (ULONG64)DueTime.QuadPart;
        return Due < Now ? KI_WHEEL_NEVER : Due;
    }
    return DueTime.QuadPart > KiSystemTimeBase ? DueTime.QuadPart - KiSystemTimeBase : 0;
}

static PKI_TIMER_WHEEL KiWheelOf(const KTIMER *Timer)
{
    return Timer->Processor == NO_WAKE_PROCESSOR ? &KiNoWakeWheel
                                                 : KiProcessorBlock[Timer->Processor]->TimerWheel;
}

void KiInsertTimer(PKTIMER Timer, ULONG64 DueTime100ns)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    Timer->DueTime.QuadPart = DueTime100ns;
    Timer->Processor = Timer->TimerType & NO_WAKE ? NO_WAKE_PROCESSOR : (USHORT)Prcb->Number;
    Timer->Header.Inserted = TRUE;
    KiWheelInsert(KiWheelOf(Timer), Timer);
    /* While an expiration is due or under way the clock is armed anew at its end. */
    if (!Prcb->TimerRequest && Prcb->TimerWheel->NextDue100ns < Prcb->NextClock100ns) {
        KiProgramClock(Prcb);
    }
}

/* The other processor's clock may be armed for it: it then wakes once for nothing, which costs less
 * than telling it. */
BOOLEAN KiRemoveTimer(PKTIMER Timer)
{
    if (!Timer->Header.Inserted) {
        return FALSE;
    }
    Timer->Header.Inserted = FALSE;
    KiWheelRemove(KiWheelOf(Timer), Timer);
    return TRUE;
}

ULONG64 KiTimerPeriod100ns(const KTIMER *Timer)
{
    return (ULONG64)Timer->Period * (Timer->TimerType & PERIOD_IN_100NS ? 1 : PERIOD_100NS);
}

/* To the next multiple of the period that is still to come, counted from when it was first due.
 * From here on an absolute timer does not follow the system time any more. */
static void KiRearmPeriodicTimer(PKTIMER Timer, ULONG64 Now100ns)
{
    ULONG64 Period = KiTimerPeriod100ns(Timer);
    ULONG64 Due = Timer->DueTime.QuadPart + Period;

    if (Due <= Now100ns) {
        Due += (Now100ns - Due) / Period * Period + Period;
    }
    Timer->Header.TimerControlFlags &= (UCHAR)~KI_TIMER_ABSOLUTE;
    KiInsertTimer(Timer, Due);
}

/* Timer is due and stands in no wheel. Its DPC comes last: on another processor it may run at once,
 * and free the timer. Its arguments are the system time, as they have been since the first NT. */
static void KiSignalTimer(PKTIMER Timer, ULONG64 Now100ns)
{
    LARGE_INTEGER SystemTime = {.QuadPart = KiSystemTimeBase + (LONG64)Now100ns};
    PKDPC Dpc = Timer->Dpc;

    Timer->Header.SignalState = 1;
    if (Timer->Period != 0) {
        KiRearmPeriodicTimer(Timer, Now100ns);
    }
    if (!IsListEmpty(&Timer->Header.WaitListHead)) {
        KiWaitTest(&Timer->Header, IO_NO_INCREMENT);
    }
    if (Dpc != NULL) {
        KeInsertQueueDpc(Dpc, (PVOID)(ULONG_PTR)SystemTime.LowPart,
                         (PVOID)(ULONG_PTR)(ULONG)SystemTime.HighPart);
    }
}

static void KiExpireWheel(PKI_TIMER_WHEEL Wheel, ULONG64 Now100ns)
{
    ULONG Budget;

    do {
        PKTIMER Timer;
        Budget = BATCH;
        KiLockDispatcherAtDpcLevel();
        while ((Timer = KiWheelExpire(Wheel, Now100ns, &Budget)) != NULL) {
            Timer->Header.Inserted = FALSE;
            KiSignalTimer(Timer, Now100ns);
        }
        KiUnlockDispatcherFromDpcLevel();
    } while (Budget == 0);
}

/* TimerRequest stays set meanwhile, so that the clock does not ask again for what is being done
 * here. Only this processor inserts here, so nothing is missed between the last look and the end;
 * what a change of the system time makes due then, the clock is armed for. */
void KiTimerExpiration(PKPRCB Prcb)
{
    ULONG64 Now = KiUpdateSharedTime();

    Prcb->TimerRequest = TRUE;
    KiExpireWheel(Prcb->TimerWheel, Now);
    if (Prcb->Number == 0 && KiNoWakeWheel.NextDue100ns <= Now) {
        KiExpireWheel(&KiNoWakeWheel, Now);
    }
    Prcb->TimerRequest = FALSE;
    KiProgramClock(Prcb);
}

static BOOLEAN KiIsTimer(const KTIMER *Timer)
{
    return Timer->Header.Type == TimerNotificationObject ||
           Timer->Header.Type == TimerSynchronizationObject;
}

/* Period, tolerance and kind, as the timer keeps them. A period that is no whole number of
 * milliseconds is kept in 100 ns, if it can be: beyond 7 minutes nobody misses a fraction. */
static inline void KiSetTimerFields(PKTIMER Timer, const KI_TIMER_ARMING *Arming, BOOLEAN Absolute)
{
    ULONG64 Period = Arming->Period100ns;
    ULONG Flags = Absolute ? KI_TIMER_ABSOLUTE : 0;

    if (Arming->Tolerance100ns > 1) {
        Flags |= (63 - __builtin_clzll(Arming->Tolerance100ns)) << KI_TIMER_TOLERANCE_SHIFT;
    }
    Timer->Header.TimerControlFlags = (UCHAR)Flags;
    Timer->Dpc = Arming->Dpc;
    Timer->TimerType = Arming->NoWake ? NO_WAKE : 0;
    if (Period % PERIOD_100NS != 0 && Period <= MAXULONG) {
        Timer->TimerType |= PERIOD_IN_100NS;
        Timer->Period = (ULONG)Period;
    } else {
        Timer->Period = (ULONG)min(Period / PERIOD_100NS, MAXULONG);
    }
}

/* An absolute time that is past. */
static void KiSignalAtOnce(PKTIMER Timer)
{
    ULONG64 Now = KiUpdateSharedTime();

    Timer->DueTime.QuadPart = Now;
    KiSignalTimer(Timer, Now);
}

/* Inline, because nearly all callers ask for nothing special, and pay for nothing then. */
static inline __attribute__((always_inline)) BOOLEAN KiArmTimer(PKTIMER Timer,
                                                                LARGE_INTEGER DueTime,
                                                                const KI_TIMER_ARMING *Arming)
{
    KIRQL OldIrql;
    BOOLEAN WasInserted;
    ULONG64 Due;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    KI_ASSERT(KiIsTimer(Timer));
    OldIrql = KiLockDispatcher();
    WasInserted = KiRemoveTimer(Timer);
    KiSetTimerFields(Timer, Arming, DueTime.QuadPart >= 0);
    Timer->Header.SignalState = 0;
    Due = KiComputeDueTime(DueTime);
    if (DueTime.QuadPart >= 0 && Due <= KiQueryInterruptTime100ns()) {
        KiSignalAtOnce(Timer);
    } else {
        KiInsertTimer(Timer, Due);
    }
    KiUnlockDispatcher(OldIrql);
    return WasInserted;
}

BOOLEAN KeArmTimer(PKTIMER Timer, LARGE_INTEGER DueTime, const KI_TIMER_ARMING *Arming)
{
    return KiArmTimer(Timer, DueTime, Arming);
}

BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    KI_ASSERT(Period >= 0);
    return KeArmTimer(
        Timer, DueTime,
        &(KI_TIMER_ARMING){.Period100ns = (ULONG64)Period * PERIOD_100NS, .Dpc = Dpc});
}

BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KiArmTimer(Timer, DueTime, &(KI_TIMER_ARMING){.Dpc = Dpc});
}

BOOLEAN NTAPI KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period,
                                    ULONG TolerableDelay, PKDPC Dpc)
{
    KI_ASSERT(Period <= MAXLONG && TolerableDelay <= MAXLONG);
    return KeArmTimer(Timer, DueTime,
                      &(KI_TIMER_ARMING){.Period100ns = (ULONG64)Period * PERIOD_100NS,
                                         .Tolerance100ns = (ULONG64)TolerableDelay * PERIOD_100NS,
                                         .Dpc = Dpc});
}

BOOLEAN KeIsTimerArmed(PKTIMER Timer)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Armed = (BOOLEAN)(Timer->Header.Inserted != FALSE);
    KiUnlockDispatcher(OldIrql);
    return Armed;
}

BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
    KIRQL OldIrql;
    BOOLEAN WasInserted;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    KI_ASSERT(KiIsTimer(Timer));
    OldIrql = KiLockDispatcher();
    WasInserted = KiRemoveTimer(Timer);
    KiUnlockDispatcher(OldIrql);
    return WasInserted;
}

BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
    return (BOOLEAN)(*(volatile LONG *)&Timer->Header.SignalState != 0);
}
