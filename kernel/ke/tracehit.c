/*
 * tracehit.c - what is worth keeping of a trace point: from the arguments that stood in registers
 * there to an event.
 *
 * Each point passes the objects it has at hand, before its instruction has been executed, with the
 * locks held that it holds; so what is read here of the objects is right if it would be right
 * there. An IRP that has been called down may be gone when the call returns: from then on it is an
 * address.
 */
#include "dispatch.h"
#include "ex.h"
#include "processor.h"
#include "tracering.h"

static ULONG KiIdOf(PKTHREAD Thread)
{
    return (ULONG)(ULONG_PTR)Thread->Cid.UniqueThread;
}

/* For the form 'w'. */
static ULONG KiActivityOf(PKTHREAD Thread)
{
    return Thread->State | (ULONG)(Thread->State == Waiting ? Thread->WaitReason : 0) << 8;
}

/* A: the thread switched to. Its first time is also when its name becomes known. */
static void KiTraceSwitchTo(PKTHREAD New)
{
    if (New->ContextSwitches <= 1) {
        KiNoteTraceThread(New);
    }
    KiPutTraceEvent(KiTraceSwitch, (ULONG)max(New->Priority, 0), KiIdOf(New),
                    KiActivityOf(KeGetCurrentThread()));
}

static void KiTraceBlocking(PKTHREAD Thread)
{
    PVOID Object = Thread->WaitBlockCount != 0 ? Thread->WaitBlockList[0].Object : NULL;

    KiPutTraceEvent(KiTraceWaitBegin, Thread->WaitBlockCount, (ULONG_PTR)Object,
                    Thread->WaitTimerActive);
}

/* The object by which a wait for any ended, else the first one. A thread of a queue gets a pointer
 * for its status. */
static void KiTraceWaking(PKTHREAD Thread, LONG_PTR Status)
{
    ULONG Index = (ULONG_PTR)Status < MAXIMUM_WAIT_OBJECTS ? (ULONG)Status : 0;
    PKWAIT_BLOCK Blocks = Thread->WaitBlockList;

    if (Status != (USHORT)Status) {
        Status = STATUS_SUCCESS;
    }
    KiPutTraceEvent(KiTraceWaitEnd, (ULONG)Status,
                    Blocks != NULL ? (ULONG_PTR)Blocks[Index].Object : 0, KiIdOf(Thread));
}

/* Dispatcher objects and scheduling: A is a thread. */
static void KiTraceThreads(const KI_TRACE_HIT *Hit)
{
    PKTHREAD Thread = (PKTHREAD)Hit->A;

    switch (Hit->Kind) {
    case KiTraceSwitch:
        KiTraceSwitchTo(Thread);
        break;
    case KiTraceWaitBegin:
        KiTraceBlocking(Thread);
        break;
    case KiTraceWaitEnd:
        KiTraceWaking(Thread, (LONG_PTR)Hit->B);
        break;
    case KiTraceReady:
        KiPutTraceEvent(KiTraceReady, ((PKPRCB)Hit->B)->Number, KiIdOf(Thread),
                        KiActivityOf(Thread));
    }
}

/* Interrupts and deferred calls. */
static void KiTraceCalls(const KI_TRACE_HIT *Hit)
{
    switch (Hit->Kind) {
    case KiTraceIntEnter:
    case KiTraceIntLeave: {
        PKTRAP_FRAME Frame = (PKTRAP_FRAME)Hit->A;
        KiPutTraceEvent((ULONG)Hit->Kind, (ULONG)Frame->Vector,
                        Hit->Kind == KiTraceIntEnter ? Frame->Rip : Frame->PreviousIrql, 0);
        break;
    }
    case KiTraceIrqlRaise:
    case KiTraceIrqlLower:
        KiPutTraceEvent((ULONG)Hit->Kind, (ULONG)Hit->C, Hit->A, 0);
        break;
    case KiTraceApcQueue: {
        PKAPC Apc = (PKAPC)Hit->A;
        KiPutTraceEvent(KiTraceApcQueue, (UCHAR)Apc->ApcMode, KiIdOf(Apc->Thread),
                        (ULONG_PTR)KiRoutineOfApc(Apc));
        break;
    }
    case KiTraceApcRun:
        KiPutTraceEvent(KiTraceApcRun, 0, Hit->A, (ULONG_PTR)KiRoutineOfApc((PKAPC)Hit->A));
        break;
    case KiTraceDpcQueue: {
        PKDPC Dpc = (PKDPC)Hit->A;
        KiPutTraceEvent(KiTraceDpcQueue, ((PKPRCB)Hit->B)->Number, Hit->A,
                        (ULONG_PTR)Dpc->DeferredRoutine);
        break;
    }
    case KiTraceIsrEnd: /* a byte, in a register that holds more */
        KiPutTraceEvent(KiTraceIsrEnd, (UCHAR)Hit->C, Hit->A, 0);
        break;
    case KiTraceApcEnd: /* B, the copy: not after the kernel routine, if a normal one follows */
        if (Hit->B == 0 || ((PKAPC)Hit->B)->NormalRoutine == NULL) {
            KiPutTraceEvent(KiTraceApcEnd, 0, Hit->A, 0);
        }
        break;
    case KiTracePoolAllocate:
    case KiTracePoolFree:
        KiPutTraceEvent((ULONG)Hit->Kind, 0, Hit->A,
                        Hit->B != 0 ? (ULONG)Hit->B | Hit->C << 32
                                    : ExDescribePoolBlock((PVOID)Hit->A));
        break;
    default:
        KiPutTraceEvent((ULONG)Hit->Kind, (ULONG)Hit->C, Hit->A, Hit->B);
    }
}

/* A: an IRP. */
static void KiTraceIrps(const KI_TRACE_HIT *Hit)
{
    ULONG64 Second = Hit->B;
    ULONG Extra = (ULONG)Hit->C;

    if (Hit->Kind == KiTraceIrpComplete) {
        Second = (ULONG)((PIRP)Hit->A)->IoStatus.Status;
    } else if (Hit->Kind == KiTraceIrpReturn || Hit->Kind == KiTraceIrpRoutineEnd) {
        Second = (ULONG)Second;
    } else if (Hit->Kind == KiTraceIrpCall) {
        Extra = ((PIO_STACK_LOCATION)Hit->C)->MajorFunction;
    }
    KiPutTraceEvent((ULONG)Hit->Kind, Extra, Hit->A, Second);
}

void KiTraceHit(const KI_TRACE_HIT *Hit)
{
    BOOLEAN Enabled = KiDisableInterrupts();

    if (KiTraceGroups() == 0) {
        KiRestoreInterrupts(Enabled); /* stopped since the point was reached */
        return;
    }
    switch (Hit->Kind) {
    case KiTraceSwitch:
    case KiTraceWaitBegin:
    case KiTraceWaitEnd:
    case KiTraceReady:
        KiTraceThreads(Hit);
        break;
    case KiTraceIrpAllocate:
    case KiTraceIrpCall:
    case KiTraceIrpReturn:
    case KiTraceIrpRoutine:
    case KiTraceIrpRoutineEnd:
    case KiTraceIrpComplete:
    case KiTraceIrpFree:
        KiTraceIrps(Hit);
        break;
    default:
        KiTraceCalls(Hit);
    }
    KiRestoreInterrupts(Enabled);
}
