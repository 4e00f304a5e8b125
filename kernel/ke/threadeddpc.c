/*
 * Threaded DPCs: DPCs that run in a thread instead of the dispatch interrupt.
 *
 * Each processor has a thread of the highest priority, bound to it, and a queue for it. The routine
 * is called at PASSIVE_LEVEL: ordinary DPCs and the dispatcher go on beside it, so it may take long
 * without holding up others, but it is still first among threads and one at a time on its
 * processor.
 *
 * Whoever queues one may be at any IRQL and cannot set an event. He sets Requested and asks for a
 * dispatch interrupt there, which sets Wake. Active is cleared under the queue's lock, and only
 * when the queue is empty; so a DPC is queued either before the thread's last look or with a new
 * request.
 */
#include <ntddk.h>
#include "processor.h"
#include "ps.h"

void KiWakeDpcThread(PKPRCB Prcb)
{
    PKI_DPC_THREAD Thread = &Prcb->Processor->DpcThread;

    /* Before the event: what is queued after this asks anew. */
    Thread->Requested = FALSE;
    KeSetEvent(&Thread->Wake, IO_NO_INCREMENT, FALSE);
}

static KSTART_ROUTINE KiDpcThread;
static VOID NTAPI KiDpcThread(PVOID Context)
{
    PKPRCB Prcb = Context;
    PKI_DPC_THREAD Thread = &Prcb->Processor->DpcThread;
    KI_DPC_CALL Call;

    KeSetSystemAffinityThread(Prcb->SetMember);
    Thread->Started = TRUE;
    for (;;) {
        KeWaitForSingleObject(&Thread->Wake, Executive, KernelMode, FALSE, NULL);
        Thread->Active = TRUE;
        while (KiTakeDpc(&Thread->Queue, &Thread->Active, &Call)) {
            KiCallDpc(&Call);
        }
    }
}

void KiStartDpcThreads(void)
{
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        PKPRCB Prcb = KiProcessorBlock[i];
        PKI_DPC_THREAD Thread = &Prcb->Processor->DpcThread;
        NTSTATUS Status;

        KeInitializeEvent(&Thread->Wake, SynchronizationEvent, FALSE);
        Status = PsCreateKernelThread("threaded DPCs", HIGH_PRIORITY, KiDpcThread, Prcb, NULL);
        if (!NT_SUCCESS(Status)) {
            KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG_PTR)(LONG_PTR)Status, 0, 0, 0);
        }
        while (!Thread->Started) {
            KeYieldExecution();
        }
    }
}

/* At DISPATCH_LEVEL already, in an ordinary DPC, raising changes nothing. */
KIRQL NTAPI KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    return KeAcquireSpinLockRaiseToDpc(SpinLock);
}

void NTAPI KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    KeReleaseSpinLock(SpinLock, OldIrql);
}
