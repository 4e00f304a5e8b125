/* count.h - arithmetic on hardware counters. Pure; no library beyond the compiler's. */
#ifndef _HAL_COUNT_
#define _HAL_COUNT_

#include <ntdef.h>

/*
 * Extends a counter of few bits to 64: what ReadRaw answers, plus what has wrapped since *Last,
 * which is kept up to date. Mask: the counter's bits, all ones from bit 0 on. Has to be called at
 * least once per wrap. Never goes back, whichever processors call it, at any IRQL.
 */
ULONG64 HalpExtendCount(volatile ULONG64 *Last, ULONG64 Mask, ULONG64 (*ReadRaw)(void));

/* (Numerator << Shift) / Denominator, rounded down. The result fits 64 bits, Denominator 63. */
ULONG64 HalpShiftDivide(ULONG64 Numerator, ULONG Shift, ULONG64 Denominator);

#endif
