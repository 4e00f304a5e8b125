/* tracedump.h - what trace.c (the command) and its two ways of writing a trace out share. */
#ifndef _KD_TRACEDUMP_H_
#define _KD_TRACEDUMP_H_

#include "ke.h"
#include "kd.h"

/* The table's texts for a kind; NULL: there is no such kind. */
const char *KdpTraceKindName(ULONG Kind);
const char *KdpTraceKindFields(ULONG Kind);

/* One of the three fields of a kind: Extra, A and B. Name is not terminated; Form 0: there is
 * none. */
typedef struct _KDP_TRACE_FIELD {
    const char *Name;
    ULONG Length;
    char Form;
} KDP_TRACE_FIELD;
void KdpParseTraceFields(ULONG Kind, KDP_TRACE_FIELD Field[3]);

/* First event that a processor still has. */
static inline ULONG64 KdpOldestEvent(const KI_TRACE_SUMMARY *Summary, ULONG Processor)
{
    ULONG64 Recorded = Summary->Recorded[Processor];
    return Recorded > Summary->Capacity ? Recorded - Summary->Capacity : 0;
}
/* Thousands of time-stamp ticks a second; the trace has been stopped. */
ULONG64 KdpTraceKilohertz(const KI_TRACE_SUMMARY *Summary);

/* For people, the last Count events of all processors in order of time. */
NTSTATUS KdpPrintTrace(PKD_CONSOLE Console, const KI_TRACE_SUMMARY *Summary, ULONG64 Count);
/* For tests/host/trace.py. */
NTSTATUS KdpExportTrace(PKD_CONSOLE Console, const KI_TRACE_SUMMARY *Summary);

#endif
