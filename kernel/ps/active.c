/*
 * active.c - the list of all processes that there are, in order of their creation; and `ps`, which
 * shows it.
 *
 * The list holds no references: a process leaves it when it is deleted. PspActiveLock, a fast
 * mutex, guards it; who finds a process there on its way out passes it by.
 */
#include "psp.h"

static FAST_MUTEX PspActiveLock;
static LIST_ENTRY PspActiveProcesses; /* PspActiveLock  of KPROCESS.ActiveProcessLinks */

/* System, the first one, comes before anybody can wait. */
void PspInsertProcess(PEPROCESS Process)
{
    if (PspActiveProcesses.Flink == NULL) {
        ExInitializeFastMutex(&PspActiveLock);
        InitializeListHead(&PspActiveProcesses);
    }
    ExAcquireFastMutex(&PspActiveLock);
    InsertTailList(&PspActiveProcesses, &Process->ActiveProcessLinks);
    ExReleaseFastMutex(&PspActiveLock);
}

void PspRemoveProcess(PEPROCESS Process)
{
    ExAcquireFastMutex(&PspActiveLock);
    RemoveEntryList(&Process->ActiveProcessLinks);
    ExReleaseFastMutex(&PspActiveLock);
}

PEPROCESS PspNextProcess(PEPROCESS Process)
{
    PEPROCESS Next = NULL;
    ExAcquireFastMutex(&PspActiveLock);
    PLIST_ENTRY Link =
        Process != NULL ? Process->ActiveProcessLinks.Flink : PspActiveProcesses.Flink;
    for (; Next == NULL && Link != &PspActiveProcesses; Link = Link->Flink) {
        PEPROCESS Found = CONTAINING_RECORD(Link, KPROCESS, ActiveProcessLinks);
        if (ObReferenceObjectSafe(Found)) {
            Next = Found;
        }
    }
    ExReleaseFastMutex(&PspActiveLock);
    if (Process != NULL) {
        ObfDereferenceObject(Process);
    }
    return Next;
}

static void PspPrintProcess(PKD_CONSOLE Console, PEPROCESS Process)
{
    LONG Threads = Process->ActiveThreads;
    // Counts without the reference that this look at it is.
    KdConsolePrint(Console, "%5u %6u  %-15s %-8s %7d %7u %8lld %8lld %8u  %016llx\n",
                   (ULONG)(ULONG_PTR)Process->UniqueProcessId,
                   (ULONG)(ULONG_PTR)Process->InheritedFromUniqueProcessId, Process->ImageFileName,
                   Process->Header.SignalState != 0 ? "exited"
                   : Process->HadThreads            ? "running"
                                                    : "new",
                   max(Threads, 0), ExQueryHandleCount(Process->ObjectTable),
                   (LONG64)ObQueryHandleCount(Process), (LONG64)ObQueryPointerCount(Process) - 1,
                   Process->StackCount, Process->DirectoryTableBase);
}

static NTSTATUS PspPsCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PEPROCESS Process = NULL;
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "%5s %6s  %-15s %-8s %7s %7s %8s %8s %8s  %s\n", "Pid", "Parent",
                   "Name", "State", "Threads", "Handles", "OpenedBy", "Pointers", "Attached",
                   "Cr3");
    while ((Process = PspNextProcess(Process)) != NULL) {
        PspPrintProcess(Console, Process);
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("ps", "", "list processes: threads, handles, who refers to them, CR3", PspPsCommand);
