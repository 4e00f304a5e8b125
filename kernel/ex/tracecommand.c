/*
 * tracecommand.c - the stacks that stacktrace.c keeps, on the console: `pooltrace`, which tells a
 * block's life, or groups the blocks of a tag that are in use by who allocated them, and `htrace`,
 * a handle's events, as the debugger extension of that name shows them.
 */
#include <ntifs.h>
#include "pool.h"
#include "ps.h"
#include "tracestore.h"

#if DBG

#define EX_GROUPS_TAG 'rGtS' /* "StGr" in memory */

/* FALSE: nothing is kept, and the user knows why. */
static BOOLEAN ExpAreTracesThere(PKD_CONSOLE Console)
{
    if (!ExAreStackTracesOn()) {
        KdConsolePrint(Console, "no stacks are kept: start with stacktraces=1\n");
    }
    return ExAreStackTracesOn();
}

static NTSTATUS ExpShowBlockAround(PKD_CONSOLE Console, ULONG64 Address)
{
    EX_BLOCK Block;

    if (!ExpCopyBlockAround(Address, &Block)) {
        return STATUS_NOT_FOUND;
    }
    ExpPrintBlock(Console, &Block);
    return STATUS_SUCCESS;
}

static NTSTATUS ExpShowGroups(PKD_CONSOLE Console, const char *Pattern)
{
    EX_BLOCK_FILTER Filter = {.Pattern = Pattern};
    PEX_STACK_GROUP Groups =
        ExAllocatePoolWithTag(PagedPool, EX_STACK_GROUPS * sizeof(*Groups), EX_GROUPS_TAG);
    ULONG Count, Others;

    if (Groups == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Count = ExpGroupBlocks(&Filter, Groups, &Others);
    for (ULONG i = 0; i < Count; i++) {
        CHAR Tag[5];
        ExpFormatTag(Groups[i].Tag, Tag);
        KdConsolePrint(Console, "%s  %u blocks, %llu bytes:\n", Tag, Groups[i].Count,
                       Groups[i].Bytes);
        ExpPrintStack(Console, "  ", &Groups[i].Stack);
    }
    if (Others != 0) {
        KdConsolePrint(Console, "and %u blocks with other stacks\n", Others);
    }
    ExFreePoolWithTag(Groups, EX_GROUPS_TAG);
    return STATUS_SUCCESS;
}

static void ExpShowTraceCounts(PKD_CONSOLE Console)
{
    EX_TRACE_COUNTS Counts;

    ExpQueryTraceCounts(&Counts);
    KdConsolePrint(Console, "blocks in use %u, freed %u, room for %u, not recorded %llu\n",
                   Counts.Live, Counts.Freed, Counts.Capacity, Counts.Lost);
    KdConsolePrint(Console, "handle events %llu, the last %u are kept\n", Counts.HandleEvents,
                   Counts.HandleCapacity);
}

static NTSTATUS ExpPoolTraceCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Address;

    if (Argc > 2) {
        return KdConsoleUsage(Console);
    }
    if (!ExpAreTracesThere(Console)) {
        return STATUS_NOT_SUPPORTED;
    }
    if (Argc == 1) {
        ExpShowTraceCounts(Console);
        return STATUS_SUCCESS;
    }
    /* A tag has four letters at most. */
    if (strlen(Argv[1]) > sizeof(ULONG)) {
        return KdParseHexadecimal(Argv[1], &Address) ? ExpShowBlockAround(Console, Address)
                                                     : KdConsoleUsage(Console);
    }
    return ExpShowGroups(Console, Argv[1]);
}
KD_COMMAND("pooltrace", "[ADDRESS | TAG]",
           "who allocated and freed a block of pool; who has blocks of a tag, by stack",
           ExpPoolTraceCommand);

/* The latest first. */
static void ExpShowHandleEvents(PKD_CONSOLE Console, PHANDLE_TABLE Table, HANDLE Handle)
{
    static const char Line[] = "--------------------------------------\n";
    EX_TRACE_COUNTS Counts;
    EX_HANDLE_EVENT Event;
    ULONG Parsed = 0, Dumped = 0;

    ExpQueryTraceCounts(&Counts);
    while (Counts.HandleEvents != 0 && ExpCopyHandleEvent(--Counts.HandleEvents, &Event)) {
        Parsed++;
        if (Event.Table == Table && (Handle == NULL || Event.Handle == Handle)) {
            Dumped++;
            KdConsolePrint(Console, "%sHandle = 0x%llx - %s\nThread ID = 0x%x, Process ID = 0x%x\n",
                           Line, (ULONG64)Event.Handle, Event.Opened ? "OPEN" : "CLOSE",
                           Event.Stack.Thread, Event.Stack.Process);
            ExpPrintStack(Console, "  ", &Event.Stack);
        }
    }
    KdConsolePrint(Console, "%sParsed 0x%x stack traces.\nDumped 0x%x stack traces.\n", Line,
                   Parsed, Dumped);
}

/* A handle as `handles` shows it, or a kernel handle with its high bits; 0: all of them. */
static NTSTATUS ExpHandleTraceCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Handle, Id = (ULONG64)(ULONG_PTR)PsGetProcessId(PsInitialSystemProcess);
    PEPROCESS Process;
    NTSTATUS Status;

    if (Argc < 2 || Argc > 3 || !KdParseHexadecimal(Argv[1], &Handle) ||
        (Argc == 3 && !KdParseNumber(Argv[2], &Id))) {
        return KdConsoleUsage(Console);
    }
    if (!ExpAreTracesThere(Console)) {
        return STATUS_NOT_SUPPORTED;
    }
    Status = PsLookupProcessByProcessId((HANDLE)Id, &Process);
    if (NT_SUCCESS(Status)) {
        ExpShowHandleEvents(Console, Process->ObjectTable, (HANDLE)(Handle & MAXLONG & ~3ULL));
        ObDereferenceObject(Process);
    }
    return Status;
}
KD_COMMAND("htrace", "HANDLE [PID]",
           "who opened and closed a handle of System's, or of a process, with stacks; 0: all",
           ExpHandleTraceCommand);

#endif
