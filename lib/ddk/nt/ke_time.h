/* nt/ke_time.h - timers and time (book ch. 6). Times are in 100 ns units unless a name says
 * else. */
#include <wdm.h>

#ifndef _NT_KE_TIME_
#define _NT_KE_TIME_

/* Makes a notification timer, not armed and not signalled. Any IRQL. WDK: KeInitializeTimer. */
NTKERNELAPI VOID NTAPI KeInitializeTimer(_Out_ PKTIMER Timer);
/* The same with a type: a NotificationTimer stays signalled until it is set again, and wakes all
 * waiters; a SynchronizationTimer wakes one and is reset by that. Any IRQL. WDK:
 * KeInitializeTimerEx; book ch. 6. */
NTKERNELAPI VOID NTAPI KeInitializeTimerEx(_Out_ PKTIMER Timer, _In_ TIMER_TYPE Type);
/* Arms Timer, a KTIMER in non-paged memory, anew: not signalled until DueTime, then signalled, and
 * Dpc, if any, queued. DueTime < 0: after that many 100 ns; else at that system time, even if the
 * clock is set meanwhile, and at once when it is past. Never early; late by a tenth of a
 * millisecond and what higher IRQLs cost. TRUE: it was armed before, and that is forgotten. WDK:
 * KeSetTimer; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeSetTimer(_Inout_ PKTIMER Timer, _In_ LARGE_INTEGER DueTime,
                                     _In_opt_ PKDPC Dpc);
/* The same, and again every Period milliseconds after DueTime until cancelled; 0: once. Expirations
 * do not drift; those that could not be handled in time are skipped. WDK: KeSetTimerEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeSetTimerEx(_Inout_ PKTIMER Timer, _In_ LARGE_INTEGER DueTime,
                                       _In_ LONG Period, _In_opt_ PKDPC Dpc);
/* The same for a timer that may be late by as much as TolerableDelay milliseconds, each time: the
 * system chooses a moment at which it does something else, too, so that processors sleep longer.
 * WDK: KeSetCoalescableTimer; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeSetCoalescableTimer(_Inout_ PKTIMER Timer, _In_ LARGE_INTEGER DueTime,
                                                _In_ ULONG Period, _In_ ULONG TolerableDelay,
                                                _In_opt_ PKDPC Dpc);
/* Disarms Timer. TRUE: it was armed, and neither signals nor queues its DPC any more (a periodic
 * timer's DPC of an earlier period may still be queued). FALSE: it was not, and its DPC may be
 * queued or running: KeRemoveQueueDpc, KeFlushQueuedDpcs. WDK: KeCancelTimer. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI KeCancelTimer(_Inout_ PKTIMER Timer);
/* TRUE when Timer is signalled; maybe old already. Any IRQL. WDK: KeReadStateTimer. */
NTKERNELAPI BOOLEAN NTAPI KeReadStateTimer(_In_ PKTIMER Timer);

typedef struct _KSYSTEM_TIME {
    ULONG LowPart;
    LONG High1Time;
    LONG High2Time;
} KSYSTEM_TIME, *PKSYSTEM_TIME;

#define SharedInterruptTime (KI_USER_SHARED_DATA + 0x8)
#define SharedSystemTime (KI_USER_SHARED_DATA + 0x14)
#define SharedTickCount (KI_USER_SHARED_DATA + 0x320)
#define KI_USER_SHARED_DATA 0xFFFFF78000000000UL

/* Interrupt time: 100 ns units since boot, as of the last clock interrupt. Any IRQL. */
FORCEINLINE ULONGLONG KeQueryInterruptTime(VOID)
{
    return *(volatile ULONG64 *)SharedInterruptTime;
}

/* System time: 100 ns units since 1601 UTC, as of the last clock interrupt. Any IRQL. */
FORCEINLINE VOID KeQuerySystemTime(_Out_ PLARGE_INTEGER CurrentTime)
{
    /* The shared value is 4-byte aligned at an 8-byte boundary + 4, as on Windows; x86-64 reads it
     * in one access because it does not cross a cache line. */
    CurrentTime->QuadPart = *(volatile LONG64 *)SharedSystemTime;
}

/* Clock ticks of KeQueryTimeIncrement() since boot. Any IRQL. */
FORCEINLINE VOID KeQueryTickCount(_Out_ PLARGE_INTEGER TickCount)
{
    TickCount->QuadPart = *(volatile LONG64 *)SharedTickCount;
}

/* System time now, from the hardware counter rather than the last clock interrupt. Any IRQL. WDK:
 * KeQuerySystemTimePrecise. */
NTKERNELAPI VOID NTAPI KeQuerySystemTimePrecise(_Out_ PLARGE_INTEGER CurrentTime);
/* Interrupt time now; *QpcTimeStamp receives the performance counter of the same moment. Any IRQL.
 * WDK: KeQueryInterruptTimePrecise. */
NTKERNELAPI ULONG64 NTAPI KeQueryInterruptTimePrecise(_Out_ PULONG64 QpcTimeStamp);
/* Interrupt time without the time that the system slept, which it never does: as of the last clock
 * interrupt, and now. Any IRQL. WDK: KeQueryUnbiasedInterruptTime,
 * KeQueryUnbiasedInterruptTimePrecise. */
NTKERNELAPI ULONGLONG NTAPI KeQueryUnbiasedInterruptTime(VOID);
NTKERNELAPI ULONG64 NTAPI KeQueryUnbiasedInterruptTimePrecise(_Out_ PULONG64 QpcTimeStamp);
/* A counter that never goes back and is the same on every processor; *Frequency receives its rate,
 * 10 MHz as on Windows 10. Any IRQL. WDK: KeQueryPerformanceCounter. */
NTKERNELAPI LARGE_INTEGER NTAPI KeQueryPerformanceCounter(_Out_opt_ PLARGE_INTEGER Frequency);
/* 100 ns units per clock tick, of which KeQueryTickCount counts: 156250. Any IRQL. WDK:
 * KeQueryTimeIncrement. */
NTKERNELAPI ULONG NTAPI KeQueryTimeIncrement(VOID);
/*
 * Spins for at least MicroSeconds; interrupts are served as the IRQL permits, and lengthen it. For
 * device registers that need a moment, 50 us at most; longer waits are for timers. Any IRQL. WDK:
 * KeStallExecutionProcessor.
 */
NTHALAPI VOID NTAPI KeStallExecutionProcessor(_In_ ULONG MicroSeconds);

#endif
