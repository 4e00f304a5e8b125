/*
 * list.c - the list of threads, for `threads`, the debugger and tests.
 *
 * A process's list of threads, and the time of those that have left it, belong to the dispatcher
 * lock; the list has a thread in it from its first moment of being ready to its end. To call
 * anybody for each, the list is copied first.
 */
#include "psp.h"

#define PSP_SPARE_ENTRIES 16

typedef struct _PSP_THREAD_LIST {
    ULONG Room, Count;
    ULONG64 EndedTicks;
    PETHREAD Threads[];
} PSP_THREAD_LIST, *PPSP_THREAD_LIST;

/* References as many threads of Process as there is room for; Count is how many there are. */
static void PspCopyThreadList(PEPROCESS Process, PPSP_THREAD_LIST List)
{
    PLIST_ENTRY Head = &Process->ThreadListHead;
    KIRQL OldIrql = KiLockDispatcher();
    List->EndedTicks = Process->EndedKernelTime;
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        if (List->Count < List->Room) {
            List->Threads[List->Count] = CONTAINING_RECORD(Link, KTHREAD, ProcessThreadEntry);
            ObfReferenceObject(List->Threads[List->Count]);
        }
        List->Count++;
    }
    KiUnlockDispatcher(OldIrql);
}

static void PspReleaseThreadList(PPSP_THREAD_LIST List)
{
    for (ULONG i = 0; i < List->Count && i < List->Room; i++) {
        ObfDereferenceObject(List->Threads[i]);
    }
    ExFreePoolWithTag(List, PSP_TAG);
}

/* ActiveThreads is a guess at the list's length, since it changes without the dispatcher lock. */
static PPSP_THREAD_LIST PspListThreads(PEPROCESS Process)
{
    for (;;) {
        ULONG Room = (ULONG)max(Process->ActiveThreads, 0) + PSP_SPARE_ENTRIES;
        PPSP_THREAD_LIST List =
            ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*List) + Room * sizeof(PETHREAD), PSP_TAG);
        if (List == NULL) {
            return NULL;
        }
        List->Room = Room;
        PspCopyThreadList(Process, List);
        if (List->Count <= Room) {
            return List;
        }
        PspReleaseThreadList(List);
    }
}

NTSTATUS PspEnumerateProcessThreads(PEPROCESS Process,
                                    void (*Callback)(PETHREAD Thread, PVOID Context), PVOID Context,
                                    PULONG64 EndedTicks)
{
    PPSP_THREAD_LIST List = PspListThreads(Process);
    if (List == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *EndedTicks = List->EndedTicks;
    for (ULONG i = 0; i < List->Count; i++) {
        Callback(List->Threads[i], Context);
    }
    PspReleaseThreadList(List);
    return STATUS_SUCCESS;
}

NTSTATUS PsEnumerateThreads(void (*Callback)(PETHREAD Thread, PVOID Context), PVOID Context)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PEPROCESS Process = NULL;
    ULONG64 EndedTicks;
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        Callback(KiProcessorBlock[i]->IdleThread, Context);
    }
    while ((Process = PspNextProcess(Process)) != NULL) {
        NTSTATUS One = PspEnumerateProcessThreads(Process, Callback, Context, &EndedTicks);
        if (!NT_SUCCESS(One)) {
            Status = One;
        }
    }
    return Status;
}

/* KTHREAD_STATE in words. */
static const char *PspStateName(UCHAR State)
{
    static const char *const Names[] = {"init",       "ready",   "running",    "standby",
                                        "terminated", "waiting", "transition", "deferred"};
    return State < ARRAYSIZE(Names) ? Names[State] : "?";
}

static const char *PspReasonName(UCHAR Reason)
{
    static const char *const Names[MaximumWaitReason] = {
        [Executive] = "Executive",       [FreePage] = "FreePage",
        [DelayExecution] = "Delay",      [Suspended] = "Suspended",
        [UserRequest] = "UserRequest",   [WrQueue] = "Queue",
        [WrExecutive] = "WrExecutive",   [WrMutex] = "Mutex",
        [WrFastMutex] = "FastMutex",     [WrGuardedMutex] = "GuardedMutex",
        [WrResource] = "Resource",       [WrPushLock] = "PushLock",
        [WrUserRequest] = "UserRequest", [WrRundown] = "Rundown",
        [WrTerminated] = "Terminated",   [WrKernel] = "Kernel",
        [WrDelayExecution] = "Delay",
    };
    return Reason < MaximumWaitReason && Names[Reason] != NULL ? Names[Reason] : "-";
}

static void PspPrintThread(PETHREAD Thread, PVOID Context)
{
    CHAR Start[64];
    const CHAR *Name = Thread->Name;
    // State, priority and so on are a glance at a thread that may be running: each is one read.
    UCHAR State = Thread->State;
    if (Thread->Cid.UniqueThread == NULL) {
        Name = "Idle";
    } else if (*Name == 0) {
        LdrFormatAddress((PVOID)Thread->StartAddress, Start, sizeof(Start));
        Name = Start;
    }
    KdConsolePrint(Context, "%5u  %-28s %-10s %-13s %2d/%-2d %3u %9u\n",
                   (ULONG)(ULONG_PTR)Thread->Cid.UniqueThread, Name, PspStateName(State),
                   State == Waiting ? PspReasonName(Thread->WaitReason) : "-", Thread->Priority,
                   Thread->BasePriority, Thread->NextProcessor, Thread->ContextSwitches);
}

static NTSTATUS PspThreadsCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "%5s  %-28s %-10s %-13s %-5s %3s %9s\n", "Tid", "Name or start",
                   "State", "Waits for", "Prio", "CPU", "Switches");
    return PsEnumerateThreads(PspPrintThread, Console);
}
KD_COMMAND("threads", "", "list threads: state, what they wait for, priority", PspThreadsCommand);
