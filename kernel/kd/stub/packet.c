/*
 * packet.c - the outermost layer of the GDB remote serial protocol.
 *
 *     $ body # two digits of the body's sum        '}' x in a body is the character x ^ 20h
 *                                                  x '*' n is a run, see KdpTakeRun
 *
 * Between packets '+' says that one came well and '-' that it did not, and 03h is the Ctrl-C of a
 * person. Everything else there is noise. A line may lose or change any byte: the receiver waits
 * for the next '$', whatever it was in the middle of, and keeps nothing but this one state.
 *
 * What reads the line and writes replies also runs while the machine does, with breakpoints in its
 * code: it calls nothing outside, memcpy and strlen included.
 */
#include "packet.h"

#define ESCAPE '}'
#define ESCAPE_BIT 0x20
#define BREAK_IN 0x03
#define RUN_BIAS 29
#define SHORTEST_RUN 4 /* written in three */
#define LONGEST_RUN 98

static KDP_EVENT ReceiveBetween(UCHAR Byte)
{
    switch (Byte) {
    case '+':
        return KdpAcknowledged;
    case '-':
        return KdpRefused;
    case BREAK_IN:
        return KdpBreakIn;
    default:
        return KdpNothingYet;
    }
}

/* The sum comes first: a packet that is damaged can be sent again, and its length may be wrong,
 * too. One that came well and is too long would be so the next time. */
static KDP_EVENT EndPacket(PKDP_PACKET Packet, LONG Digit)
{
    Packet->Place = KdpBetween;
    if (Digit < 0 || Packet->FirstDigit < 0 || (Packet->FirstDigit << 4 | Digit) != Packet->Sum) {
        return KdpPacketDamaged;
    }
    if (Packet->Length > KDP_PACKET_SIZE) {
        return KdpPacketTooLong;
    }
    Packet->Data[Packet->Length] = 0;
    return KdpPacketDone;
}

/* One that is too long is followed to its end, so that its rest is not taken for something else. */
static void ReceiveBody(PKDP_PACKET Packet, UCHAR Byte)
{
    Packet->Sum += Byte;
    if (Packet->Length < KDP_PACKET_SIZE) {
        Packet->Data[Packet->Length] = (CHAR)Byte;
    }
    Packet->Length = min(Packet->Length + 1, KDP_PACKET_SIZE + 1);
}

KDP_EVENT KdpReceiveByte(PKDP_PACKET Packet, UCHAR Byte)
{
    if (Byte == '$') {
        Packet->Place = KdpInBody;
        Packet->Length = 0;
        Packet->Sum = 0;
        return KdpNothingYet;
    }
    switch (Packet->Place) {
    case KdpBetween:
        return ReceiveBetween(Byte);
    case KdpInBody:
        if (Byte == '#') {
            Packet->Place = KdpFirstDigit;
        } else {
            ReceiveBody(Packet, Byte);
        }
        return KdpNothingYet;
    case KdpFirstDigit:
        Packet->FirstDigit = KdpDigitValue((CHAR)Byte);
        Packet->Place = KdpSecondDigit;
        return KdpNothingYet;
    default:
        return EndPacket(Packet, KdpDigitValue((CHAR)Byte));
    }
}

void KdpBeginReply(PKDP_REPLY Reply)
{
    Reply->Length = 0;
    Reply->Full = FALSE;
    Reply->Data[0] = 0;
}

/* Count characters or none of them: half an escape would be another text. */
static void Add(PKDP_REPLY Reply, const CHAR *Text, SIZE_T Count)
{
    if (Reply->Full || Count > KDP_PACKET_SIZE - Reply->Length) {
        Reply->Full = TRUE;
        return;
    }
    for (SIZE_T i = 0; i < Count; i++) {
        Reply->Data[Reply->Length++] = Text[i];
    }
    Reply->Data[Reply->Length] = 0;
}

void KdpAddText(PKDP_REPLY Reply, const CHAR *Text)
{
    SIZE_T Length = 0;

    while (Text[Length] != 0) {
        Length++;
    }
    Add(Reply, Text, Length);
}

static const CHAR Digits[] = "0123456789abcdef";

