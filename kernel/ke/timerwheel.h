/* timerwheel.h - one processor's armed timers, ordered by due time (model: timerwheel.c). */
#ifndef _KE_TIMERWHEEL_H_
#define _KE_TIMERWHEEL_H_

#include <ntddk.h>

#define KI_WHEEL_TICK_SHIFT 10 /* a wheel tick is 1024 * 100 ns */
#define KI_WHEEL_DIGIT_BITS 6
#define KI_WHEEL_LEVELS 9 /* 9 digits of 6 bits: all of the 64-bit interrupt time */
#define KI_WHEEL_SLOTS (1 << KI_WHEEL_DIGIT_BITS)
#define KI_WHEEL_NEVER (~0ULL)

/* Bits of KTIMER.Header.TimerControlFlags, as Windows names them: Absolute, and from
 * EncodedTolerableDelay on the binary logarithm of the tolerable delay in 100 ns; 0: none. */
#define KI_TIMER_ABSOLUTE 0x1
#define KI_TIMER_TOLERANCE_SHIFT 2

typedef struct _KI_TIMER_WHEEL {
    ULONG64 Current; /* d  wheel ticks: every timer in the wheel is due at this tick or later */
    volatile ULONG64 NextDue100ns; /* d, read by the clock without it; KI_WHEEL_NEVER: empty */
    ULONG64 Count;                 /* d */
    ULONG64 ExpiredCount;          /* d */
    ULONG LevelSummary;            /* d  bit n: level n has timers */
    ULONG64 SlotSummary[KI_WHEEL_LEVELS]; /* d  bit n: slot n has timers */
    /* d  a lower bound of the slot's due ticks; exact until its earliest timer is cancelled */
    ULONG64 Earliest[KI_WHEEL_LEVELS][KI_WHEEL_SLOTS];
    LIST_ENTRY Slot[KI_WHEEL_LEVELS][KI_WHEEL_SLOTS]; /* d  of KTIMER.TimerListEntry */
    /* d  timers on their way to other slots; while there are any, they come before all else */
    LIST_ENTRY Moving;
    LONG64 Shift100ns; /* d  for the due times of absolute timers in Moving */
} KI_TIMER_WHEEL, *PKI_TIMER_WHEEL;

void KiWheelInitialize(PKI_TIMER_WHEEL Wheel);
/* Files Timer, which stands in no wheel, under its DueTime. O(1). */
void KiWheelInsert(PKI_TIMER_WHEEL Wheel, PKTIMER Timer);
/* Takes out Timer, which stands in this wheel. O(1). */
void KiWheelRemove(PKI_TIMER_WHEEL Wheel, PKTIMER Timer);
/* Takes out a timer that is due at interrupt time Now100ns. Each timer that is looked at takes 1
 * from *Budget. NULL: there is none (any more), or *Budget is 0 and the caller goes on with a new
 * one, after he has let others get at the lock. */
PKTIMER KiWheelExpire(PKI_TIMER_WHEEL Wheel, ULONG64 Now100ns, PULONG Budget);
/* Adds Shift100ns to the due times of all absolute timers: the system time has been set. The work
 * is done by the expirations that follow, and must be over before the next call. */
void KiWheelShiftAbsolute(PKI_TIMER_WHEEL Wheel, LONG64 Shift100ns);

#endif
