/*
 * Deferred procedure calls: one queue per processor, retired by the dispatch interrupt there.
 * Threaded DPCs stand in a second one, which a thread of the processor's own retires
 * (threadeddpc.c).
 *
 * KDPC.DpcData says which queue a DPC stands in, NULL for none. It becomes non-NULL only by
 * compare-exchange and under the queue's lock, so of two processors that queue one DPC at once
 * exactly one succeeds; it becomes NULL, under the same lock, before the routine is called, so the
 * routine may queue its own DPC again or free it. The queue's lock is taken with interrupts off,
 * because ISRs of any level queue DPCs; it is a leaf.
 *
 * Who interrupts whom (WDK, "Organization of DPC Queues"):
 *
 *      importance        own processor                     another processor
 *      High, MediumHigh  at once                           at once
 *      Medium            at once                           idle there, or the queue is deep
 *      Low               idle, queue deep, or few DPCs     idle there, or the queue is deep
 *
 * The others wait for the target's next clock tick at most, or until it becomes idle.
 */
#include <ntddk.h>
#include "dispatch.h"
#include "hal.h"
#include "kd.h"
#include "ldr.h"
#include "processor.h"

/* KDPC.Number is this plus the processor once a target was set. Above every processor's number, so
 * that the 0 of a fresh DPC still says "wherever it is queued", and not processor 0. */
#define TARGET_BASE 0x500
#define MAXIMUM_DEPTH 4 /* Windows' defaults: MaximumDpcQueueDepth, MinimumDpcRate */
#define MINIMUM_RATE 3

void KiInitializeDpcQueues(PKPRCB Prcb)
{
    KiRankLock(&Prcb->Dpc.Lock, "DpcLock", LOCK_ORDER_KE_DPC);
    KiRankLock(&Prcb->Processor->DpcThread.Queue.Lock, "threaded DpcLock", LOCK_ORDER_KE_DPC);
    InitializeListHead(&Prcb->Dpc.ListHead);
    InitializeListHead(&Prcb->Processor->DpcThread.Queue.ListHead);
}

static void KiInitializeDpc(PKDPC Dpc, KOBJECTS Type, PKDEFERRED_ROUTINE DeferredRoutine,
                            PVOID DeferredContext)
{
    KiCheckNewDpc(Dpc);
    Dpc->Type = (UCHAR)Type;
    Dpc->Importance = MediumImportance;
    Dpc->Number = 0;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
    Dpc->DpcData = NULL;
}

void NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    KiInitializeDpc(Dpc, DpcObject, DeferredRoutine, DeferredContext);
}

void NTAPI KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine,
                                   PVOID DeferredContext)
{
    KiInitializeDpc(Dpc, ThreadedDpcObject, DeferredRoutine, DeferredContext);
}

void NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    Dpc->Importance = (UCHAR)Importance;
}

void NTAPI KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
    KI_ASSERT((ULONG)Number < KI_MAX_PROCESSORS);
    Dpc->Number = (USHORT)(TARGET_BASE + Number);
}

NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcNumber->Group != 0 || ProcNumber->Reserved != 0 ||
        ProcNumber->Number >= KeNumberProcessors) {
        return STATUS_INVALID_PARAMETER;
    }
    KeSetTargetProcessorDpc(Dpc, (CCHAR)ProcNumber->Number);
    return STATUS_SUCCESS;
}

/* A target that never started would keep the DPC for ever: it goes to this processor instead. */
static PKPRCB KiDpcTarget(const KDPC *Dpc)
{
    ULONG Number = Dpc->Number - TARGET_BASE;

    if (Dpc->Number >= TARGET_BASE && Number < KeNumberProcessors) {
        return KiProcessorBlock[Number];
    }
    return KeGetCurrentPrcb();
}

/* Until the processor's DPC thread runs, a threaded DPC is an ordinary one. */
static PKI_DPC_QUEUE KiDpcQueueOf(PKPRCB Target, const KDPC *Dpc)
{
    PKI_DPC_THREAD Thread = &Target->Processor->DpcThread;

    return Dpc->Type == ThreadedDpcObject && Thread->Started ? &Thread->Queue : &Target->Dpc;
}

/* Whether somebody is at work on Queue, or about to be, who will find what is queued now. */
static BOOLEAN KiIsRetiring(PKPRCB Target, const KI_DPC_QUEUE *Queue)
{
    PKI_DPC_THREAD Thread = &Target->Processor->DpcThread;

    if (Queue == &Target->Dpc) {
        return Target->DpcActive;
    }
    return (BOOLEAN)(Thread->Active || Thread->Requested);
}

