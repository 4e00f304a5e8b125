/*
 * stall.c - waiting for microseconds without giving up the processor.
 *
 * The counter is asked over and over, so an interrupt or a host that takes the processor away only
 * makes the wait longer; counting loops instead would depend on both.
 */
#include "halp.h"

#define UNITS_PER_MICROSECOND 10

VOID NTAPI KeStallExecutionProcessor(ULONG MicroSeconds)
{
    ULONG64 Start = HalQueryCounter100ns();
    /* The unit that has begun does not count. */
    ULONG64 Wait = (ULONG64)MicroSeconds * UNITS_PER_MICROSECOND + 1;

    while (HalQueryCounter100ns() - Start < Wait) {
        YieldProcessor();
    }
}
