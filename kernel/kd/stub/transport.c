/*
 * transport.c - packets over the debugger's line: replies go out, requests come in, and while the
 * machine runs somebody looks whether anything has come at all.
 *
 * Each side forgives: a damaged packet is asked for again, an answer that was lost is repeated, and
 * what is between packets is noise. The state is KdpSession's.
 */
#include "stub.h"
#include "hal.h"

#define NOISE_LIMIT_100NS (2000 * 10000ULL) /* gdb's own patience with an answer is 2 s */
#define STRAY_LIMIT_CYCLES 4000000000LL     /* about a second */
#define POLL_PAUSES 32
#define FIRST_REQUEST "qSupported"

static ULONG64 LastActivity; /* when the line was last read, in the TSC's time */

/* Memory is full of zeros, and a line is slow. */
void KdpSendReply(void)
{
    KDP_REPLY *Reply = &KdpSession.Reply;
    UCHAR Sum = 0;
    ULONG Taken;

    HalWriteDebuggerByte('$');
    for (ULONG At = 0; At < Reply->Length; At += Taken) {
        CHAR Run[3];
        ULONG Count = KdpTakeRun(Reply->Data + At, Reply->Length - At, Run, &Taken);

        for (ULONG i = 0; i < Count; i++) {
            HalWriteDebuggerByte((UCHAR)Run[i]);
            Sum += (UCHAR)Run[i];
        }
    }
    HalWriteDebuggerByte('#');
    HalWriteDebuggerByte((UCHAR) "0123456789abcdef"[Sum >> 4]);
    HalWriteDebuggerByte((UCHAR) "0123456789abcdef"[Sum & 0xF]);
}

static void Acknowledge(CHAR Answer)
{
    if (!KdpSession.NoAcks) {
        HalWriteDebuggerByte((UCHAR)Answer);
    }
}

/* Once acknowledgements are over only a gdb that has just been started sends one: it wants them
 * again. */
static void NoteAcknowledgement(void)
{
    if (KdpSession.NoAcks && !KdpSession.LastAckDue) {
        KdpSession.NoAcks = FALSE;
    }
    KdpSession.LastAckDue = FALSE;
}

/* A byte takes 87 us at least. Who asked all the time would keep the bus, or an emulator's lock,
 * from others. */
static void WaitALittle(void)
{
    for (ULONG i = 0; i < POLL_PAUSES; i++) {
        YieldProcessor();
    }
}

/* FALSE: for a long time there was none, and nobody is known to be there.
 * Damage is answered at once, with no time limit: gdb sends the packet again by itself. */
BOOLEAN KdpReceivePacket(void)
{
    ULONG64 Deadline = HalQueryCounter100ns() + NOISE_LIMIT_100NS;
    UCHAR Byte;

    for (;;) {
        if (!HalReadDebuggerByte(&Byte)) {
            if (KdpSession.Unsure && HalQueryCounter100ns() > Deadline) {
                return FALSE;
            }
            WaitALittle();
            continue;
        }
        switch (KdpReceiveByte(&KdpSession.Packet, Byte)) {
        case KdpPacketDone:
            if (strncmp(KdpSession.Packet.Data, FIRST_REQUEST, sizeof(FIRST_REQUEST) - 1) == 0) {
                KdpSession.NoAcks = FALSE; /* another gdb, or the same one anew */
            }
            Acknowledge('+');
            return TRUE;
        case KdpPacketTooLong:
        case KdpPacketDamaged:
            Acknowledge('-');
            break;
        case KdpAcknowledged:
            NoteAcknowledgement();
            break;
        case KdpRefused:
            if (!KdDebuggerNotPresent && !KdpSession.NoAcks) {
                KdpSendReply();
            }
            break;
        default:
            break;
        }
    }
}

/* A byte while the machine runs: Ctrl-C, or the beginning of a packet. A break is gdb's Ctrl-C, too
 * (`set remote interrupt-sequence BREAK`), or, without gdb, the key that stops a machine which
 * hangs. The bytes of one NMI may have been read already, as part of a session that has just
 * ended.
 *
 * An NMI comes while the machine runs, in the middle of anything: what it could run into a
 * breakpoint in is not called, nor what takes a lock, as reading the system's time may. */
BOOLEAN KdPollDebugger(PBOOLEAN Ours, KD_STOP_REASON *Reason)
{
    UCHAR Byte;

    while (HalReadDebuggerByte(&Byte)) {
        KDP_EVENT Event = KdpReceiveByte(&KdpSession.Packet, Byte);

        LastActivity = __rdtsc();
        if (Event == KdpAcknowledged) {
            NoteAcknowledgement();
        }
        if (HalTakeDebuggerBreak()) {
            *Reason = KdDebuggerNotPresent ? KdStopCrash : KdStopBreakIn;
            return TRUE;
        }
        if (Event == KdpBreakIn || KdpSession.Packet.Place == KdpInBody) {
            *Reason = KdStopBreakIn;
            return TRUE;
        }
    }
    *Ours =
        KeGetCurrentPrcb()->Number == 0 && (LONG64)(__rdtsc() - LastActivity) < STRAY_LIMIT_CYCLES;
    return FALSE;
}

void KdpNoteActivity(void)
{
    LastActivity = __rdtsc();
}

/* Off and on again: the NMI comes from an edge. */
void KdListen(void)
{
    if (KdIsDebuggerPossible()) {
        HalListenDebuggerPort(FALSE);
        HalListenDebuggerPort(TRUE);
    }
}
