/*
 * pit.c - channel 0 of the 8254 timer as a counter, where there is no better one.
 *
 * It counts down from 65536 at 1.193182 MHz, over and over, and wraps every 55 ms; its interrupt
 * stays masked. A reading is a latch command and two bytes, which HalpPitLock keeps together.
 * Channel 2 is the speaker's: see speaker.c. The command port is shared, but each command to it is
 * complete in one write.
 */
#include "halp.h"

#define PIT_CHANNEL_0 0x40
#define PIT_COMMAND 0x43
#define PIT_MODE_2_BOTH_BYTES 0x34 /* rate generator, channel 0 */
#define PIT_LATCH_0 0x00
#define PIT_MASK 0xFFFF
#define PIT_HERTZ 1193182
#define PIT_PROBE_LIMIT 10000

static HALP_LOCK HalpPitLock;
static volatile ULONG64 HalpPitLast; /* o  extended count */

static ULONG64 HalpReadPitRaw(void)
{
    ULONG64 Flags = HalpAcquireLock(&HalpPitLock);
    ULONG Count;

    HalpOut8(PIT_COMMAND, PIT_LATCH_0);
    Count = HalpIn8(PIT_CHANNEL_0);
    Count |= (ULONG)HalpIn8(PIT_CHANNEL_0) << 8;
    HalpReleaseLock(&HalpPitLock, Flags);
    return (0x10000 - Count) & PIT_MASK;
}

static ULONG64 HalpReadPit(void)
{
    return HalpExtendCount(&HalpPitLast, PIT_MASK, HalpReadPitRaw);
}

BOOLEAN HalpInitializePit(PHALP_COUNTER Counter)
{
    ULONG64 First;

    HalpOut8(PIT_COMMAND, PIT_MODE_2_BOTH_BYTES);
    HalpOut8(PIT_CHANNEL_0, 0);
    HalpOut8(PIT_CHANNEL_0, 0);
    Counter->Name = "PIT";
    Counter->Read = HalpReadPit;
    Counter->FrequencyHertz = PIT_HERTZ;
    First = HalpReadPitRaw();
    for (ULONG i = 0; i < PIT_PROBE_LIMIT; i++) {
        if (HalpReadPitRaw() != First) {
            return TRUE;
        }
    }
    return FALSE;
}
