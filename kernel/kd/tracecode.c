/* tracecode.c - see tracecode.h. */
#include "tracecode.h"

static UCHAR *KdpPutNumber(UCHAR *At, ULONG64 Number)
{
    for (; Number >= 0x80; Number >>= 7) {
        *At++ = (UCHAR)(Number | 0x80);
    }
    *At++ = (UCHAR)Number;
    return At;
}

static UCHAR *KdpPutDifference(UCHAR *At, ULONG64 *Last, ULONG64 Now)
{
    ULONG64 Difference = Now - *Last;

    *Last = Now;
    return KdpPutNumber(At, Difference << 1 ^ (Difference >> 63 ? ~0ULL : 0));
}

ULONG KdpEncodeEvent(PKDP_TRACE_CODER Coder, const KI_TRACE_EVENT *Event, UCHAR *Bytes)
{
    UCHAR Kind = Event->Kind < KI_TRACE_KIND_COUNT ? Event->Kind : 0;
    UCHAR *At = Bytes;

    *At++ = Kind | (Event->Thread != Coder->Thread ? KDP_TRACE_OTHER_THREAD : 0);
    *At++ = Event->Irql;
    At = KdpPutNumber(At, Event->Time - Coder->Time);
    Coder->Time = Event->Time;
    if (Event->Thread != Coder->Thread) {
        At = KdpPutNumber(At, Event->Thread);
        Coder->Thread = Event->Thread;
    }
    At = KdpPutNumber(At, Event->Extra);
    At = KdpPutDifference(At, &Coder->A[Kind], Event->A);
    At = KdpPutDifference(At, &Coder->B[Kind], Event->B);
    return (ULONG)(At - Bytes);
}

ULONG KdpEncodeBase64(const UCHAR *Bytes, ULONG Count, CHAR *Text)
{
    static const CHAR Letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    CHAR *At = Text;

    for (ULONG i = 0; i < Count; i += 3) {
        ULONG Rest = Count - i;
        ULONG Group = (ULONG)Bytes[i] << 16 | (Rest > 1 ? (ULONG)Bytes[i + 1] << 8 : 0) |
                      (Rest > 2 ? Bytes[i + 2] : 0);
        *At++ = Letters[Group >> 18];
        *At++ = Letters[Group >> 12 & 63];
        if (Rest > 1) {
            *At++ = Letters[Group >> 6 & 63];
        }
        if (Rest > 2) {
            *At++ = Letters[Group & 63];
        }
    }
    return (ULONG)(At - Text);
}
