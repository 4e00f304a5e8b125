/*
 * Timers: KTIMER objects on their processor's wheel.
 *
 * A timer is armed on the processor that sets it and expires there, in the dispatch interrupt that
 * the clock asks for. Everything about a timer, Header.Inserted above all, is guarded by
 * KiDispatcherLock: a cancel on another processor either takes the timer out before it expires or
 * finds it expired, and in the latter case the DPC may be queued or running, as on Windows.
 * A periodic timer is armed again for its last due time plus the period, so it does not drift;
 * periods that passed while the processor could not look are skipped, not made up for.
 */
#include <ntddk.h>
#include "hal.h"
#include "kd.h"
#include "ldr.h"
#include "processor.h"

#define PERIOD_100NS 10000 /* KTIMER.Period is in milliseconds */
/* Timers expired before others get at the dispatcher lock: some microseconds' worth. */
#define BATCH 64

void NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
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

/* A relative time that passes the end of the range, as of a caller who means "for ever", never comes;
 * an absolute one before the system was started is due already. */
ULONG64 KiComputeDueTime(LARGE_INTEGER DueTime)
{
    if (DueTime.QuadPart < 0) {
        ULONG64 Now = KiQueryInterruptTime100ns();
        ULONG64 Due = Now - (ULONG64)DueTime.QuadPart;
        return Due < Now ? KI_WHEEL_NEVER : Due;
    }
    return DueTime.QuadPart > KiSystemTimeBase ? DueTime.QuadPart - KiSystemTimeBase : 0;
}

void KiInsertTimer(PKTIMER Timer, ULONG64 DueTime100ns)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    /* While an expiration is due or under way the clock is armed anew at its end. */
    Timer->DueTime.QuadPart = DueTime100ns;
    Timer->Processor = (USHORT)Prcb->Number;
    Timer->Header.Inserted = TRUE;
    KiWheelInsert(Prcb->TimerWheel, Timer);
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
    KiWheelRemove(KiProcessorBlock[Timer->Processor]->TimerWheel, Timer);
    return TRUE;
}

/* To the next multiple of the period that is still to come, counted from when it was first due. */
static void KiRearmPeriodicTimer(PKTIMER Timer, ULONG64 Now100ns)
{
    ULONG64 Period = (ULONG64)Timer->Period * PERIOD_100NS;
    ULONG64 Due = Timer->DueTime.QuadPart + Period;

    if (Due <= Now100ns) {
        Due += (Now100ns - Due) / Period * Period + Period;
    }
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

/* From the dispatch interrupt. TimerRequest stays set meanwhile, so that the clock does not ask
 * again for what is being done here. */
void KiTimerExpiration(PKPRCB Prcb)
{
    ULONG64 Now = KiUpdateSharedTime();
    ULONG Left = BATCH;
    PKTIMER Timer;

    KiLockDispatcherAtDpcLevel();
    while ((Timer = KiWheelExpire(Prcb->TimerWheel, Now)) != NULL) {
        Timer->Header.Inserted = FALSE;
        KiSignalTimer(Timer, Now);
        if (--Left == 0) {
            KiUnlockDispatcherFromDpcLevel();
            Left = BATCH;
            KiLockDispatcherAtDpcLevel();
        }
    }
    Prcb->TimerRequest = FALSE;
    KiUnlockDispatcherFromDpcLevel();
    KiProgramClock(Prcb);
}

static BOOLEAN KiIsTimer(const KTIMER *Timer)
{
    return Timer->Header.Type == TimerNotificationObject ||
           Timer->Header.Type == TimerSynchronizationObject;
}

BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    KIRQL OldIrql;
    BOOLEAN WasInserted;
    ULONG64 Due, Now;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    KI_ASSERT(KiIsTimer(Timer) && Period >= 0);
    OldIrql = KiLockDispatcher();
    WasInserted = KiRemoveTimer(Timer);
    Timer->Dpc = Dpc;
    Timer->Period = Period;
    Timer->Header.SignalState = 0;
    Due = KiComputeDueTime(DueTime);
    Now = KiQueryInterruptTime100ns();
    if (DueTime.QuadPart >= 0 && Due <= Now) {
        Now = KiUpdateSharedTime();
        Timer->DueTime.QuadPart = Now;
        KiSignalTimer(Timer, Now);
    } else {
        KiInsertTimer(Timer, Due);
    }
    KiUnlockDispatcher(OldIrql);
    return WasInserted;
}

BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, 0, Dpc);
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

/* What `timers` shows of one timer, copied under the lock and printed after it. */
typedef struct _KI_TIMER_LINE {
    PKTIMER Timer;
    ULONG64 DueTime100ns;
    ULONG Period;
    PKDPC Dpc;
    PVOID Routine;
} KI_TIMER_LINE;

#define MAXIMUM_LINES 32

static ULONG KiCopyTimers(PKI_TIMER_WHEEL Wheel, KI_TIMER_LINE *Lines)
{
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY Slots = &Wheel->Slot[0][0];
    ULONG Count = 0;

    for (ULONG i = 0; i < KI_WHEEL_LEVELS * KI_WHEEL_SLOTS; i++) {
        for (PLIST_ENTRY Entry = Slots[i].Flink; Entry != &Slots[i] && Count < MAXIMUM_LINES;
             Entry = Entry->Flink) {
            PKTIMER Timer = CONTAINING_RECORD(Entry, KTIMER, TimerListEntry);
            Lines[Count++] =
                (KI_TIMER_LINE){Timer, Timer->DueTime.QuadPart, Timer->Period, Timer->Dpc,
                                Timer->Dpc ? Timer->Dpc->DeferredRoutine : NULL};
        }
    }
    KiUnlockDispatcher(OldIrql);
    return Count;
}

static void KiPrintTimer(PKD_CONSOLE Console, const KI_TIMER_LINE *Line)
{
    ULONG64 Now = KiQueryInterruptTime100ns();
    ULONG64 Left = Line->DueTime100ns > Now ? Line->DueTime100ns - Now : 0;
    CHAR Name[80] = "(a wait's timeout or no DPC)";

    if (Line->Routine != NULL) {
        LdrFormatAddress(Line->Routine, Name, sizeof(Name));
    }
    KdConsolePrint(Console, "  %p  in %6llu.%03llu ms  period %5u ms  %s\n", Line->Timer,
                   Left / PERIOD_100NS, Left % PERIOD_100NS / 10, Line->Period, Name);
}

static NTSTATUS KiTimersCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    KI_TIMER_LINE Lines[MAXIMUM_LINES];

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        PKI_TIMER_WHEEL Wheel = KiProcessorBlock[i]->TimerWheel;
        ULONG64 Total = Wheel->Count;
        ULONG Count = KiCopyTimers(Wheel, Lines);
        KdConsolePrint(Console, "CPU %u: %llu armed, %llu expired\n", i, Total,
                       Wheel->ExpiredCount);
        for (ULONG Line = 0; Line < Count; Line++) {
            KiPrintTimer(Console, &Lines[Line]);
        }
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("timers", "", "timers armed on each processor", KiTimersCommand);
