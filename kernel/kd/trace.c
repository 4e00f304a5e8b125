/*
 * trace.c - `trace`: starts and stops the trace of ke/trace.c, shows what it has.
 */
#include "tracedump.h"

#define TRACE_DEFAULT_EVENTS 32768 /* a processor: 1 MB */
#define TRACE_MINIMUM_EVENTS 64
#define TRACE_MAXIMUM_EVENTS 0x400000

static const char *const KdpGroupNames[] = {
#define X(Name, Text) Text,
    KI_TRACE_GROUPS(X)
#undef X
};
static const struct {
    const char *Name, *Fields;
} KdpKinds[KI_TRACE_KIND_COUNT] = {
#define X(Number, Name, Group, Text, Fields) [Number] = {Text, Fields},
    KI_TRACE_KINDS(X)
#undef X
};

const char *KdpTraceKindName(ULONG Kind)
{
    return Kind < KI_TRACE_KIND_COUNT ? KdpKinds[Kind].Name : NULL;
}

const char *KdpTraceKindFields(ULONG Kind)
{
    return Kind < KI_TRACE_KIND_COUNT ? KdpKinds[Kind].Fields : NULL;
}

ULONG64 KdpTraceKilohertz(const KI_TRACE_SUMMARY *Summary)
{
    ULONG64 Elapsed100ns = Summary->Stop100ns - Summary->Start100ns;

    return (Summary->StopTime - Summary->StartTime) * 10000 / max(Elapsed100ns, 1);
}

/* A group's number, or KI_TRACE_GROUP_COUNT. */
static ULONG KdpFindGroup(const char *Name)
{
    ULONG Group = 0;

    while (Group < KI_TRACE_GROUP_COUNT && _stricmp(Name, KdpGroupNames[Group]) != 0) {
        Group++;
    }
    return Group;
}

static NTSTATUS KdpUnknownGroup(PKD_CONSOLE Console, const char *Name)
{
    KdConsolePrint(Console, "%s: not a kind of event; there are", Name);
    for (ULONG i = 0; i < KI_TRACE_GROUP_COUNT; i++) {
        KdConsolePrint(Console, " %s", KdpGroupNames[i]);
    }
    KdConsolePrint(Console, "\n");
    return KdConsoleReported(Console, STATUS_INVALID_PARAMETER);
}

/* Words: kinds, or events=N. */
static NTSTATUS KdpStartTrace(PKD_CONSOLE Console, int Count, char **Words)
{
    ULONG64 Events = TRACE_DEFAULT_EVENTS;
    ULONG Groups = 0, Capacity = TRACE_MINIMUM_EVENTS;
    NTSTATUS Status;

    for (int i = 0; i < Count; i++) {
        ULONG Group = KdpFindGroup(Words[i]);
        if (Group < KI_TRACE_GROUP_COUNT) {
            Groups |= 1U << Group;
        } else if (_strnicmp(Words[i], "events=", 7) != 0) {
            return KdpUnknownGroup(Console, Words[i]);
        } else if (!KdParseNumber(Words[i] + 7, &Events) || Events > TRACE_MAXIMUM_EVENTS) {
            return KdConsoleUsage(Console);
        }
    }
    while (Capacity < Events) {
        Capacity *= 2;
    }
    Status = KeStartTrace(Groups != 0 ? Groups : KI_TRACE_ALL_GROUPS, Capacity);
    if (Status == STATUS_INSUFFICIENT_RESOURCES) {
        KdConsolePrint(Console, "trace: no memory for %u events on each processor; events=N\n",
                       Capacity);
        return KdConsoleReported(Console, Status);
    }
    return Status;
}

static NTSTATUS KdpTraceStatus(PKD_CONSOLE Console, const KI_TRACE_SUMMARY *Summary)
{
    if (Summary->Capacity == 0) {
        KdConsolePrint(Console, "never started\n");
        return STATUS_SUCCESS;
    }
    KdConsolePrint(Console, "%s, %u places in the code, room for %u events on each processor:",
                   Summary->Running ? "running" : "stopped", Summary->Sites, Summary->Capacity);
    for (ULONG i = 0; i < KI_TRACE_GROUP_COUNT; i++) {
        if (Summary->Groups >> i & 1) {
            KdConsolePrint(Console, " %s", KdpGroupNames[i]);
        }
    }
    KdConsolePrint(Console, "\nCPU     recorded  overwritten\n");
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        KdConsolePrint(Console, "%3u %12llu %12llu\n", i, Summary->Recorded[i],
                       KdpOldestEvent(Summary, i));
    }
    return STATUS_SUCCESS;
}

/* Only a trace that has ended can be read. */
static NTSTATUS KdpShowTrace(PKD_CONSOLE Console, const KI_TRACE_SUMMARY *Summary, int Argc,
                             char **Argv)
{
    ULONG64 Count = ~0ULL;

    if (Summary->Running || Summary->Capacity == 0) {
        KdConsolePrint(Console, "trace: %s\n",
                       Summary->Running ? "still running; `trace stop` first" : "never started");
        return KdConsoleReported(Console, STATUS_INVALID_DEVICE_STATE);
    }
    if (_stricmp(Argv[1], "export") == 0 && Argc == 2) {
        return KdpExportTrace(Console, Summary);
    }
    if (Argc > 3 || (Argc == 3 && !KdParseNumber(Argv[2], &Count))) {
        return KdConsoleUsage(Console);
    }
    return KdpPrintTrace(Console, Summary, Count);
}

static NTSTATUS KdpTraceCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    const char *What = Argc > 1 ? Argv[1] : "";
    KI_TRACE_SUMMARY Summary;

    KeQueryTrace(&Summary);
    if (_stricmp(What, "start") == 0) {
        return KdpStartTrace(Console, Argc - 2, Argv + 2);
    }
    if (_stricmp(What, "stop") == 0 && Argc == 2) {
        return KeStopTrace();
    }
    if (_stricmp(What, "status") == 0 && Argc == 2) {
        return KdpTraceStatus(Console, &Summary);
    }
    if (_stricmp(What, "dump") == 0 || _stricmp(What, "export") == 0) {
        return KdpShowTrace(Console, &Summary, Argc, Argv);
    }
    return KdConsoleUsage(Console);
}
KD_COMMAND("trace", "start [KIND...] [events=N] | stop | status | dump [COUNT] | export",
           "what the processors do, with times: interrupts, IRQL, DPCs, threads, IRPs",
           KdpTraceCommand);
