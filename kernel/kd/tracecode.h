/*
 * tracecode.h - how events travel over a slow line: what differs from the event before, in as few
 * bytes as that takes, as text. Pure: tests/unit/tracecode.c.
 *
 * An event is a byte with its kind (and KDP_TRACE_OTHER_THREAD), a byte with its IRQL, and as
 * numbers of seven bits a byte, low ones first, the top bit saying that more follow: time since the
 * last event; the thread, if it is not the last event's; Extra; A and B, each as the difference to
 * that of the last event of the same kind, doubled, and made odd when negative. The bytes are
 * written in base 64, without padding; a processor's events begin anew, after zeros.
 */
#ifndef _KD_TRACECODE_H_
#define _KD_TRACECODE_H_

#include <traceevent.h>

#define KDP_TRACE_OTHER_THREAD 0x80
#define KDP_TRACE_MAXIMUM 48 /* bytes of an event: 2 + 10 + 5 + 3 + 10 + 10, and some */
#define KDP_TRACE_LINE 57    /* bytes that make a line of 76 letters */

typedef struct _KDP_TRACE_CODER {
    ULONG64 Time;
    ULONG Thread;
    ULONG64 A[KI_TRACE_KIND_COUNT], B[KI_TRACE_KIND_COUNT];
} KDP_TRACE_CODER, *PKDP_TRACE_CODER;

/* Writes the event to Bytes, which has room for KDP_TRACE_MAXIMUM; returns how many it took. */
ULONG KdpEncodeEvent(PKDP_TRACE_CODER Coder, const KI_TRACE_EVENT *Event, UCHAR *Bytes);
/* Text: room for (Count + 2) / 3 * 4 characters. Returns how many were written; no terminator. */
ULONG KdpEncodeBase64(const UCHAR *Bytes, ULONG Count, CHAR *Text);

#endif
