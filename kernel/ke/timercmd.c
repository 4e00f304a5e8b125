/*
 * The `timers` command: what is armed on each processor. Timers are copied under the dispatcher
 * lock and printed after it, so that what is shown was true at one moment; a person gets the first
 * of each wheel.
 */
#include <ntddk.h>
#include "kd.h"
#include "ldr.h"
#include "processor.h"

#define MS_100NS 10000

/* What `timers` shows of one timer, copied under the lock and printed after it. */
typedef struct _KI_TIMER_LINE {
    PKTIMER Timer;
    ULONG64 DueTime100ns;
    ULONG64 Period100ns;
    PKDPC Dpc;
    PVOID Routine;
} KI_TIMER_LINE;

#define MAXIMUM_LINES 32 /* on the stack: under the lock nothing can be allocated or printed */

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
                (KI_TIMER_LINE){Timer, Timer->DueTime.QuadPart, KiTimerPeriod100ns(Timer),
                                Timer->Dpc, Timer->Dpc ? Timer->Dpc->DeferredRoutine : NULL};
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
    KdConsolePrint(Console, "  %p  in %6llu.%03llu ms  period %5llu.%03llu ms  %s\n", Line->Timer,
                   Left / MS_100NS, Left % MS_100NS / 10, Line->Period100ns / MS_100NS,
                   Line->Period100ns % MS_100NS / 10, Name);
}

static void KiPrintWheel(PKD_CONSOLE Console, PKI_TIMER_WHEEL Wheel)
{
    KI_TIMER_LINE Lines[MAXIMUM_LINES];
    ULONG64 Total = Wheel->Count;
    ULONG Count = KiCopyTimers(Wheel, Lines);

    KdConsolePrint(Console, "%llu armed, %llu expired\n", Total, Wheel->ExpiredCount);
    for (ULONG Line = 0; Line < Count; Line++) {
        KiPrintTimer(Console, &Lines[Line]);
    }
}

static NTSTATUS KiTimersCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        KdConsolePrint(Console, "CPU %u: ", i);
        KiPrintWheel(Console, KiProcessorBlock[i]->TimerWheel);
    }
    KdConsolePrint(Console, "no wake: ");
    KiPrintWheel(Console, &KiNoWakeWheel);
    return STATUS_SUCCESS;
}
KD_COMMAND("timers", "", "timers armed on each processor", KiTimersCommand);