/* The queue's lock is held. */
static BOOLEAN KiDpcWantsInterrupt(PKPRCB Target, const KI_DPC_QUEUE *Queue, UCHAR Importance)
{
    if (KiIsRetiring(Target, Queue)) {
        return FALSE;
    }
    if (Importance == HighImportance || Importance == MediumHighImportance) {
        return TRUE;
    }
    /* A target that becomes idle has no ticks any more: it looks at Depth then. The fence makes
     * sure that either it sees this DPC or the test below sees it idle. */
    KeMemoryBarrier();
    if (Queue->Depth >= MAXIMUM_DEPTH || Target->CurrentThread == Target->IdleThread) {
        return TRUE;
    }
    return Target == KeGetCurrentPrcb() && !KiPerturbDelaysDpc() &&
           (Importance == MediumImportance || Queue->Rate < MINIMUM_RATE);
}

/* Both queues wait for the dispatch interrupt: it retires one and wakes the other's thread. */
static void KiRequestRetirement(PKPRCB Target, const KI_DPC_QUEUE *Queue)
{
    if (Queue != &Target->Dpc) {
        Target->Processor->DpcThread.Requested = TRUE;
    }
    if (Target == KeGetCurrentPrcb()) {
        KiRequestDispatchInterrupt();
    } else {
        KiSendIpi(Target->Number, KIPI_RESCHEDULE);
    }
}

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    PKPRCB Target = KiDpcTarget(Dpc);
    PKI_DPC_QUEUE Queue = KiDpcQueueOf(Target, Dpc);
    BOOLEAN Interrupt = FALSE;
    BOOLEAN Inserted = FALSE;

    KiAcquireRawLock(&Queue->Lock);
    if (InterlockedCompareExchangePointer(&Dpc->DpcData, Queue, NULL) == NULL) {
        Inserted = TRUE;
        KI_TRACE_STORE(DpcQueue, Dpc->SystemArgument1, SystemArgument1, Dpc, Target, 0);
        Dpc->SystemArgument2 = SystemArgument2;
        if (Dpc->Importance == HighImportance) {
            InsertHeadList(&Queue->ListHead, &Dpc->DpcListEntry);
        } else {
            InsertTailList(&Queue->ListHead, &Dpc->DpcListEntry);
        }
        Queue->Depth += 1;
        Queue->Count += 1;
        Interrupt = KiDpcWantsInterrupt(Target, Queue, Dpc->Importance);
    }
    KiReleaseRawLock(&Queue->Lock);
    /* From here on the DPC may have run and be gone. */
    if (Interrupt) {
        KiRequestRetirement(Target, Queue);
    }
    KiRestoreInterrupts(Enabled);
    return Inserted;
}

/* Takes Dpc out of Queue, whose lock is held. */
static inline void KiUnlinkDpc(PKI_DPC_QUEUE Queue, PKDPC Dpc)
{
    RemoveEntryList(&Dpc->DpcListEntry);
    Queue->Depth -= 1;
    __atomic_store_n(&Dpc->DpcData, NULL, __ATOMIC_RELEASE);
}

BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    PKI_DPC_QUEUE Queue = __atomic_load_n((PKI_DPC_QUEUE *)&Dpc->DpcData, __ATOMIC_ACQUIRE);
    BOOLEAN Removed = FALSE;

    if (Queue != NULL) {
        KiAcquireRawLock(&Queue->Lock);
        /* It may have run since, and even stand in another queue. */
        if (Dpc->DpcData == Queue) {
            KiUnlinkDpc(Queue, Dpc);
            Removed = TRUE;
        }
        KiReleaseRawLock(&Queue->Lock);
    }
    KiRestoreInterrupts(Enabled);
    return Removed;
}

static inline BOOLEAN KiTakeFirstDpc(PKI_DPC_QUEUE Queue, volatile BOOLEAN *Active,
                                     PKI_DPC_CALL Call)
{
    BOOLEAN Found = FALSE;

    _disable();
    KiAcquireRawLock(&Queue->Lock);
    if (IsListEmpty(&Queue->ListHead)) {
        Queue->Running = NULL;
        *Active = FALSE;
    } else {
        PKDPC Dpc = CONTAINING_RECORD(Queue->ListHead.Flink, KDPC, DpcListEntry);
        *Call = (KI_DPC_CALL){Dpc, Dpc->DeferredRoutine, Dpc->DeferredContext, Dpc->SystemArgument1,
                              Dpc->SystemArgument2};
        Queue->Running = Dpc;
        Queue->Routine = Dpc->DeferredRoutine;
        Queue->RunTicks = 0;
        KiUnlinkDpc(Queue, Dpc);
        Found = TRUE;
    }
    KiReleaseRawLock(&Queue->Lock);
    _enable();
    return Found;
}

BOOLEAN KiTakeDpc(PKI_DPC_QUEUE Queue, volatile BOOLEAN *Active, PKI_DPC_CALL Call)
{
    return KiTakeFirstDpc(Queue, Active, Call);
}

