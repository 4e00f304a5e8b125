/*
 * clock.c - the one counter that all time in the system comes from.
 *
 * Chosen once: the TSC when it can be trusted, else the HPET, the ACPI PM timer, the PIT. Reading
 * it as 100 ns units is a multiplication and a shift. HalpCounter points at the counter in use; it
 * changes at most once, when a processor turns out to have a TSC of its own, to the reference
 * counter, which has been running from the same zero all along. Readers take no lock.
 *
 *     time = (count - Base) * Multiplier / 2^56,  Multiplier = 10^7 * 2^56 / frequency
 *
 * At 2.6 GHz the multiplier is 277 * 10^12, so rounding it costs less than a second in 8 million
 * years; the product has 128 bits and does not overflow.
 */
#include "halp.h"

#define CPUID_POWER 0x80000007
#define CPUID_POWER_INVARIANT_TSC (1U << 8)
#define CPUID_EXTENDED_FEATURES 7
#define CPUID_7_EBX_TSC_ADJUST (1U << 1)
#define MSR_TSC_ADJUST 0x3B
#define UNITS_PER_SECOND 10000000ULL
/* The reference runs this much ahead, so that changing over to it never steps back. */
#define SWITCH_MARGIN_100NS 1000
#define CALIBRATION_ERROR_DIVISOR 1024 /* calibration is right to one part in as many */

static HALP_COUNTER HalpTscCounter = {.Name = "TSC", .Read = HalpReadTsc};
static HALP_COUNTER HalpReferenceCounter; /* i  HPET, PM timer or PIT */
/* Before start its multiplier is 0, and so is time. */
static HALP_COUNTER *volatile HalpCounter = &HalpTscCounter;
static volatile ULONG64 HalpTscBeforeStart; /* the starting processor's, before the other's reset */
static ULONG64 HalpBootTscAdjust;           /* i */

static inline ULONG64 HalpToTime(const HALP_COUNTER *Counter, ULONG64 Count)
{
    unsigned __int128 Product = (unsigned __int128)(Count - Counter->Base) * Counter->Multiplier;

    return (ULONG64)(Product >> HALP_COUNTER_SHIFT) + Counter->Offset100ns;
}

ULONG64 HalQueryCounter100ns(void)
{
    const HALP_COUNTER *Counter = HalpCounter;

    /* The common case without a call. */
    return HalpToTime(Counter, Counter == &HalpTscCounter ? HalpReadTsc() : Counter->Read());
}

const char *HalQueryCounterName(ULONG64 *FrequencyHertz)
{
    const HALP_COUNTER *Counter = HalpCounter;

    *FrequencyHertz = Counter->FrequencyHertz;
    return Counter->Name;
}

/* Time is 0 now. */
static void HalpStartCounter(PHALP_COUNTER Counter)
{
    Counter->Multiplier =
        HalpShiftDivide(UNITS_PER_SECOND, HALP_COUNTER_SHIFT, Counter->FrequencyHertz);
    Counter->Base = Counter->Read();
}

/* Runs at one rate whatever the processor does. Under TCG it is made from the host's clock. */
static BOOLEAN HalpIsTscTrusted(void)
{
    ULONG Info[4];

    HalpCpuid(Info, CPUID_POWER);
    return (Info[3] & CPUID_POWER_INVARIANT_TSC) != 0 ||
           strcmp(HalpHypervisorName, "TCGTCGTCGTCG") == 0;
}

/* The register holds what has ever been added to this processor's TSC by writing it. */
static BOOLEAN HalpHasTscAdjust(void)
{
    ULONG Info[4];

    HalpCpuid(Info, CPUID_EXTENDED_FEATURES);
    return (Info[1] & CPUID_7_EBX_TSC_ADJUST) != 0;
}

/* The reference is also what remains when the TSC cannot be used, so it is started in any case. */
void HalpInitializeTime(void)
{
    HALP_CALIBRATION Calibration;

    if (!HalpInitializeHpet(&HalpReferenceCounter) &&
        !HalpInitializePmTimer(&HalpReferenceCounter) &&
        !HalpInitializePit(&HalpReferenceCounter)) {
        KeBugCheckEx(HAL_INITIALIZATION_FAILED, HalFailureNoCounter, 0, 0, 0);
    }
    HalpCalibrate(&HalpReferenceCounter, &Calibration);
    HalpClockMultiplier =
        HalpShiftDivide(Calibration.ApicHertz, HALP_CLOCK_SHIFT, UNITS_PER_SECOND);
    HalpTscCounter.FrequencyHertz = Calibration.TscHertz;
    HalpStartCounter(&HalpTscCounter);
    HalpStartCounter(&HalpReferenceCounter);
    if (HalpHasTscAdjust()) {
        HalpBootTscAdjust = __readmsr(MSR_TSC_ADJUST);
    }
    HalpCounter = HalpIsTscTrusted() ? &HalpTscCounter : &HalpReferenceCounter;
}

void HalpRememberTsc(void)
{
    HalpTscBeforeStart = HalpReadTsc();
}

/* Gives up the TSC for the reference, which must not be read as earlier than the TSC was. */
static void HalpAbandonTsc(void)
{
    LONG64 Behind = HalpToTime(&HalpTscCounter, HalpTscBeforeStart) -
                    HalpToTime(&HalpReferenceCounter, HalpReferenceCounter.Read());

    HalpReferenceCounter.Offset100ns = max(Behind, 0) + SWITCH_MARGIN_100NS;
    HalpCounter = &HalpReferenceCounter;
}

/* The TSC is later than the reference by more than what calibration can have got wrong. */
static BOOLEAN HalpIsTscAhead(ULONG64 Tsc)
{
    ULONG64 Time = HalpToTime(&HalpReferenceCounter, HalpReferenceCounter.Read());

    return HalpToTime(&HalpTscCounter, Tsc) >
           Time + Time / CALIBRATION_ERROR_DIVISOR + SWITCH_MARGIN_100NS / 2;
}

/*
 * Two bounds: this processor was started after the other one read HalpTscBeforeStart, so reading
 * less proves that it is behind; and the reference is the same for all, so being later than that
 * proves that it is ahead.
 */
void HalpCheckProcessorTsc(void)
{
    ULONG64 Tsc;

    if (HalpCounter != &HalpTscCounter) {
        return;
    }
    /* Firmware may have set this processor's TSC apart; the difference is in this register. */
    if (HalpHasTscAdjust() && __readmsr(MSR_TSC_ADJUST) != HalpBootTscAdjust) {
        __writemsr(MSR_TSC_ADJUST, HalpBootTscAdjust);
    }
    Tsc = HalpReadTsc();
    if (Tsc < HalpTscBeforeStart || HalpIsTscAhead(Tsc)) {
        HalpAbandonTsc();
    }
}
