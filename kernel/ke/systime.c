/*
 * Setting the system time, and the `time` command.
 *
 * System time is interrupt time plus KiSystemTimeBase. Timers are armed for interrupt times, so
 * setting the clock concerns only those whose caller named a system time: their due times move the
 * other way. The base and all wheels change in one hold of the dispatcher lock; the wheels then
 * file their timers anew, some at a time, and each processor has done so before the call returns.
 */
#include <ntddk.h>
#include "kd.h"
#include "processor.h"

#define SECOND_100NS 10000000

static KI_STATIC_EVENT(KiSystemTimeFree, SynchronizationEvent, 1); /* set while nobody sets it */

static KDEFERRED_ROUTINE KiSettleTimers;
static void NTAPI KiSettleTimers(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    KiTimerExpiration(KeGetCurrentPrcb());
    KeSignalCallDpcDone(Argument1);
}

static LONG64 KiShiftSystemTime(LONG64 NewTime100ns)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG64 OldBase = KiSystemTimeBase;
    LONG64 OldTime = KiMoveSystemTime(NewTime100ns);
    LONG64 Shift = OldBase - KiSystemTimeBase;

    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        KiWheelShiftAbsolute(KiProcessorBlock[i]->TimerWheel, Shift);
    }
    KiWheelShiftAbsolute(&KiNoWakeWheel, Shift);
    KiUnlockDispatcher(OldIrql);
    return OldTime;
}

LONG64 KeSetSystemTime(LONG64 NewTime100ns)
{
    LONG64 OldTime;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&KiSystemTimeFree, Executive, KernelMode, FALSE, NULL);
    OldTime = KiShiftSystemTime(NewTime100ns);
    KeGenericCallDpc(KiSettleTimers, NULL);
    KeSetEvent(&KiSystemTimeFree, IO_NO_INCREMENT, FALSE);
    KeLeaveCriticalRegion();
    return OldTime;
}

static void KiPrintTime(PKD_CONSOLE Console)
{
    ULONG64 Counter, Interrupt = KeQueryInterruptTimePrecise(&Counter);
    LARGE_INTEGER System;
    TIME_FIELDS Fields;

    KeQuerySystemTimePrecise(&System);
    RtlTimeToTimeFields(&System, &Fields);
    KdConsolePrint(Console, "%04d-%02d-%02d %02d:%02d:%02d.%03d UTC, up %llu.%03llu s\n",
                   Fields.Year, Fields.Month, Fields.Day, Fields.Hour, Fields.Minute, Fields.Second,
                   Fields.Milliseconds, Interrupt / SECOND_100NS,
                   Interrupt % SECOND_100NS / (SECOND_100NS / 1000));
}

/* Parses Count decimal numbers with Separator between them, and nothing else. */
static BOOLEAN KiParseNumbers(const char *Text, char Separator, SHORT *Numbers[], ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        ULONG Value = 0;
        if (*Text < '0' || *Text > '9') {
            return FALSE;
        }
        while (*Text >= '0' && *Text <= '9' && Value < 10000) {
            Value = Value * 10 + (ULONG)(*Text++ - '0');
        }
        *Numbers[i] = (SHORT)min(Value, 0x7FFFU);
        if (*Text != (i + 1 < Count ? Separator : 0)) {
            return FALSE;
        }
        Text += i + 1 < Count;
    }
    return TRUE;
}

static BOOLEAN KiParseTime(const char *Date, const char *Time, PLARGE_INTEGER System)
{
    TIME_FIELDS Fields = {0};
    SHORT *DateFields[] = {&Fields.Year, &Fields.Month, &Fields.Day};
    SHORT *TimeFields[] = {&Fields.Hour, &Fields.Minute, &Fields.Second};

    return KiParseNumbers(Date, '-', DateFields, 3) && KiParseNumbers(Time, ':', TimeFields, 3) &&
           RtlTimeFieldsToTime(&Fields, System);
}

static NTSTATUS KiTimeCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    LARGE_INTEGER System;

    if (Argc == 3 && KiParseTime(Argv[1], Argv[2], &System)) {
        KeSetSystemTime(System.QuadPart);
    } else if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KiPrintTime(Console);
    return STATUS_SUCCESS;
}
KD_COMMAND("time", "[YYYY-MM-DD HH:MM:SS]", "show the system time (UTC), or set it", KiTimeCommand);