static inline void KiCallRoutine(const KI_DPC_CALL *Call)
{
    KIRQL Irql = KI_TRACE_IRQL(DpcRun, Call->Dpc, Call->Routine, 0);
    ULONG Held = KiCountHeldLocks();

    Call->Routine(Call->Dpc, Call->Context, Call->Argument1, Call->Argument2);
    if (KI_TRACE_IRQL(DpcEnd, Call->Dpc, Call->Routine, 0) != Irql) {
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, KeGetCurrentIrql() << 16 | Irql << 8, 0,
                     (ULONG_PTR)Call->Routine, (ULONG_PTR)Call->Dpc);
    }
    KiCheckReturnedLocks((PVOID)Call->Routine, Held);
}

void KiCallDpc(const KI_DPC_CALL *Call)
{
    KiCallRoutine(Call);
}

/*
 * At DISPATCH_LEVEL, interrupts on. What is queued while DpcActive is set relies on this loop to
 * find it, instead of an interrupt. Timers come first each time: a DPC that always queues itself
 * again must not keep them from expiring.
 */
void KiRetireDpcList(PKPRCB Prcb)
{
    KI_DPC_CALL Call;

    Prcb->DpcActive = TRUE;
    for (;;) {
        if (Prcb->TimerRequest) {
            KiTimerExpiration(Prcb);
        }
        if (!KiTakeFirstDpc(&Prcb->Dpc, &Prcb->DpcActive, &Call)) {
            return; /* the clock asks for another dispatch interrupt should a timer be due now */
        }
        KiCallRoutine(&Call);
        Prcb->Dpc.Running = NULL; /* timers may come next */
    }
}

static void KiRetireSoon(PKPRCB Prcb, PKI_DPC_QUEUE Queue)
{
    if (Queue->Depth != 0 && !KiIsRetiring(Prcb, Queue)) {
        KiRequestRetirement(Prcb, Queue);
    }
}

/* Rate is the mean of this tick's DPCs and the old rate, so that a burst is forgotten in a few
 * ticks. The tick is also what the importances that asked for no interrupt have relied on. */
static void KiTickDpcQueue(PKPRCB Prcb, PKI_DPC_QUEUE Queue)
{
    ULONG64 Count = Queue->Count;

    Queue->Rate = (ULONG)(Count - Queue->LastCount + Queue->Rate) / 2;
    Queue->LastCount = Count;
    KiRetireSoon(Prcb, Queue);
}

/* CurrentThread says that it is idle already: the other side of the fence in
 * KiDpcWantsInterrupt. */
void KiRetireBeforeIdle(PKPRCB Prcb)
{
    KeMemoryBarrier();
    KiRetireSoon(Prcb, &Prcb->Dpc);
    KiRetireSoon(Prcb, &Prcb->Processor->DpcThread.Queue);
}

/* From the clock interrupt. */
void KiTickDpcQueues(PKPRCB Prcb)
{
    KiTickDpcQueue(Prcb, &Prcb->Dpc);
    KiTickDpcQueue(Prcb, &Prcb->Processor->DpcThread.Queue);
}

static KDEFERRED_ROUTINE KiFlushRoutine;
static void NTAPI KiFlushRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

/* A DPC at the end of a queue runs after everything that stood there before. Of the two importances
 * that interrupt at once, High would go to the front, ahead of what is to be waited for. */
static void KiFlushDpcQueue(ULONG Number, KOBJECTS Type)
{
    KEVENT Done;
    KDPC Dpc;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    KiInitializeDpc(&Dpc, Type, KiFlushRoutine, &Done);
    KeSetTargetProcessorDpc(&Dpc, (CCHAR)Number);
    KeSetImportanceDpc(&Dpc, MediumHighImportance);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
}

void NTAPI KeFlushQueuedDpcs(void)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    for (ULONG Number = 0; Number < KeNumberProcessors; Number++) {
        KiFlushDpcQueue(Number, DpcObject);
        KiFlushDpcQueue(Number, ThreadedDpcObject);
    }
}

static void KiPrintDpcQueue(PKD_CONSOLE Console, ULONG Number, const char *Kind,
                            const KI_DPC_QUEUE *Queue)
{
    KdConsolePrint(Console, "%3u  %-8s %12llu %8u %9u  %p\n", Number, Kind, Queue->Count,
                   Queue->Depth, Queue->Rate, Queue->Running);
}

static NTSTATUS KiDpcsCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "CPU  kind           queued  waiting  per tick  running\n");
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        PKPRCB Prcb = KiProcessorBlock[i];
        KiPrintDpcQueue(Console, i, "ordinary", &Prcb->Dpc);
        KiPrintDpcQueue(Console, i, "threaded", &Prcb->Processor->DpcThread.Queue);
    }
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("dpcs", "", "DPC queues of all processors", KiDpcsCommand);
