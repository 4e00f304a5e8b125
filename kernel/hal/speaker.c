/*
 * speaker.c - the PC speaker: channel 2 of the 8254 timer makes a square wave, port 61h opens it.
 *
 * HalpSpeakerLock guards the channel, the two speaker bits of port 61h, and the trace: a ring of
 * the last tones with the interrupt time each began at, so that what was played can be checked to
 * the microsecond, rests and repeats included. The ring's sequence number never wraps.
 *
 * 440 Hz, the tuning fork's A: 1193182 / 440 = 2711.8, so the divisor is 2712 and the tone 439.96
 * Hz. The higher the tone, the coarser the choice: above 32767 Hz, where \Device\Beep ends,
 * neighbours are 900 Hz apart.
 */
#include "halp.h"
#include "kd.h"

#define PIT_HERTZ 1193182
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_MODE_3_BOTH_BYTES 0xB6 /* square wave, channel 2 */
#define PIT_MAX_DIVISOR 0xFFFF
#define PIT_MIN_DIVISOR 2 /* a square wave has two halves */

#define SYSTEM_CONTROL_B 0x61
#define SPEAKER_ON 0x03   /* gate of channel 2, and its output to the speaker */
#define CONTROL_KEEP 0x0C /* parity and channel check enables; the upper bits are written as 0 */

#define TRACE_ENTRIES 4096
#define TRACE_BATCH 32

typedef struct _HALP_TONE {
    ULONG64 Time100ns; /* interrupt time */
    ULONG Hertz;       /* 0: silence */
} HALP_TONE;

static HALP_LOCK HalpSpeakerLock;
static HALP_TONE HalpTones[TRACE_ENTRIES]; /* index: sequence number modulo size */
static ULONG64 HalpToneNext;               /* sequence number of the next tone */
static ULONG64 HalpToneFirst;              /* and of the first since `tones clear` */

/* The tone is set before the gate opens; a running tone changes at the end of its half wave. */
static void HalpProgramSpeaker(ULONG Divisor)
{
    UCHAR Control = HalpIn8(SYSTEM_CONTROL_B) & CONTROL_KEEP;

    if (Divisor == 0) {
        HalpOut8(SYSTEM_CONTROL_B, Control);
        return;
    }
    HalpOut8(PIT_COMMAND, PIT_MODE_3_BOTH_BYTES);
    HalpOut8(PIT_CHANNEL_2, (UCHAR)Divisor);
    HalpOut8(PIT_CHANNEL_2, (UCHAR)(Divisor >> 8));
    HalpOut8(SYSTEM_CONTROL_B, Control | SPEAKER_ON);
}

BOOLEAN NTAPI HalMakeBeep(ULONG Frequency)
{
    ULONG Divisor = 0;
    ULONG64 Flags;

    if (Frequency != 0) {
        /* The nearest; written so that no frequency overflows. */
        Divisor = PIT_HERTZ / Frequency;
        Divisor += PIT_HERTZ % Frequency >= Frequency - Frequency / 2;
        if (Divisor < PIT_MIN_DIVISOR || Divisor > PIT_MAX_DIVISOR) {
            return FALSE;
        }
    }
    Flags = HalpAcquireLock(&HalpSpeakerLock);
    HalpProgramSpeaker(Divisor);
    HalpTones[HalpToneNext++ % TRACE_ENTRIES] = (HALP_TONE){KiQueryInterruptTime100ns(), Frequency};
    HalpReleaseLock(&HalpSpeakerLock, Flags);
    return TRUE;
}

/* Copies up to Room tones from sequence number *Next on, or from the oldest still there. */
static ULONG HalpCopyTones(ULONG64 *Next, HALP_TONE *Tones, ULONG Room)
{
    ULONG64 Flags = HalpAcquireLock(&HalpSpeakerLock);
    ULONG64 Oldest = HalpToneNext > TRACE_ENTRIES ? HalpToneNext - TRACE_ENTRIES : 0;
    ULONG Count = 0;

    *Next = max(*Next, max(Oldest, HalpToneFirst));
    while (Count < Room && *Next < HalpToneNext) {
        Tones[Count++] = HalpTones[(*Next)++ % TRACE_ENTRIES];
    }
    HalpReleaseLock(&HalpSpeakerLock, Flags);
    return Count;
}

/* Forgetting is only moving the beginning: a reader in the middle loses nothing it has. */
static void HalpClearTones(void)
{
    ULONG64 Flags = HalpAcquireLock(&HalpSpeakerLock);

    HalpToneFirst = HalpToneNext;
    HalpReleaseLock(&HalpSpeakerLock, Flags);
}

/* Speaker changes since boot or `tones clear`, oldest first: time in 100 ns units, hertz. */
static NTSTATUS HalpTonesCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    HALP_TONE Batch[TRACE_BATCH];
    ULONG64 Next = 0;
    ULONG Count;

    if (Argc == 2 && strcmp(Argv[1], "clear") == 0) {
        HalpClearTones();
        return STATUS_SUCCESS;
    }
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    while ((Count = HalpCopyTones(&Next, Batch, TRACE_BATCH)) != 0) {
        for (ULONG i = 0; i < Count; i++) {
            KdConsolePrint(Console, "  %I64u %u\n", Batch[i].Time100ns, Batch[i].Hertz);
        }
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("tones", "[clear]", "what the speaker did: interrupt time in 100 ns, hertz",
           HalpTonesCommand);
