/*
 * pmtimer.c - the ACPI power management timer: 3.579545 MHz, 24 or 32 bits, extended to 64.
 */
#include "halp.h"

#define PM_TIMER_HERTZ 3579545
#define PM_TIMER_PROBE_LIMIT 10000 /* port reads: it steps within one or two */

static volatile ULONG64 HalpPmTimerLast; /* o  extended count */
static ULONG64 HalpPmTimerMask;

static ULONG64 HalpReadPmTimerRaw(void)
{
    return HalpIn32(HalpPlatform.PmTimerPort) & HalpPmTimerMask;
}

static ULONG64 HalpReadPmTimer(void)
{
    return HalpExtendCount(&HalpPmTimerLast, HalpPmTimerMask, HalpReadPmTimerRaw);
}

BOOLEAN HalpInitializePmTimer(PHALP_COUNTER Counter)
{
    ULONG64 First;

    if (HalpPlatform.PmTimerPort == 0) {
        return FALSE;
    }
    HalpPmTimerMask = HalpPlatform.PmTimer32Bits ? MAXULONG : 0xFFFFFF;
    Counter->Name = "ACPI PM timer";
    Counter->Read = HalpReadPmTimer;
    Counter->FrequencyHertz = PM_TIMER_HERTZ;
    First = HalpReadPmTimerRaw();
    for (ULONG i = 0; i < PM_TIMER_PROBE_LIMIT; i++) {
        if (HalpReadPmTimerRaw() != First) {
            return TRUE;
        }
    }
    return FALSE;
}
