/*
 * calibrate.c - how fast the TSC and the APIC timer run, measured together against a counter of
 * known frequency, in one window of 1 to 3 ms.
 *
 *     reference  ---+-------------------------------------------+---   counts known to be 1 to 3 ms
 *     TSC        --+.+-----------------------------------------+.+--   one reading on each side
 *     APIC timer ---+-------------------------------------------+---
 *                 Start                                        End
 *
 * A sample reads the TSC, the reference, the APIC count and the TSC again. The distance of the two
 * TSC readings bounds how far apart the others can be, so of several samples the narrowest is kept:
 * a host that takes the processor away in the middle makes a wide one. When both ends of a window
 * are not narrow against the window itself, it is measured again.
 */
#include "halp.h"

#define WINDOW_COUNTS 10000 /* reference counts: 100 ppm each end at worst */
#define WINDOW_MIN_US 1000
#define WINDOW_MAX_US 3000
#define SAMPLE_TRIES 8
#define WINDOW_TRIES 6
#define WINDOW_PER_NOISE 256 /* a window is this many times its noise, or is not good */
#define SPIN_LIMIT 50000000  /* a reference that stops must not hang the machine */

typedef struct _HALP_SAMPLE {
    ULONG64 Tsc;
    ULONG64 Width; /* TSC counts it took */
    ULONG64 Reference;
    ULONG Apic; /* counts down */
} HALP_SAMPLE;

typedef struct _HALP_WINDOW {
    ULONG64 Tsc, Reference, Apic; /* counts that passed */
    ULONG64 Noise;                /* TSC counts */
} HALP_WINDOW;

/* The first try is slow everywhere: caches, and translation in an emulator. Later ones count. */
static HALP_SAMPLE HalpTakeSample(const HALP_COUNTER *Reference)
{
    HALP_SAMPLE Best = {0, ~0ULL, 0, 0};

    for (ULONG i = 0; i < SAMPLE_TRIES; i++) {
        ULONG64 Before = HalpReadTsc();
        ULONG64 Count = Reference->Read();
        ULONG Apic = HalpReadApicCount();
        ULONG64 Width = HalpReadTsc() - Before;
        if (Width < Best.Width) {
            Best = (HALP_SAMPLE){Before + Width / 2, Width, Count, Apic};
        }
    }
    return Best;
}

/* Being descheduled between the samples does no harm: all three counters go on meanwhile. */
static HALP_WINDOW HalpMeasureWindow(const HALP_COUNTER *Reference, ULONG64 Counts)
{
    HALP_SAMPLE Start, End;
    ULONG Spins = 0;

    HalpStartApicCount();
    Start = HalpTakeSample(Reference);
    while (Reference->Read() - Start.Reference < Counts && Spins++ < SPIN_LIMIT) {
        YieldProcessor();
    }
    End = HalpTakeSample(Reference);
    return (HALP_WINDOW){End.Tsc - Start.Tsc, End.Reference - Start.Reference,
                         Start.Apic - End.Apic, Start.Width + End.Width};
}

/* Noise against length, without dividing. */
static BOOLEAN HalpIsBetterWindow(const HALP_WINDOW *New, const HALP_WINDOW *Old)
{
    return Old->Reference == 0 ||
           (unsigned __int128)New->Noise * Old->Tsc < (unsigned __int128)Old->Noise * New->Tsc;
}

/*
 * A window of so many reference counts that the last one matters little, within the bounds in time.
 * It costs as many instructions as it takes nanoseconds when QEMU counts them, so it is short.
 */
void HalpCalibrate(const HALP_COUNTER *Reference, HALP_CALIBRATION *Result)
{
    ULONG64 Counts =
        min(max((ULONG64)WINDOW_COUNTS, Reference->FrequencyHertz * WINDOW_MIN_US / 1000000),
            Reference->FrequencyHertz * WINDOW_MAX_US / 1000000);
    HALP_WINDOW Best = {0};

    for (ULONG i = 0; i < WINDOW_TRIES && Best.Tsc <= Best.Noise * WINDOW_PER_NOISE; i++) {
        HALP_WINDOW Window = HalpMeasureWindow(Reference, Counts);
        if (HalpIsBetterWindow(&Window, &Best)) {
            Best = Window;
        }
    }
    HalpStopApicCount();
    if (Best.Reference == 0 || Best.Tsc == 0 || Best.Apic == 0) {
        KeBugCheckEx(HAL_INITIALIZATION_FAILED, HalFailureCalibration, Best.Reference, Best.Tsc,
                     Best.Apic);
    }
    Result->TscHertz = Best.Tsc * Reference->FrequencyHertz / Best.Reference;
    Result->ApicHertz = Best.Apic * Reference->FrequencyHertz / Best.Reference;
}
