/* packet.h - packets of the GDB remote serial protocol, and the numbers in them. Pure. */
#ifndef KDP_PACKET_H
#define KDP_PACKET_H

#include <ntddk.h>

/* Characters of one packet or answer, without frame: what gdb is told as PacketSize. */
#define KDP_PACKET_SIZE 0x1000

typedef enum _KDP_EVENT {
    KdpNothingYet,
    KdpPacketDone,    /* Data holds a packet with the right checksum */
    KdpPacketDamaged, /* wrong checksum, or none */
    KdpPacketTooLong, /* right, but longer than Data */
    KdpAcknowledged,  /* '+' between packets */
    KdpRefused,       /* '-' between packets: the answer is wanted once more */
    KdpBreakIn        /* 03h between packets: Ctrl-C */
} KDP_EVENT;

typedef enum _KDP_PLACE {
    KdpBetween,
    KdpInBody,
    KdpFirstDigit,
    KdpSecondDigit
} KDP_PLACE;

/* A packet being received. Zeroed memory is one that has not begun. */
typedef struct _KDP_PACKET {
    KDP_PLACE Place;
    ULONG Length; /* of Data; in a packet that is too long, more than it holds */
    UCHAR Sum;
    LONG FirstDigit;
    CHAR Data[KDP_PACKET_SIZE + 1]; /* terminated when done; may hold zeros before */
} KDP_PACKET, *PKDP_PACKET;

/* Takes one byte of the line. A '$' begins a new packet wherever it comes. */
KDP_EVENT KdpReceiveByte(PKDP_PACKET Packet, UCHAR Byte);

/* An answer being made. What does not fit is left out and Full says so. */
typedef struct _KDP_REPLY {
    ULONG Length;
    BOOLEAN Full;
    CHAR Data[KDP_PACKET_SIZE + 1]; /* always terminated */
} KDP_REPLY, *PKDP_REPLY;

void KdpBeginReply(PKDP_REPLY Reply);
void KdpAddText(PKDP_REPLY Reply, const CHAR *Text);
/* The number in hexadecimal, without leading zeros. */
void KdpAddNumber(PKDP_REPLY Reply, ULONG64 Value);
/* Two digits a byte, in memory's order. */
void KdpAddBytes(PKDP_REPLY Reply, const VOID *Bytes, SIZE_T Count);
/* Bytes as they are, those that mean something to the protocol escaped. */
void KdpAddBinary(PKDP_REPLY Reply, const CHAR *Bytes, SIZE_T Count);
/* Takes a run of equal characters off the Length at Data; puts it into Run as the protocol writes
 * it, 1 to 3 characters, and says how many. */
ULONG KdpTakeRun(const CHAR *Data, ULONG Length, CHAR Run[3], PULONG Taken);

/* -1: no hexadecimal digit. */
LONG KdpDigitValue(CHAR Digit);
/* Takes a hexadecimal number off *At; FALSE: there is none, or it has more than 64 bits. */
BOOLEAN KdpTakeNumber(const CHAR **At, ULONG64 *Value);
/* Takes Count bytes of two digits each; FALSE: something else stands there. */
BOOLEAN KdpTakeBytes(const CHAR **At, VOID *Bytes, SIZE_T Count);
/* Takes the character, if it comes next. */
BOOLEAN KdpTakeCharacter(const CHAR **At, CHAR Character);
/* Takes Word, if the text begins with it. */
BOOLEAN KdpTakeWord(const CHAR **At, const CHAR *Word);
/* Undoes the escapes of binary data, in place; returns its length. */
SIZE_T KdpUnescape(CHAR *Data, SIZE_T Length);

#endif