void KdpAddNumber(PKDP_REPLY Reply, ULONG64 Value)
{
    CHAR Text[16];
    ULONG First = sizeof(Text);

    do {
        Text[--First] = Digits[Value & 0xF];
        Value >>= 4;
    } while (Value != 0);
    Add(Reply, Text + First, sizeof(Text) - First);
}

void KdpAddBytes(PKDP_REPLY Reply, const VOID *Bytes, SIZE_T Count)
{
    for (SIZE_T i = 0; i < Count; i++) {
        UCHAR Byte = ((const UCHAR *)Bytes)[i];
        CHAR Pair[2] = {Digits[Byte >> 4], Digits[Byte & 0xF]};
        Add(Reply, Pair, sizeof(Pair));
    }
}

void KdpAddBinary(PKDP_REPLY Reply, const CHAR *Bytes, SIZE_T Count)
{
    for (SIZE_T i = 0; i < Count; i++) {
        CHAR Pair[2] = {ESCAPE, (CHAR)(Bytes[i] ^ ESCAPE_BIT)};
        BOOLEAN Special =
            Bytes[i] == '$' || Bytes[i] == '#' || Bytes[i] == ESCAPE || Bytes[i] == '*';
        Add(Reply, Special ? Pair : &Bytes[i], Special ? 2 : 1);
    }
}

/* x * n is x and n - 29 more of it; n is a printable character that means nothing else. */
ULONG KdpTakeRun(const CHAR *Data, ULONG Length, CHAR Run[3], PULONG Taken)
{
    ULONG Count = 1;

    while (Count < Length && Count < LONGEST_RUN && Data[Count] == Data[0]) {
        Count++;
    }
    Run[0] = Data[0];
    if (Count < SHORTEST_RUN) {
        *Taken = 1;
        return 1;
    }
    if (Count - 1 + RUN_BIAS == '#' || Count - 1 + RUN_BIAS == '$') {
        Count = '#' - RUN_BIAS; /* one repetition less than '#' says */
    }
    Run[1] = '*';
    Run[2] = (CHAR)(Count - 1 + RUN_BIAS);
    *Taken = Count;
    return 3;
}

LONG KdpDigitValue(CHAR Digit)
{
    if (Digit >= '0' && Digit <= '9') {
        return Digit - '0';
    }
    Digit |= 0x20;
    return Digit >= 'a' && Digit <= 'f' ? Digit - 'a' + 10 : -1;
}

BOOLEAN KdpTakeNumber(const CHAR **At, ULONG64 *Value)
{
    const CHAR *Start = *At;
    LONG Digit;

    *Value = 0;
    for (; (Digit = KdpDigitValue(**At)) >= 0; *At += 1) {
        if (*Value >> 60 != 0) {
            return FALSE;
        }
        *Value = *Value << 4 | (ULONG64)Digit;
    }
    return *At != Start;
}

BOOLEAN KdpTakeBytes(const CHAR **At, VOID *Bytes, SIZE_T Count)
{
    for (SIZE_T i = 0; i < Count; i++, *At += 2) {
        LONG High = KdpDigitValue((*At)[0]);
        LONG Low = High < 0 ? -1 : KdpDigitValue((*At)[1]);

        if (Low < 0) {
            return FALSE;
        }
        ((UCHAR *)Bytes)[i] = (UCHAR)(High << 4 | Low);
    }
    return TRUE;
}

BOOLEAN KdpTakeCharacter(const CHAR **At, CHAR Character)
{
    if (**At != Character) {
        return FALSE;
    }
    *At += 1;
    return TRUE;
}

BOOLEAN KdpTakeWord(const CHAR **At, const CHAR *Word)
{
    SIZE_T Length = strlen(Word);

    if (strncmp(*At, Word, Length) != 0) {
        return FALSE;
    }
    *At += Length;
    return TRUE;
}

SIZE_T KdpUnescape(CHAR *Data, SIZE_T Length)
{
    SIZE_T To = 0;

    for (SIZE_T From = 0; From < Length; From++) {
        BOOLEAN Escaped = Data[From] == ESCAPE && From + 1 < Length;

        From += Escaped;
        Data[To++] = (CHAR)(Escaped ? Data[From] ^ ESCAPE_BIT : Data[From]);
    }
    return To;
}
