/*
 * Proves that packets of the GDB remote protocol are told from damage, that a receiver comes back
 * to order after any bytes, and that numbers and escapes survive both ways.
 *
 * unit-sources: kernel/kd/stub/packet.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kd/stub/packet.h"

static KDP_PACKET Packet;
static KDP_REPLY Reply;

static KDP_EVENT Feed(const char *Bytes, SIZE_T Length)
{
    KDP_EVENT Event = KdpNothingYet;

    for (SIZE_T i = 0; i < Length; i++) {
        Event = KdpReceiveByte(&Packet, (UCHAR)Bytes[i]);
    }
    return Event;
}
#define FEED(Text) Feed(Text, sizeof(Text) - 1)

static void TestFraming(void)
{
    assert(FEED("$qC#b4") == KdpPacketDone && strcmp(Packet.Data, "qC") == 0 && Packet.Length == 2);
    assert(FEED("$qC#B4") == KdpPacketDone);
    assert(FEED("$qC#b5") == KdpPacketDamaged);
    assert(FEED("$qC#x4") == KdpPacketDamaged && FEED("$qC#bx") == KdpPacketDamaged);
    assert(FEED("$#00") == KdpPacketDone && Packet.Length == 0);
    assert(FEED("+") == KdpAcknowledged && FEED("-") == KdpRefused && FEED("\003") == KdpBreakIn);
    assert(FEED("noise") == KdpNothingYet);
    /* Inside of a packet these are data. */
    assert(FEED("$+-\003#5b") == KdpPacketDone && Packet.Length == 3);
    assert(FEED("$m1234$qC#b4") == KdpPacketDone && strcmp(Packet.Data, "qC") == 0);
    assert(FEED("$qC#$qC#b4") == KdpPacketDone);
}

static void TestLength(void)
{
    for (ULONG Length = KDP_PACKET_SIZE - 1; Length <= KDP_PACKET_SIZE + 2; Length++) {
        char End[4];
        UCHAR Sum = (UCHAR)(Length * 'a');

        FEED("$");
        for (ULONG i = 0; i < Length; i++) {
            assert(FEED("a") == KdpNothingYet);
        }
        sprintf(End, "#%02x", Sum);
        assert(Feed(End, 3) == (Length <= KDP_PACKET_SIZE ? KdpPacketDone : KdpPacketTooLong));
    }
}

/* Every run comes out as long as it went in, and none is written with a character that means
 * something. */
static void TestRuns(void)
{
    static CHAR Data[300];

    memset(Data, 'x', sizeof(Data));
    for (ULONG Length = 1; Length <= sizeof(Data); Length++) {
        ULONG At = 0, Taken, Sum = 0;

        while (At < Length) {
            CHAR Run[3] = {0};
            ULONG Written = KdpTakeRun(Data + At, Length - At, Run, &Taken);

            assert(Taken >= 1 && At + Taken <= Length && Run[0] == 'x');
            assert(Written == 1 || (Written == 3 && Run[1] == '*' && Taken > 3));
            assert(Written == 1 ? Taken == 1 : Taken == (ULONG)Run[2] - 28);
            assert(Written == 1 ||
                   (Run[2] >= ' ' && Run[2] <= '~' && Run[2] != '#' && Run[2] != '$'));
            At += Taken;
            Sum += Written;
        }
        assert(Length < 8 || Sum < Length);
    }
    memcpy(Data, "aaab", 4);
    for (ULONG i = 0; i < 4; i++) {
        CHAR Run[3];
        ULONG Taken;

        assert(KdpTakeRun(Data + i, 4 - i, Run, &Taken) == 1 && Taken == 1);
    }
}

static void TestNumbers(void)
{
    const CHAR *At = "ffffFFFFffffffff,0,g";
    ULONG64 Value;
    UCHAR Bytes[2];

    assert(KdpTakeNumber(&At, &Value) && Value == ~0ULL && KdpTakeCharacter(&At, ','));
    assert(KdpTakeNumber(&At, &Value) && Value == 0 && KdpTakeCharacter(&At, ','));
    assert(!KdpTakeNumber(&At, &Value));
    At = "10000000000000000";
    assert(!KdpTakeNumber(&At, &Value));
    At = "12aB3";
    assert(KdpTakeBytes(&At, Bytes, 2) && Bytes[0] == 0x12 && Bytes[1] == 0xAB);
    assert(!KdpTakeBytes(&At, Bytes, 1));
    At = "wordy";
    assert(!KdpTakeWord(&At, "work") && KdpTakeWord(&At, "word") && *At == 'y');
}

static void TestReplies(void)
{
    CHAR Special[] = "a$b#c}d*";
    ULONG Length;

    KdpBeginReply(&Reply);
    KdpAddNumber(&Reply, 0);
    KdpAddNumber(&Reply, 0xFEDCBA9876543210);
    KdpAddBytes(&Reply, "\001\377", 2);
    assert(strcmp(Reply.Data, "0fedcba987654321001ff") == 0);
    KdpBeginReply(&Reply);
    KdpAddBinary(&Reply, Special, sizeof(Special) - 1);
    assert(Reply.Length == sizeof(Special) - 1 + 4);
    assert(KdpUnescape(Reply.Data, Reply.Length) == sizeof(Special) - 1);
    assert(memcmp(Reply.Data, Special, sizeof(Special) - 1) == 0);
    /* Full is full, and stays terminated. */
    KdpBeginReply(&Reply);
    while (!Reply.Full) {
        KdpAddText(&Reply, "abc");
    }
    Length = Reply.Length;
    KdpAddText(&Reply, "x");
    assert(Reply.Length == Length && Length <= KDP_PACKET_SIZE && strlen(Reply.Data) == Length);
}

/* Whatever has come before, a packet is understood at the second attempt at the latest. */
static void TestNoise(void)
{
    static const char Alphabet[] = "$#+-\003}*abq0";

    srand(1);
    for (ULONG Round = 0; Round < 20000; Round++) {
        ULONG64 Value;
        const CHAR *At;

        for (ULONG i = 0; i < 40; i++) {
            char Byte = rand() % 4 ? Alphabet[rand() % (sizeof(Alphabet) - 1)] : (char)rand();
            if (Feed(&Byte, 1) == KdpPacketDone) {
                At = Packet.Data;
                KdpTakeNumber(&At, &Value);
                assert(KdpUnescape(Packet.Data, Packet.Length) <= Packet.Length);
            }
        }
        assert(FEED("$qC#b4") == KdpPacketDone);
    }
}

int main(void)
{
    TestFraming();
    TestLength();
    TestRuns();
    TestNumbers();
    TestReplies();
    TestNoise();
    puts("ok");
    return 0;
}
