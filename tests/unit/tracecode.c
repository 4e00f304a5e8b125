/*
 * Proves that events are written as tests/host/trace.py reads them: differences in as few bytes as
 * they take, and base 64.
 *
 * unit-sources: kernel/kd/tracecode.c
 */
#include <stdio.h>
#include <string.h>

#include "kernel/kd/tracecode.h"

static int Number, Failures;

static void Check(int Held, const char *Text)
{
    printf("%sok %d - %s\n", Held ? "" : "not ", ++Number, Text);
    Failures += !Held;
}

static int Encodes(PKDP_TRACE_CODER Coder, KI_TRACE_EVENT Event, const char *Bytes, ULONG Count)
{
    UCHAR Written[KDP_TRACE_MAXIMUM];

    return KdpEncodeEvent(Coder, &Event, Written) == Count && memcmp(Written, Bytes, Count) == 0;
}

static void CheckEvents(void)
{
    KDP_TRACE_CODER Coder = {0};
    UCHAR Bytes[KDP_TRACE_MAXIMUM];
    KI_TRACE_EVENT Widest = {~0ULL, ~0U, 1, 15, 0xFFFF, 1ULL << 63, 1ULL << 63};

    Check(
        Encodes(&Coder, (KI_TRACE_EVENT){200, 4, 6, 2, 1, 5, 0}, "\x86\x02\xC8\x01\x04\x01\x0A", 8),
        "the first event of a thread is written in full");
    Check(Encodes(&Coder, (KI_TRACE_EVENT){201, 4, 6, 2, 1, 4, 1}, "\x06\x02\x01\x01\x01\x02", 6),
          "then only what differs, odd when it is less");
    Check(Encodes(&Coder, (KI_TRACE_EVENT){201, 4, 5, 2, 1, 4, 0}, "\x05\x02\x00\x01\x08\x00", 6),
          "each kind has its own last one");
    memset(&Coder, 0, sizeof(Coder));
    Check(KdpEncodeEvent(&Coder, &Widest, Bytes) <= KDP_TRACE_MAXIMUM, "the widest event fits");
    Widest.Kind = 200;
    Widest.Time = 0;
    Check(KdpEncodeEvent(&Coder, &Widest, Bytes) <= KDP_TRACE_MAXIMUM && Bytes[0] == 0,
          "a kind that there is not is written as 0");
}

static int IsText(const char *Bytes, ULONG Count, const char *Text)
{
    CHAR Written[16];
    ULONG Length = KdpEncodeBase64((const UCHAR *)Bytes, Count, Written);

    return Length == strlen(Text) && memcmp(Written, Text, Length) == 0;
}

int main(void)
{
    CheckEvents();
    Check(IsText("", 0, "") && IsText("f", 1, "Zg") && IsText("fo", 2, "Zm8") &&
              IsText("foo", 3, "Zm9v") && IsText("\xFF\xFF\xFE", 3, "///+"),
          "base 64, without padding");
    printf("1..%d\n", Number);
    return Failures != 0;
}
