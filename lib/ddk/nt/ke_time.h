/* nt/ke_time.h - timers and time (book ch. 6). Times are in 100 ns units unless a name says else. */
#ifndef _NT_KE_TIME_
#define _NT_KE_TIME_

NTKERNELAPI VOID NTAPI KeInitializeTimer(_Out_ PKTIMER Timer);
NTKERNELAPI VOID NTAPI KeInitializeTimerEx(_Out_ PKTIMER Timer, _In_ TIMER_TYPE Type);
NTKERNELAPI BOOLEAN NTAPI KeSetTimer(_Inout_ PKTIMER Timer, _In_ LARGE_INTEGER DueTime,
                                     _In_opt_ PKDPC Dpc);
NTKERNELAPI BOOLEAN NTAPI KeSetTimerEx(_Inout_ PKTIMER Timer, _In_ LARGE_INTEGER DueTime,
                                       _In_ LONG Period, _In_opt_ PKDPC Dpc);
NTKERNELAPI BOOLEAN NTAPI KeCancelTimer(_Inout_ PKTIMER Timer);
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

NTKERNELAPI VOID NTAPI KeQuerySystemTimePrecise(_Out_ PLARGE_INTEGER CurrentTime);
NTKERNELAPI ULONG64 NTAPI KeQueryInterruptTimePrecise(_Out_ PULONG64 QpcTimeStamp);
NTKERNELAPI LARGE_INTEGER NTAPI KeQueryPerformanceCounter(_Out_opt_ PLARGE_INTEGER Frequency);
NTKERNELAPI ULONG NTAPI KeQueryTimeIncrement(VOID);
/*
 * Spins for at least MicroSeconds; interrupts are served as the IRQL permits, and lengthen it. For
 * device registers that need a moment, 50 us at most; longer waits are for timers. Any IRQL. WDK:
 * KeStallExecutionProcessor.
 */
NTHALAPI VOID NTAPI KeStallExecutionProcessor(_In_ ULONG MicroSeconds);

#endif
