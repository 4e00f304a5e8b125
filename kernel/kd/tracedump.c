/*
 * tracedump.c - a stopped trace as text: for people, line by line, and for tests/host/trace.py.
 *
 * The export is made of lines that begin with a word of their own, so that it can stand between
 * other output: `#trace` with versions and rates, `#kind` for the table, `#thread`, for each
 * processor `#cpu` and its events (`#e`, see tracecode.h), `#sym` for each address of code, `#end`.
 */
#include "ldr.h"
#include "tracecode.h"
#include "tracedump.h"

#define TRACE_TAG 'ecrT' /* "Trce" in memory */

/* The table in traceevent.h has each kind's three fields as a text, "to:d at:c -": a name, and the
 * form in which KdpPrintField prints it; "-" is none. */

void KdpParseTraceFields(ULONG Kind, KDP_TRACE_FIELD Field[3])
{
    const char *At = KdpTraceKindFields(Kind);

    memset(Field, 0, 3 * sizeof(*Field));
    for (ULONG i = 0; i < 3 && At != NULL; i++) {
        const char *End = strchr(At, ' ');
        SIZE_T Length = End != NULL ? (SIZE_T)(End - At) : strlen(At);

        if (Length > 2) {
            Field[i] = (KDP_TRACE_FIELD){At, (ULONG)Length - 2, At[Length - 1]};
        }
        At = End != NULL ? End + 1 : NULL;
    }
}

/*** For people. ***/

/* KTHREAD_STATE; a thread that was running has been preempted or gives way. */
static const char *KdpActivityName(UCHAR State)
{
    static const char *const Names[] = {"new",   "ready",   "running",    "standby",
                                        "ended", "waiting", "transition", "deferred"};
    return State < ARRAYSIZE(Names) ? Names[State] : "?";
}

static void KdpPrintField(PKD_CONSOLE Console, const KDP_TRACE_FIELD *Field, ULONG64 Value)
{
    CHAR Text[80];

    if (Field->Form == 0) {
        return;
    }
    KdConsolePrint(Console, " %.*s=", (LONG)Field->Length, Field->Name);
    switch (Field->Form) {
    case 'c':
        LdrFormatAddress((PVOID)Value, Text, sizeof(Text));
        KdConsolePrint(Console, "%s", Text);
        break;
    case 'p':
        KdConsolePrint(Console, "%p", (PVOID)Value);
        break;
    case 'g':
        KdConsolePrint(Console, "%.4s,%llu", (const char *)&Value, Value >> 32);
        break;
    case 's':
        KdConsolePrint(Console, "%08x", (ULONG)Value);
        break;
    case 'x':
        KdConsolePrint(Console, "%llx", Value);
        break;
    case 'w':
        KdConsolePrint(Console, "%s", KdpActivityName((UCHAR)Value));
        break;
    default:
        KdConsolePrint(Console, "%llu", Value);
    }
}

static void KdpPrintEvent(PKD_CONSOLE Console, ULONG Processor, const KI_TRACE_EVENT *Event,
                          ULONG64 Microseconds10)
{
    const ULONG64 Value[3] = {Event->Extra, Event->A, Event->B};
    const char *Name = KdpTraceKindName(Event->Kind);
    KDP_TRACE_FIELD Field[3];

    KdpParseTraceFields(Event->Kind, Field);
    KdConsolePrint(Console, "%10llu.%llu %3u %6u %4u %-15s", Microseconds10 / 10,
                   Microseconds10 % 10, Processor, Event->Thread, Event->Irql,
                   Name != NULL ? Name : "?");
    for (ULONG i = 0; i < 3; i++) {
        KdpPrintField(Console, &Field[i], Value[i]);
    }
    KdConsolePrint(Console, "\n");
}

/* Where the merge of all processors' events stands. */
typedef struct _KDP_TRACE_CURSOR {
    ULONG64 Next[KI_TRACE_PROCESSORS];
} KDP_TRACE_CURSOR;

/* The earliest event that has not been taken yet; its processor, or KI_TRACE_PROCESSORS at the
 * end. */
static ULONG KdpTakeEarliest(KDP_TRACE_CURSOR *Cursor, PKI_TRACE_EVENT Event)
{
    ULONG Earliest = KI_TRACE_PROCESSORS;
    KI_TRACE_EVENT Candidate;

    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        if (KeReadTrace(i, Cursor->Next[i], &Candidate) &&
            (Earliest == KI_TRACE_PROCESSORS || Candidate.Time < Event->Time)) {
            Earliest = i;
            *Event = Candidate;
        }
    }
    if (Earliest != KI_TRACE_PROCESSORS) {
        Cursor->Next[Earliest]++;
    }
    return Earliest;
}

NTSTATUS KdpPrintTrace(PKD_CONSOLE Console, const KI_TRACE_SUMMARY *Summary, ULONG64 Count)
{
    ULONG64 Kilohertz = max(KdpTraceKilohertz(Summary), 1), All = 0;
    KDP_TRACE_CURSOR Cursor;
    KI_TRACE_EVENT Event;
    ULONG Processor;

    for (ULONG i = 0; i < KI_TRACE_PROCESSORS; i++) {
        Cursor.Next[i] = KdpOldestEvent(Summary, i);
        All += Summary->Recorded[i] - Cursor.Next[i];
    }
    KdConsolePrint(Console, "%12s %3s %6s %4s %s\n", "microseconds", "CPU", "thread", "IRQL",
                   "event");
    for (; (Processor = KdpTakeEarliest(&Cursor, &Event)) != KI_TRACE_PROCESSORS; All--) {
        if (All <= Count) {
            KdpPrintEvent(Console, Processor, &Event,
                          (Event.Time - Summary->StartTime) * 10000 / Kilohertz);
        }
    }
    return STATUS_SUCCESS;
}

