/*
 * The clock: time for everybody, and the one-shot interrupt that drives ticks and timers.
 *
 * Interrupt time is the HAL's monotonic counter. The shared page at KI_USER_SHARED_DATA holds
 * copies that drivers read inline. Each clock interrupt renews them, and so does whoever lets
 * timers expire, by the very time that it takes for now: a DPC never reads a time before its
 * timer's due time.
 *
 * Each processor arms its local timer for the nearest of its wheel's first due time and its next
 * tick. The first processor always ticks; another one only while it is not idle, so that idle
 * processors sleep. One interrupt may come earlier than armed for (the timer's clock and the
 * counter differ by some ppm): it then just arms again. NextClock100ns tells what is armed, so a
 * later need costs nothing; it is written with interrupts off.
 */
#include <ntddk.h>
#include "hal.h"
#include "mm.h"
#include "processor.h"

#define COUNTER_HERTZ 10000000 /* performance counter and interrupt time are one: 100 ns units */
/* Milliseconds per tick as a fixed-point number with 24 fraction bits: GetTickCount's factor. */
#define TICK_MULTIPLIER ((ULONG)(((ULONG64)KI_TICK_100NS << 24) / 10000))

/* The fields of KUSER_SHARED_DATA that are kept up here, at Windows' offsets. */
typedef struct _KI_SHARED_DATA {
    ULONG TickCountLowDeprecated;
    ULONG TickCountMultiplier;
    KSYSTEM_TIME InterruptTime;
    KSYSTEM_TIME SystemTime;
    UCHAR Reserved20[0x26C - 0x20];
    ULONG NtMajorVersion;
    ULONG NtMinorVersion;
    UCHAR Reserved274[0x300 - 0x274];
    LONG64 QpcFrequency;
    UCHAR Reserved308[0x320 - 0x308];
    KSYSTEM_TIME TickCount;
} KI_SHARED_DATA;
C_ASSERT(offsetof(KI_SHARED_DATA, InterruptTime) == 0x8);
C_ASSERT(offsetof(KI_SHARED_DATA, SystemTime) == 0x14);
C_ASSERT(offsetof(KI_SHARED_DATA, NtMajorVersion) == 0x26C);
C_ASSERT(offsetof(KI_SHARED_DATA, QpcFrequency) == 0x300);
C_ASSERT(offsetof(KI_SHARED_DATA, TickCount) == 0x320);

#define SHARED ((KI_SHARED_DATA *)KI_USER_SHARED_DATA)

LONG64 KiSystemTimeBase;
static KSPIN_LOCK KiTimeLock;
KI_RANKED_LOCK(KiTimeLock, LOCK_ORDER_KE_TIME);
static ULONG64 KiFirstTsc; /* with KiFirstCounter: two readings at once, for the TSC's rate */
static ULONG64 KiFirstCounter;

ULONG64 KiQueryInterruptTime100ns(void)
{
    return HalQueryCounter100ns();
}

/*
 * High2Time first, then the other two in one store, which does not cross a cache line. An 8-byte
 * reader sees old or new; one that reads High1, Low, High2 sees the highs differ in between.
 */
static void KiWriteSystemTime(KSYSTEM_TIME *Time, ULONG64 Value)
{
    *(volatile LONG *)&Time->High2Time = (LONG)(Value >> 32);
    __asm__ volatile("movq %1, %0" : "=m"(*(volatile ULONG64 *)Time) : "r"(Value) : "memory");
}

/* Interrupts off, not just an IRQL: the clock takes this lock too, and would spin for ever on what
 * it has interrupted. Reading the counter under it keeps a late writer from setting the times
 * back. */
ULONG64 KiUpdateSharedTime(void)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    ULONG64 Now;

    KiAcquireRawLock(&KiTimeLock);
    Now = HalQueryCounter100ns();
    KiWriteSystemTime(&SHARED->InterruptTime, Now);
    KiWriteSystemTime(&SHARED->SystemTime, KiSystemTimeBase + Now);
    KiWriteSystemTime(&SHARED->TickCount, Now / KI_TICK_100NS);
    SHARED->TickCountLowDeprecated = (ULONG)(Now / KI_TICK_100NS);
    KiReleaseRawLock(&KiTimeLock);
    KiRestoreInterrupts(Enabled);
    return Now;
}

/* The shared page gets both at once: nobody sees the new base with the old time in it. */
LONG64 KiMoveSystemTime(LONG64 NewTime100ns)
{
    LONG64 Now = (LONG64)HalQueryCounter100ns();
    LONG64 OldTime = KiSystemTimeBase + Now;

    __atomic_store_n(&KiSystemTimeBase, NewTime100ns - Now, __ATOMIC_RELEASE);
    KiUpdateSharedTime();
    return OldTime;
}

/* The tick serves quanta, accounting and left-over DPCs; an idle processor has none of them
 * (KiRetireBeforeIdle). The first one ticks even then, to keep the shared times fresh. */
static BOOLEAN KiWantsTick(const KPRCB *Prcb)
{
    return Prcb->Number == 0 || Prcb->CurrentThread != Prcb->IdleThread;
}

