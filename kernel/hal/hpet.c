/*
 * hpet.c - the high precision event timer's main counter, only counted with, never to interrupt.
 *
 * Just its low 32 bits are read, one access instead of two or three, and extended in software; see
 * HalpExtendCount. They wrap after 42 s at the usual 100 MHz, and are read at every clock tick.
 */
#include "halp.h"

/* Registers have 64 bits, but some chips take only 32-bit accesses: these are 32-bit indices. */
enum {
    HpetPeriod = 0x04 / 4,
    HpetConfiguration = 0x10 / 4,
    HpetCounter = 0xF0 / 4
};

#define HPET_SIZE 0x400
#define HPET_ENABLE 1U
#define HPET_LEGACY_ROUTING 2U
#define HPET_MAX_PERIOD 100000000U /* femtoseconds: 10 MHz, the slowest the standard allows */
#define FEMTOSECONDS_PER_SECOND 1000000000000000ULL
#define HPET_PROBE_LIMIT 10000

static volatile ULONG *HalpHpet;
static volatile ULONG64 HalpHpetLast; /* o  extended count */

static ULONG64 HalpReadHpetRaw(void)
{
    return HalpHpet[HpetCounter];
}

static ULONG64 HalpReadHpet(void)
{
    return HalpExtendCount(&HalpHpetLast, MAXULONG, HalpReadHpetRaw);
}

/* A table may name an HPET that the chip set keeps switched off. */
static BOOLEAN HalpHpetCounts(void)
{
    ULONG64 First = HalpReadHpetRaw();

    for (ULONG i = 0; i < HPET_PROBE_LIMIT; i++) {
        if (HalpReadHpetRaw() != First) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Legacy routing would take interrupt lines 0 and 8 away from the PIT and the RTC. */
BOOLEAN HalpInitializeHpet(PHALP_COUNTER Counter)
{
    ULONG Period;

    if (HalpPlatform.HpetBase == 0) {
        return FALSE;
    }
    HalpHpet = HalpMapRegisters(HalpPlatform.HpetBase, HPET_SIZE);
    Period = HalpHpet != NULL ? HalpHpet[HpetPeriod] : 0;
    if (Period == 0 || Period > HPET_MAX_PERIOD) {
        return FALSE;
    }
    HalpHpet[HpetConfiguration] =
        (HalpHpet[HpetConfiguration] & ~HPET_LEGACY_ROUTING) | HPET_ENABLE;
    Counter->Name = "HPET";
    Counter->Read = HalpReadHpet;
    Counter->FrequencyHertz = FEMTOSECONDS_PER_SECOND / Period;
    return HalpHpetCounts();
}
