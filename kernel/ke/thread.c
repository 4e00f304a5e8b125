/*
 * Threads from the kernel's side: a stack, a place in the scheduler, and an end.
 *
 * A thread that ends cannot free the stack it runs on. KeTerminateThread signals the thread, links
 * it into KiDeadThreads and switches away, all in one hold of the dispatcher lock; so whoever takes
 * a thread out of that list, under the lock, knows that its stack is no longer in use. That is ps's
 * reaper.
 */
#include "dispatch.h"

static LIST_ENTRY KiDeadThreads = {&KiDeadThreads, &KiDeadThreads}; /* d  KTHREAD.ReaperEntry */
static KEVENT KiDeadThreadEvent = {
    .Header = {.Type = EventSynchronizationObject,
               .Size = sizeof(KEVENT) / sizeof(ULONG),
               .WaitListHead = {&KiDeadThreadEvent.Header.WaitListHead,
                                &KiDeadThreadEvent.Header.WaitListHead}}};

static ULONG KiNextIdealProcessor; /* d  spreads new threads over the processors */

/* What KiSwapContext pops for a thread that has never run; in the order of its pops. */
typedef struct _KI_START_FRAME {
    UCHAR Xmm6To15[10 * 16];
    ULONG MxCsr;
    ULONG Padding;
    ULONG64 R15, R14, R13, R12, Rbp, Rbx;
    PVOID ReturnAddress;
} KI_START_FRAME, *PKI_START_FRAME;
C_ASSERT(sizeof(KI_START_FRAME) == 10 * 16 + 8 + 7 * 8);

#define KI_DEFAULT_MXCSR 0x1F80 /* all exceptions masked, round to nearest */

void KeInitializeProcess(PKPROCESS Process, KPRIORITY BasePriority, KAFFINITY Affinity,
                         ULONG64 DirectoryTableBase)
{
    KiInitializeHeader(&Process->Header, ProcessObject, sizeof(Process->Header), 0);
    InitializeListHead(&Process->ThreadListHead);
    Process->BasePriority = (SCHAR)BasePriority;
    Process->QuantumReset = KI_DEFAULT_QUANTUM;
    Process->Affinity = Affinity;
    Process->DirectoryTableBase = DirectoryTableBase;
}

void KeSignalProcess(PKPROCESS Process)
{
    KIRQL OldIrql = KiLockDispatcher();
    Process->Header.SignalState = 1;
    KiWaitTest(&Process->Header, 0);
    KiUnlockDispatcher(OldIrql);
}

/* Everything but the stack frame and the processor. */
static void KiInitializeThreadFields(PKTHREAD Thread, PKPROCESS Process, PVOID StackBase,
                                     PVOID StackLimit)
{
    KiInitializeHeader(&Thread->Header, ThreadObject, sizeof(Thread->Header), 0);
    Thread->Process = Process;
    Thread->StackBase = StackBase;
    Thread->StackLimit = StackLimit;
    Thread->State = Initialized;
    Thread->Priority = Thread->BasePriority = Process->BasePriority;
    Thread->Quantum = Thread->QuantumReset = Process->QuantumReset;
    Thread->Affinity = Process->Affinity;
    Thread->PreviousMode = KernelMode;
    Thread->ApcState.Process = Process;
    InitializeListHead(&Thread->ApcState.ApcListHead[KernelMode]);
    InitializeListHead(&Thread->ApcState.ApcListHead[UserMode]);
    Thread->ApcStatePointer[OriginalApcEnvironment] = &Thread->ApcState;
    Thread->ApcStatePointer[AttachedApcEnvironment] = &Thread->SavedApcState;
    InitializeListHead(&Thread->MutantListHead);
    KeInitializeTimer(&Thread->Timer);
    KiInitializeSuspension(Thread);
}

void KeInitThread(PKTHREAD Thread, PKPROCESS Process, PVOID StackBase, PVOID StackLimit,
                  KI_SYSTEM_ROUTINE *SystemRoutine, PKSTART_ROUTINE StartRoutine,
                  PVOID StartContext)
{
    PKI_START_FRAME Frame;
    KiInitializeThreadFields(Thread, Process, StackBase, StackLimit);
    /* KiThreadStartup is entered by a return, with RSP at a multiple of 16, below 16 spare
     * bytes. */
    Frame = (PKI_START_FRAME)((ULONG_PTR)StackBase - 16 - sizeof(*Frame));
    RtlZeroMemory(Frame, sizeof(*Frame));
    Frame->MxCsr = KI_DEFAULT_MXCSR;
    Frame->Rbx = (ULONG64)SystemRoutine;
    Frame->R12 = (ULONG64)StartRoutine;
    Frame->R13 = (ULONG64)StartContext;
    Frame->ReturnAddress = KiThreadStartup;
    Thread->KernelStack = Frame;
}

void KeReadyThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockDispatcher();
    KI_ASSERT(Thread->State == Initialized);
    Thread->IdealProcessor = (UCHAR)(KiNextIdealProcessor++ % KeNumberProcessors);
    Thread->NextProcessor = Thread->IdealProcessor;
    Thread->ApcQueueable = TRUE;
    InsertTailList(&Thread->Process->ThreadListHead, &Thread->ProcessThreadEntry);
    KiReadyThread(Thread);
    KiUnlockDispatcher(OldIrql);
}

void KiInitializeIdleThread(PKPRCB Prcb, PKTHREAD Thread, PKPROCESS Process, PVOID StackBase,
                            PVOID StackLimit)
{
    KiInitializeThreadFields(Thread, Process, StackBase, StackLimit);
    Thread->Priority = Thread->BasePriority = KI_IDLE_PRIORITY;
    Thread->Affinity = Prcb->SetMember;
    Thread->IdealProcessor = Thread->NextProcessor = (UCHAR)Prcb->Number;
    Thread->State = Running;
    for (ULONG i = 0; i < KI_PRIORITY_LEVELS; i++) {
        InitializeListHead(&Prcb->ReadyList[i]);
    }
    Prcb->IdleThread = Prcb->CurrentThread = Thread;
    /* From here on the scheduler may choose a thread for this processor, which will notice as soon
     * as it lets interrupts in. */
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    KiLockDispatcherAtDpcLevel();
    KiClearNextThread(Prcb);
    KiUnlockDispatcherFromDpcLevel();
    KeLowerIrql(OldIrql);
}

/* Mutants it still owns: a mutex is a driver's mistake, a plain mutant is abandoned. Lock held. */
static void KiAbandonMutants(PKTHREAD Thread)
{
    while (!IsListEmpty(&Thread->MutantListHead)) {
        PKMUTANT Mutant = CONTAINING_RECORD(Thread->MutantListHead.Flink, KMUTANT, MutantListEntry);
        if (Mutant->ApcDisable) {
            KeBugCheckEx(THREAD_TERMINATE_HELD_MUTEX, (ULONG_PTR)Thread, (ULONG_PTR)Mutant, 0, 0);
        }
        KiReleaseMutant(Mutant, MUTANT_INCREMENT, TRUE);
    }
}

/* Wakes the reaper. Lock held. */
static void KiSignalDeadThread(PKTHREAD Thread)
{
    InsertTailList(&KiDeadThreads, &Thread->ReaperEntry);
    KiDeadThreadEvent.Header.SignalState = 1;
    KiWaitTest(&KiDeadThreadEvent.Header, 0);
}

void KeTerminateThread(KPRIORITY Increment)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KI_ASSERT(KeGetCurrentIrql() == PASSIVE_LEVEL);
    /* A critical region that was never left. Mutexes account for the count, too, and are blamed by
     * name further down. */
    if (Thread->KernelApcDisable != 0 && IsListEmpty(&Thread->MutantListHead)) {
        KeBugCheckEx(KERNEL_APC_PENDING_DURING_EXIT, 0, (ULONG_PTR)Thread->KernelApcDisable, 0, 0);
    }
    KiRundownApcs(Thread);
    KiLockDispatcher(); /* released by the thread that is switched to */
    KiAbandonMutants(Thread);
    KiLeaveQueue(Thread);
    RemoveEntryList(&Thread->ProcessThreadEntry);
    Thread->Process->EndedKernelTime += Thread->KernelTime; /* it is in the list, or in the sum */
    Thread->Header.SignalState = 1;
    KiWaitTest(&Thread->Header, Increment);
    Thread->State = Terminated;
    KiSignalDeadThread(Thread);
    KiSwitchAway();
    __builtin_unreachable();
}

/* The list's first thread, or NULL. */
static PKTHREAD KiTakeDeadThread(void)
{
    PKTHREAD Thread = NULL;
    KIRQL OldIrql = KiLockDispatcher();
    if (!IsListEmpty(&KiDeadThreads)) {
        Thread = CONTAINING_RECORD(RemoveHeadList(&KiDeadThreads), KTHREAD, ReaperEntry);
    }
    KiUnlockDispatcher(OldIrql);
    return Thread;
}

PKTHREAD KeWaitForDeadThread(void)
{
    PKTHREAD Thread;
    while ((Thread = KiTakeDeadThread()) == NULL) {
        KeWaitForSingleObject(&KiDeadThreadEvent, Executive, KernelMode, FALSE, NULL);
    }
    return Thread;
}
