/*
 * condition.c - the memory conditions: nine notification events in \KernelObjects that say how much
 * memory there is, for drivers and programs that can do with less.
 *
 * Every page in use is resident, of whatever kind it is, and there is no paging file. So all nine
 * depend on one number, that of the free pages: it is what either pool can still grow by, and what
 * is left of the commit limit, which is all memory. An event is set while that number is at or
 * below its level, or at or above it.
 *
 * mm queues ExpConditionDpc when the number leaves the range in which nothing changes; the DPC sets
 * and clears the events and asks for the next range. ExpConditionLock (LOCK_ORDER_EX_CONDITION)
 * keeps an older look at the number from overtaking a newer one on another processor.
 */
#include "ke.h"
#include "ex.h"
#include "kd.h"
#include "mm.h"
#include "ob.h"

#define EX_MB(n) ((ULONG64)(n) << (20 - PAGE_SHIFT)) /* in pages */

typedef struct _EX_CONDITION {
    PCWSTR Name;
    BOOLEAN Low;   /* i  set at or below Level; else at or above */
    ULONG64 Level; /* i  free pages */
    PKEVENT Event; /* i */
} EX_CONDITION, *PEX_CONDITION;

typedef enum _EX_CONDITION_INDEX {
    ExLowMemory,
    ExHighMemory,
    ExLowPagedPool,
    ExHighPagedPool,
    ExLowNonPagedPool,
    ExHighNonPagedPool,
    ExLowCommit,
    ExHighCommit,
    ExMaximumCommit,
    ExConditionCount
} EX_CONDITION_INDEX;

static EX_CONDITION ExpConditions[ExConditionCount] = {
    [ExLowMemory] = {L"\\KernelObjects\\LowMemoryCondition", TRUE, 0, NULL},
    [ExHighMemory] = {L"\\KernelObjects\\HighMemoryCondition", FALSE, 0, NULL},
    [ExLowPagedPool] = {L"\\KernelObjects\\LowPagedPoolCondition", TRUE, 0, NULL},
    [ExHighPagedPool] = {L"\\KernelObjects\\HighPagedPoolCondition", FALSE, 0, NULL},
    [ExLowNonPagedPool] = {L"\\KernelObjects\\LowNonPagedPoolCondition", TRUE, 0, NULL},
    [ExHighNonPagedPool] = {L"\\KernelObjects\\HighNonPagedPoolCondition", FALSE, 0, NULL},
    /* Little is committed when much is free, and the other way round. */
    [ExLowCommit] = {L"\\KernelObjects\\LowCommitCondition", FALSE, 0, NULL},
    [ExHighCommit] = {L"\\KernelObjects\\HighCommitCondition", TRUE, 0, NULL},
    [ExMaximumCommit] = {L"\\KernelObjects\\MaximumCommitCondition", TRUE, 0, NULL},
};

static KSPIN_LOCK ExpConditionLock;
static KDPC ExpConditionDpc;

/* Windows' documented levels for memory: 32 MB for every 4 GB, 64 MB at most, and three times that.
 * The others are Etude's own; a pool may have all of memory. */
static void ExpComputeLevels(ULONG64 Total)
{
    ExpConditions[ExLowMemory].Level = min(Total / 128, EX_MB(64));
    ExpConditions[ExHighMemory].Level = 3 * ExpConditions[ExLowMemory].Level;
    ExpConditions[ExLowPagedPool].Level = min(Total / 5, EX_MB(30));
    ExpConditions[ExHighPagedPool].Level = min(Total * 2 / 5, EX_MB(40));
    ExpConditions[ExLowNonPagedPool].Level = min(Total / 6, EX_MB(8));
    ExpConditions[ExHighNonPagedPool].Level = min(Total / 2, EX_MB(20));
    ExpConditions[ExLowCommit].Level = Total / 4;
    ExpConditions[ExHighCommit].Level = Total / 10;
    ExpConditions[ExMaximumCommit].Level = Total / 20;
}

static BOOLEAN ExpIsMet(const EX_CONDITION *Condition, ULONG64 Free)
{
    return Condition->Low ? Free <= Condition->Level : Free >= Condition->Level;
}

/* The first number of free pages at which Condition has changed, coming from below. */
static ULONG64 ExpBoundary(const EX_CONDITION *Condition)
{
    return Condition->Low ? Condition->Level + 1 : Condition->Level;
}

static void ExpUpdateConditions(void)
{
    ULONG64 First = 0, End = ~0ULL;
    MM_STATISTICS Now;

    MmQueryStatistics(&Now);
    for (ULONG i = 0; i < ExConditionCount; i++) {
        PEX_CONDITION Condition = &ExpConditions[i];
        ULONG64 Boundary = ExpBoundary(Condition);

        if (Boundary <= Now.FreePages) {
            First = max(First, Boundary);
        } else {
            End = min(End, Boundary);
        }
        if (!ExpIsMet(Condition, Now.FreePages)) {
            KeClearEvent(Condition->Event);
        } else if (KeReadStateEvent(Condition->Event) == 0) {
            KeSetEvent(Condition->Event, 0, FALSE);
        }
    }
    MmWatchFreePages(&ExpConditionDpc, First, End - First);
}

static VOID NTAPI ExpConditionRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&ExpConditionLock);
    ExpUpdateConditions();
    KeReleaseSpinLockFromDpcLevel(&ExpConditionLock);
}

static NTSTATUS ExpCreateConditionEvent(PEX_CONDITION Condition)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    PKEVENT Event;
    NTSTATUS Status = ObAllocateObject(ExEventObjectType, sizeof(*Event), (PVOID *)&Event);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    RtlInitUnicodeString(&Name, Condition->Name);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_PERMANENT, NULL, NULL);
    return ObEnterObject(Event, &Attributes, 0, (PVOID *)&Condition->Event, NULL);
}

void ExInitializeConditions(void)
{
    MM_STATISTICS Now;

    for (ULONG i = 0; i < ExConditionCount; i++) {
        NTSTATUS Status = ExpCreateConditionEvent(&ExpConditions[i]);

        if (!NT_SUCCESS(Status)) {
            KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG)Status, i, 0, 0);
        }
    }
    MmQueryStatistics(&Now);
    ExpComputeLevels(Now.TotalPages);
    KeInitializeDpc(&ExpConditionDpc, ExpConditionRoutine, NULL);
    KeInsertQueueDpc(&ExpConditionDpc, NULL, NULL);
}

static NTSTATUS ExpShowConditions(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    for (ULONG i = 0; i < ExConditionCount; i++) {
        const EX_CONDITION *Condition = &ExpConditions[i];

        KdConsolePrint(Console, "%-8s %-41ws free pages %s %I64u\n",
                       KeReadStateEvent(Condition->Event) != 0 ? "set" : "not set", Condition->Name,
                       Condition->Low ? "<=" : ">=", Condition->Level);
    }
    return STATUS_SUCCESS;
}

KD_COMMAND("memconditions", "", "the memory condition events and their levels", ExpShowConditions);
