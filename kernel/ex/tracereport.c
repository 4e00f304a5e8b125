/*
 * tracereport.c - the stacks that stacktrace.c keeps, in reports: of what a driver leaves behind,
 * and of a crash.
 */
#include <ntifs.h>
#include "ldr.h"
#include "pool.h"
#include "tracestore.h"

#if DBG

#define EX_REPORTED_GROUPS 4   /* stacks shown for one leak */
#define EX_BEYOND_ALIGNMENT 64 /* a guarded block may end so many bytes before its page does */
#define EX_REPORT_TAG 'pRtS'   /* "StRp" in memory */

/* To the console, or, if it is NULL, to the debug port. */
#define EX_SAY(Console, ...)                                                                       \
    ((Console) != NULL ? KdConsolePrint(Console, __VA_ARGS__) : (void)KdPrintf(__VA_ARGS__))

void ExpPrintStack(PKD_CONSOLE Console, const char *Indent, const EX_STACK *Stack)
{
    for (ULONG i = 0; i < min(Stack->Count, EX_STACK_FRAMES); i++) {
        CHAR Name[96];
        LdrFormatAddress(Stack->Frames[i], Name, sizeof(Name));
        EX_SAY(Console, "%s%s\n", Indent, Name);
    }
}

void ExpPrintBlock(PKD_CONSOLE Console, const EX_BLOCK *Block)
{
    CHAR Tag[5];

    ExpFormatTag(Block->Tag, Tag);
    EX_SAY(Console, "pool block %p, %llu bytes, tag %s, %s\nallocated by thread %u.%u:\n",
           (PVOID)Block->Address, (ULONG64)Block->Size, Tag, Block->Freed ? "freed" : "in use",
           Block->Allocation.Process, Block->Allocation.Thread);
    ExpPrintStack(Console, "  ", &Block->Allocation);
    if (Block->Freed) {
        EX_SAY(Console, "freed by thread %u.%u:\n", Block->Free.Process, Block->Free.Thread);
        ExpPrintStack(Console, "  ", &Block->Free);
    }
}

/*** Groups. ***/

static BOOLEAN ExpIsWanted(const EX_BLOCK_FILTER *Filter, const EX_BLOCK *Block)
{
    BOOLEAN Tag = Filter->Pattern != NULL ? ExpMatchTag(Block->Tag, Filter->Pattern)
                                          : Block->Tag == Filter->Tag;

    return !Block->Freed && Tag &&
           (Filter->Caller == NULL ||
            (Block->Allocation.Count != 0 && Block->Allocation.Frames[0] == Filter->Caller));
}

/* NULL: there is no room for one more. */
static PEX_STACK_GROUP ExpFindGroup(PEX_STACK_GROUP Groups, PULONG Count, const EX_BLOCK *Block)
{
    for (ULONG i = 0; i < *Count; i++) {
        if (Groups[i].Tag == Block->Tag && ExpIsSameStack(&Groups[i].Stack, &Block->Allocation)) {
            return &Groups[i];
        }
    }
    if (*Count == EX_STACK_GROUPS) {
        return NULL;
    }
    Groups[*Count] = (EX_STACK_GROUP){.Tag = Block->Tag, .Stack = Block->Allocation};
    return &Groups[(*Count)++];
}

static void ExpSortGroups(PEX_STACK_GROUP Groups, ULONG Count)
{
    for (ULONG i = 1; i < Count; i++) {
        EX_STACK_GROUP Group = Groups[i];
        ULONG At = i;

        for (; At != 0 && Groups[At - 1].Bytes < Group.Bytes; At--) {
            Groups[At] = Groups[At - 1];
        }
        Groups[At] = Group;
    }
}

ULONG ExpGroupBlocks(const EX_BLOCK_FILTER *Filter, PEX_STACK_GROUP Groups, PULONG Others)
{
    ULONG Count = 0;
    EX_BLOCK Block;

    *Others = 0;
    for (ULONG i = 0; ExpCopyBlock(i, &Block); i++) {
        PEX_STACK_GROUP Group;

        if (!ExpIsWanted(Filter, &Block)) {
            continue;
        }
        Group = ExpFindGroup(Groups, &Count, &Block);
        if (Group == NULL) {
            *Others += 1;
        } else {
            Group->Count++;
            Group->Bytes += Block.Size;
        }
    }
    ExpSortGroups(Groups, Count);
    return Count;
}

/*** Leaks. ***/

void ExPrintAllocationStacks(ULONG Tag, PVOID Caller)
{
    EX_BLOCK_FILTER Filter = {.Tag = Tag, .Caller = Caller};
    PEX_STACK_GROUP Groups;
    ULONG Count, Others;

    if (!ExAreStackTracesOn()) {
        return;
    }
    Groups = ExAllocatePoolWithTag(PagedPool, EX_STACK_GROUPS * sizeof(*Groups), EX_REPORT_TAG);
    if (Groups == NULL) {
        return;
    }
    Count = ExpGroupBlocks(&Filter, Groups, &Others);
    for (ULONG i = 0; i < min(Count, EX_REPORTED_GROUPS); i++) {
        KdPrintf("***     %u of them, %llu bytes, last by:\n", Groups[i].Count, Groups[i].Bytes);
        ExpPrintStack(NULL, "***       ", &Groups[i].Stack);
    }
    ExFreePoolWithTag(Groups, EX_REPORT_TAG);
}

void ExPrintHandleStack(PHANDLE_TABLE Table, HANDLE Handle)
{
    EX_TRACE_COUNTS Counts;
    EX_HANDLE_EVENT Event;

    if (!ExAreStackTracesOn()) {
        return;
    }
    ExpQueryTraceCounts(&Counts);
    while (Counts.HandleEvents != 0 && ExpCopyHandleEvent(--Counts.HandleEvents, &Event)) {
        if (Event.Table == Table && Event.Handle == Handle && Event.Opened) {
            ExpPrintStack(NULL, "***       ", &Event.Stack);
            return;
        }
    }
}

/*** Crashes: everything stands still, nothing is believed. ***/

/* The block whose guard page Address lies in: the one that ends before it, or the one that begins
 * behind. */
static const EX_BLOCK *ExpPeekGuardedBlock(ULONG_PTR Address)
{
    ULONG_PTR Page = (ULONG_PTR)PAGE_ALIGN(Address);
    const EX_BLOCK *Block = NULL;

    if (MmQueryGuardedPage((PVOID)Address) != MmGuardedBeyond) {
        return NULL;
    }
    for (ULONG Back = 1; Block == NULL && Back <= EX_BEYOND_ALIGNMENT; Back++) {
        Block = ExpPeekBlockAround(Page - Back);
    }
    return Block != NULL ? Block : ExpPeekBlockAround(Page + PAGE_SIZE);
}

void ExPrintCrashStacks(const ULONG_PTR Parameters[4])
{
    const EX_BLOCK *Shown[4] = {NULL};

    for (ULONG i = 0; i < 4 && ExAreStackTracesOn(); i++) {
        BOOLEAN Again = FALSE;

        if (MmQueryPoolKind((PVOID)Parameters[i]) < 0) {
            continue;
        }
        Shown[i] = ExpPeekBlockAround(Parameters[i]);
        if (Shown[i] == NULL) {
            Shown[i] = ExpPeekGuardedBlock(Parameters[i]);
        }
        for (ULONG Before = 0; Before < i; Before++) {
            Again |= Shown[Before] == Shown[i];
        }
        if (Shown[i] != NULL && !Again) {
            KdPrintf("\nParameter %u: ", i + 1);
            ExpPrintBlock(NULL, Shown[i]);
        }
    }
}

#endif