/* When this processor needs its next clock interrupt. Interrupts are off. */
static ULONG64 KiNextClock(PKPRCB Prcb, ULONG64 Now)
{
    /* Once the clock has asked for expiration it need not look at the wheel until that is done. */
    ULONG64 Next = Prcb->TimerRequest ? KI_WHEEL_NEVER : Prcb->TimerWheel->NextDue100ns;

    if (!KiWantsTick(Prcb)) {
        Prcb->ClockTicking = FALSE;
        return Next;
    }
    if (!Prcb->ClockTicking) {
        /* Back from idleness: the thread gets a tick from now on, not the ones slept through. Ticks
         * of all processors fall on the same multiples. */
        Prcb->ClockTicking = TRUE;
        Prcb->LastTick100ns = Now - Now % KI_TICK_100NS;
    }
    return KiPerturbNextClock(Prcb, Now, min(Next, Prcb->LastTick100ns + KI_TICK_100NS));
}

/* Interrupts are off from the decision to the arming, or a clock interrupt in between would leave
 * NextClock100ns saying what is not so. A later time than the armed one is left to its
 * interrupt. */
void KiProgramClock(PKPRCB Prcb)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    ULONG64 Now = HalQueryCounter100ns();
    ULONG64 Next = KiNextClock(Prcb, Now);

    if (Next < Prcb->NextClock100ns) {
        Prcb->NextClock100ns = Next;
        HalArmClock(Next > Now ? Next - Now : 1);
    }
    KiRestoreInterrupts(Enabled);
}

/* From the stub, at CLOCK_LEVEL with interrupts on. */
void KiClockInterrupt(PKPRCB Prcb, KIRQL Interrupted)
{
    ULONG64 Now = KiUpdateSharedTime();

    /* One shot: nothing is armed now. Several ticks that were missed at once count as one. */
    Prcb->ClockCount += 1;
    Prcb->NextClock100ns = KI_WHEEL_NEVER;
    if (!Prcb->TimerRequest && Prcb->TimerWheel->NextDue100ns <= Now) {
        Prcb->TimerRequest = TRUE;
        KiRequestDispatchInterrupt();
    }
    if (Prcb->ClockTicking && Now - Prcb->LastTick100ns >= KI_TICK_100NS) {
        if (Prcb->Number == 0 && KiNoWakeWheel.NextDue100ns <= Now && !Prcb->TimerRequest) {
            Prcb->TimerRequest = TRUE;
            KiRequestDispatchInterrupt();
        }
        Prcb->LastTick100ns = Now - Now % KI_TICK_100NS;
        KiUpdateRunTime(Prcb, Prcb->DpcActive);
        KiTickDpcQueues(Prcb);
        KiWatchTick(Prcb, Interrupted);
    }
    KiPerturbClock(Prcb, Now);
    KiProgramClock(Prcb);
}

/* Only fields of the page that are true here are written; the others stay zero. */
void KiInitializeClock(void)
{
    KiWheelInitialize(&KiNoWakeWheel);
    KiSystemTimeBase = HalQueryRealTimeClock() - (LONG64)HalQueryCounter100ns();
    SHARED->TickCountMultiplier = TICK_MULTIPLIER;
    SHARED->NtMajorVersion = 10;
    SHARED->NtMinorVersion = 0;
    SHARED->QpcFrequency = COUNTER_HERTZ;
    KiUpdateSharedTime();
    KiFirstCounter = HalQueryCounter100ns();
    KiFirstTsc = __rdtsc();
}

/* The counter started long after the first instruction; the time before it is known in TSC cycles
 * only, whose rate the time since then gives, whatever the counter is made of. */
ULONG64 KiQueryUptimeTenthsMs(void)
{
    ULONG64 Elapsed = HalQueryCounter100ns() - KiFirstCounter;
    ULONG64 Tsc = __rdtsc();
    ULONG64 Before = KiFirstTsc - KeLoaderBlock->EntryTsc; /* cycles before the counter ran */
    ULONG64 Cycles = Tsc - KiFirstTsc;

    return (Elapsed + (Cycles ? Before * Elapsed / Cycles : 0)) / 1000;
}

ULONG64 NTAPI KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp)
{
    ULONG64 Now = HalQueryCounter100ns();
    *QpcTimeStamp = Now;
    return Now;
}

/* The system does not sleep, so nothing has to be taken off. */
ULONGLONG NTAPI KeQueryUnbiasedInterruptTime(void)
{
    return KeQueryInterruptTime();
}

ULONG64 NTAPI KeQueryUnbiasedInterruptTimePrecise(PULONG64 QpcTimeStamp)
{
    return KeQueryInterruptTimePrecise(QpcTimeStamp);
}

void NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = KiSystemTimeBase + (LONG64)HalQueryCounter100ns();
}

LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER Frequency)
{
    LARGE_INTEGER Counter = {.QuadPart = (LONG64)HalQueryCounter100ns()};

    if (Frequency != NULL) {
        Frequency->QuadPart = COUNTER_HERTZ;
    }
    return Counter;
}

ULONG NTAPI KeQueryTimeIncrement(void)
{
    return KI_TICK_100NS;
}