/*** For the host. ***/

#define TRACE_ADDRESSES 4096 /* a power of two; what finds no place goes without a name */

typedef struct _KDP_TRACE_EXPORT {
    PKD_CONSOLE Console;
    KDP_TRACE_CODER Coder;
    UCHAR Bytes[KDP_TRACE_LINE + KDP_TRACE_MAXIMUM];
    ULONG Count;                        /* bytes that wait for their line to be full */
    ULONG64 Addresses[TRACE_ADDRESSES]; /* of code, hashed */
    KDP_TRACE_FIELD Fields[KI_TRACE_KIND_COUNT][3];
} KDP_TRACE_EXPORT, *PKDP_TRACE_EXPORT;

/* Each address once, in a table that is hashed by a multiplication (2^64 over the golden ratio,
 * which sets neighbours far apart) and searched from there. */
static void KdpNoteAddress(PKDP_TRACE_EXPORT Export, ULONG64 Address)
{
    ULONG64 Slot = (Address * 0x9E3779B97F4A7C15ULL) >> 32;

    for (ULONG i = 0; Address != 0 && i < 64; i++) {
        ULONG64 *At = &Export->Addresses[(Slot + i) % TRACE_ADDRESSES];
        if (*At == 0 || *At == Address) {
            *At = Address;
            return;
        }
    }
}

static void KdpFlushLine(PKDP_TRACE_EXPORT Export, ULONG Length)
{
    CHAR Line[4 + (KDP_TRACE_LINE + 2) / 3 * 4] = "#e ";
    ULONG Letters = KdpEncodeBase64(Export->Bytes, Length, Line + 3);

    Line[3 + Letters] = '\n';
    /* Not through the serial driver, whose interrupts and threads would take most of the time. */
    KdPrintUnkept(Line, 4 + Letters);
    Export->Count -= Length;
    memmove(Export->Bytes, Export->Bytes + Length, Export->Count);
}

static void KdpExportEvent(PKDP_TRACE_EXPORT Export, const KI_TRACE_EVENT *Event)
{
    const KDP_TRACE_FIELD *Field = Export->Fields[Event->Kind % KI_TRACE_KIND_COUNT];

    if (Field[1].Form == 'c') {
        KdpNoteAddress(Export, Event->A);
    }
    if (Field[2].Form == 'c') {
        KdpNoteAddress(Export, Event->B);
    }
    Export->Count += KdpEncodeEvent(&Export->Coder, Event, Export->Bytes + Export->Count);
    if (Export->Count >= KDP_TRACE_LINE) {
        KdpFlushLine(Export, KDP_TRACE_LINE);
    }
}

static void KdpExportProcessor(PKDP_TRACE_EXPORT Export, const KI_TRACE_SUMMARY *Summary,
                               ULONG Processor)
{
    ULONG64 Oldest = KdpOldestEvent(Summary, Processor);
    KI_TRACE_EVENT Event;

    KdConsolePrint(Export->Console, "#cpu %u recorded=%llu overwritten=%llu\n", Processor,
                   Summary->Recorded[Processor], Oldest);
    /* Events are told by what differs from the one before: each processor's begin from zero. */
    memset(&Export->Coder, 0, sizeof(Export->Coder));
    for (ULONG64 i = Oldest; KeReadTrace(Processor, i, &Event); i++) {
        KdpExportEvent(Export, &Event);
    }
    if (Export->Count != 0) {
        KdpFlushLine(Export, Export->Count);
    }
}

static void KdpExportThreads(PKD_CONSOLE Console)
{
    KI_TRACE_THREAD Thread;
    CHAR Name[80];

    for (ULONG i = 0; KeReadTraceThread(i, &Thread); i++) {
        if (Thread.Name[0] == 0) {
            LdrFormatAddress(Thread.Start, Name, sizeof(Name));
        }
        KdConsolePrint(Console, "#thread %u %u %s\n", Thread.Id, Thread.Processor,
                       Thread.Id == 0        ? "Idle"
                       : Thread.Name[0] != 0 ? Thread.Name
                                             : Name);
    }
}

static void KdpExportNames(PKDP_TRACE_EXPORT Export)
{
    CHAR Name[80];

    for (ULONG i = 0; i < TRACE_ADDRESSES; i++) {
        if (Export->Addresses[i] != 0) {
            LdrFormatAddress((PVOID)Export->Addresses[i], Name, sizeof(Name));
            KdConsolePrint(Export->Console, "#sym %llx %s\n", Export->Addresses[i], Name);
        }
    }
}

NTSTATUS KdpExportTrace(PKD_CONSOLE Console, const KI_TRACE_SUMMARY *Summary)
{
    PKDP_TRACE_EXPORT Export = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Export), TRACE_TAG);

    if (Export == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Export->Console = Console;
    KdConsolePrint(Console, "#trace 1 khz=%llu start=%llu stop=%llu groups=%x\n",
                   KdpTraceKilohertz(Summary), Summary->StartTime, Summary->StopTime,
                   Summary->Groups);
    for (ULONG i = 0; i < KI_TRACE_KIND_COUNT; i++) {
        KdpParseTraceFields(i, Export->Fields[i]);
        if (KdpTraceKindName(i) != NULL) {
            KdConsolePrint(Console, "#kind %u %s %s\n", i, KdpTraceKindName(i),
                           KdpTraceKindFields(i));
        }
    }
    KdpExportThreads(Console);
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        KdpExportProcessor(Export, Summary, i);
    }
    KdpExportNames(Export);
    KdConsolePrint(Console, "#end\n");
    ExFreePoolWithTag(Export, TRACE_TAG);
    return STATUS_SUCCESS;
}
