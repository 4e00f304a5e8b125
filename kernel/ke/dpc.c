/*
 * Deferred procedure calls: one queue per processor, retired by the dispatch interrupt there.
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
 * The others wait for the target's next clock tick at most.
 */
#include <ntddk.h>
#include "hal.h"
#include "kd.h"
#include "ldr.h"
#include "processor.h"

#define TARGET_BASE 0x500 /* KDPC.Number: this plus the processor, once a target was set */
#define MAXIMUM_DEPTH 4   /* Windows' defaults: MaximumDpcQueueDepth, MinimumDpcRate */
#define MINIMUM_RATE 3

void KiInitializeDpcQueue(PKPRCB Prcb)
{
    InitializeListHead(&Prcb->Dpc.ListHead);
}

void NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    Dpc->Type = DpcObject;
    Dpc->Importance = MediumImportance;
    Dpc->Number = 0;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
    Dpc->DpcData = NULL;
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

/* A target that never started would keep the DPC for ever: it goes to this processor instead. */
static PKPRCB KiDpcTarget(const KDPC *Dpc)
{
    ULONG Number = Dpc->Number - TARGET_BASE;

    if (Dpc->Number >= TARGET_BASE && Number < KeNumberProcessors) {
        return KiProcessorBlock[Number];
    }
    return KeGetCurrentPrcb();
}

/* The queue's lock is held. */
static BOOLEAN KiDpcWantsInterrupt(PKPRCB Target, UCHAR Importance)
{
    const KI_DPC_QUEUE *Queue = &Target->Dpc;

    if (Target->DpcActive) {
        return FALSE; /* the loop there will find it */
    }
    if (Importance == HighImportance || Importance == MediumHighImportance) {
        return TRUE;
    }
    /* A target that becomes idle has one more tick armed, which looks at Depth; the fence makes sure
     * that either it sees this DPC or the test below sees it idle. */
    KeMemoryBarrier();
    if (Queue->Depth >= MAXIMUM_DEPTH || Target->CurrentThread == Target->IdleThread) {
        return TRUE;
    }
    return Target == KeGetCurrentPrcb() &&
           (Importance == MediumImportance || Queue->Rate < MINIMUM_RATE);
}

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    PKPRCB Target = KiDpcTarget(Dpc);
    PKI_DPC_QUEUE Queue = &Target->Dpc;
    BOOLEAN Interrupt = FALSE;
    BOOLEAN Inserted = FALSE;

    KiAcquireRawLock(&Queue->Lock);
    if (InterlockedCompareExchangePointer(&Dpc->DpcData, Queue, NULL) == NULL) {
        Inserted = TRUE;
        Dpc->SystemArgument1 = SystemArgument1;
        Dpc->SystemArgument2 = SystemArgument2;
        if (Dpc->Importance == HighImportance) {
            InsertHeadList(&Queue->ListHead, &Dpc->DpcListEntry);
        } else {
            InsertTailList(&Queue->ListHead, &Dpc->DpcListEntry);
        }
        Queue->Depth += 1;
        Queue->Count += 1;
        Interrupt = KiDpcWantsInterrupt(Target, Dpc->Importance);
    }
    KiReleaseRawLock(&Queue->Lock);
    /* From here on the DPC may have run and be gone. */
    if (Interrupt) {
        KiSendIpi(Target->Number, KIPI_RESCHEDULE);
    }
    KiRestoreInterrupts(Enabled);
    return Inserted;
}

/* Takes Dpc out of Queue, whose lock is held. */
static void KiUnlinkDpc(PKI_DPC_QUEUE Queue, PKDPC Dpc)
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

/* What is needed of a DPC to call it: the object may be gone as soon as it is out of the queue. */
typedef struct _KI_DPC_CALL {
    PKDPC Dpc;
    PKDEFERRED_ROUTINE Routine;
    PVOID Context, Argument1, Argument2;
} KI_DPC_CALL;

/* Takes the first DPC; when there is none, ends the loop while nobody can queue another. */
static BOOLEAN KiTakeDpc(PKPRCB Prcb, KI_DPC_CALL *Call)
{
    PKI_DPC_QUEUE Queue = &Prcb->Dpc;
    BOOLEAN Found = FALSE;

    _disable();
    KiAcquireRawLock(&Queue->Lock);
    if (IsListEmpty(&Queue->ListHead)) {
        Queue->Running = NULL;
        Prcb->DpcActive = FALSE;
    } else {
        PKDPC Dpc = CONTAINING_RECORD(Queue->ListHead.Flink, KDPC, DpcListEntry);
        *Call = (KI_DPC_CALL){Dpc, Dpc->DeferredRoutine, Dpc->DeferredContext, Dpc->SystemArgument1,
                              Dpc->SystemArgument2};
        Queue->Running = Dpc;
        KiUnlinkDpc(Queue, Dpc);
        Found = TRUE;
    }
    KiReleaseRawLock(&Queue->Lock);
    _enable();
    return Found;
}

static void KiCallDpc(const KI_DPC_CALL *Call)
{
    Call->Routine(Call->Dpc, Call->Context, Call->Argument1, Call->Argument2);
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, KeGetCurrentIrql() << 16 | DISPATCH_LEVEL << 8, 0,
                     (ULONG_PTR)Call->Routine, (ULONG_PTR)Call->Dpc);
    }
}

/*
 * At DISPATCH_LEVEL, interrupts on. What is queued while DpcActive is set relies on this loop to find
 * it, instead of an interrupt. Timers come first each time: a DPC that always queues itself again
 * must not keep them from expiring.
 */
void KiRetireDpcList(PKPRCB Prcb)
{
    KI_DPC_CALL Call;

    Prcb->DpcActive = TRUE;
    for (;;) {
        if (Prcb->TimerRequest) {
            KiTimerExpiration(Prcb);
        }
        if (!KiTakeDpc(Prcb, &Call)) {
            return; /* the clock asks for another dispatch interrupt should a timer be due now */
        }
        KiCallDpc(&Call);
    }
}

/* From the clock interrupt. */
void KiTickDpcQueue(PKPRCB Prcb)
{
    PKI_DPC_QUEUE Queue = &Prcb->Dpc;
    ULONG64 Count = Queue->Count;

    Queue->Rate = (ULONG)(Count - Queue->LastCount + Queue->Rate) / 2;
    Queue->LastCount = Count;
    if (Queue->Depth != 0 && !Prcb->DpcActive) {
        KiRequestDispatchInterrupt();
    }
}

static KDEFERRED_ROUTINE KiFlushRoutine;
static void NTAPI KiFlushRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

/* A DPC at the end of each queue runs after everything that stood there before. */
void NTAPI KeFlushQueuedDpcs(void)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    for (ULONG Number = 0; Number < KeNumberProcessors; Number++) {
        KEVENT Done;
        KDPC Dpc;
        KeInitializeEvent(&Done, NotificationEvent, FALSE);
        KeInitializeDpc(&Dpc, KiFlushRoutine, &Done);
        KeSetTargetProcessorDpc(&Dpc, (CCHAR)Number);
        KeSetImportanceDpc(&Dpc, MediumHighImportance);
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    }
}

static NTSTATUS KiDpcsCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "CPU       queued  waiting  per tick  running\n");
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        const KI_DPC_QUEUE *Queue = &KiProcessorBlock[i]->Dpc;
        KdConsolePrint(Console, "%3u %12llu %8u %9u  %p\n", i, Queue->Count, Queue->Depth,
                       Queue->Rate, Queue->Running);
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("dpcs", "", "DPC queues of all processors", KiDpcsCommand);
