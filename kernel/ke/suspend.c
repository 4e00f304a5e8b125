/*
 * Suspending threads. A suspended thread waits, in its own context and at PASSIVE_LEVEL, for its
 * SuspendSemaphore: a normal kernel APC brings it there. So a thread in a critical region, or with
 * a mutex, is suspended only when it has left it, and holds nothing of the system's meanwhile.
 *
 * SuspendCount counts suspends without resumes. The first queues the APC, or takes back the signal
 * when the APC of an earlier suspend has not run its wait yet; the last resume gives the signal.
 * Guarded by KiDispatcherLock.
 */
#include "dispatch.h"
#include "kd.h"
#include "ps.h"

#define MAXIMUM_SUSPEND_COUNT 0x7F /* Windows' limit */

/* Every APC has a kernel routine, which usually frees it; this one is a part of its thread. */
static VOID NTAPI KiSuspendKernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine,
                                         PVOID *NormalContext, PVOID *SystemArgument1,
                                         PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
}

static VOID NTAPI KiSuspendNormalRoutine(PVOID NormalContext, PVOID SystemArgument1,
                                         PVOID SystemArgument2)
{
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    KeWaitForSingleObject(&KeGetCurrentThread()->SuspendSemaphore, Suspended, KernelMode, FALSE,
                          NULL);
}

void KiInitializeSuspension(PKTHREAD Thread)
{
    KeInitializeSemaphore(&Thread->SuspendSemaphore, 0, MAXLONG);
    KeInitializeApc(&Thread->SuspendApc, Thread, OriginalApcEnvironment, KiSuspendKernelRoutine,
                    NULL, KiSuspendNormalRoutine, KernelMode, NULL);
}

NTSTATUS KeSuspendThread(PKTHREAD Thread, ULONG *PreviousCount)
{
    KIRQL OldIrql = KiLockDispatcher();
    NTSTATUS Status = STATUS_SUCCESS;

    *PreviousCount = Thread->SuspendCount;
    if (!Thread->ApcQueueable) {
        Status = STATUS_THREAD_IS_TERMINATING;
    } else if (Thread->SuspendCount == MAXIMUM_SUSPEND_COUNT) {
        Status = STATUS_SUSPEND_COUNT_EXCEEDED;
    } else if (Thread->SuspendCount++ == 0 && !KiQueueApc(&Thread->SuspendApc, 0)) {
        Thread->SuspendSemaphore.Header.SignalState -= 1; /* the queued APC is to wait after all */
    }
    KiUnlockDispatcher(OldIrql);
    return Status;
}

ULONG KeResumeThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockDispatcher();
    ULONG Previous = Thread->SuspendCount;

    if (Previous != 0 && --Thread->SuspendCount == 0) {
        Thread->SuspendSemaphore.Header.SignalState += 1;
        KiWaitTest(&Thread->SuspendSemaphore.Header, 0);
    }
    KiUnlockDispatcher(OldIrql);
    return Previous;
}

static NTSTATUS KiSuspendCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PETHREAD Thread;
    ULONG Previous;
    NTSTATUS Status =
        Argc == 2 ? PsConsoleThread(Console, Argv[1], &Thread) : KdConsoleUsage(Console);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Thread == KeGetCurrentThread()) {
        KdConsolePrint(Console, "Thread %s is this console's: nobody could resume it.\n", Argv[1]);
        Status = STATUS_INVALID_PARAMETER;
    } else {
        Status = KeSuspendThread(Thread, &Previous);
        KdConsolePrint(Console, "suspend count was %u\n", Previous);
    }
    ObDereferenceObject(Thread);
    return Status;
}
KD_COMMAND("suspend", "TID", "suspend a thread; see threads", KiSuspendCommand);

static NTSTATUS KiResumeCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PETHREAD Thread;
    NTSTATUS Status =
        Argc == 2 ? PsConsoleThread(Console, Argv[1], &Thread) : KdConsoleUsage(Console);
    if (NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "suspend count was %u\n", KeResumeThread(Thread));
        ObDereferenceObject(Thread);
    }
    return Status;
}
KD_COMMAND("resume", "TID", "resume a suspended thread", KiResumeCommand);
