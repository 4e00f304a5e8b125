/*
 * Memory that is used for something else while the kernel still has it in a list (debug kernel
 * only).
 *
 * An armed timer and a queued DPC are links of a list, and so is an event for which somebody waits.
 * To initialise one of these again, or to free the memory around it, breaks that list later, far
 * from the mistake. Memory that was never initialised may hold anything, so an object counts as in
 * use only if both neighbours in its list are valid memory and point back to it: a copy or
 * left-over bytes do not pass. The neighbours are read without a lock: whoever changes the list
 * meanwhile does so because of a mistake too, or for some other object beside this one, and then
 * either answer of the comparison is harmless as long as the object itself stays in the list.
 */
#include "ke.h"
#include "kd.h"
#include "kidebug.h"
#include "mm.h"

#if DBG

#define INVALID_TIMER 0 /* TIMER_OR_DPC_INVALID: which of the two */
#define INVALID_DPC 1

static BOOLEAN KiIsKernelMemory(const LIST_ENTRY *Link)
{
    return (LONG_PTR)Link < 0 && ((ULONG_PTR)Link & (sizeof(PVOID) - 1)) == 0 &&
           MmIsRangeValid(Link, sizeof(*Link));
}

/* In a list, and not alone in it. */
static BOOLEAN KiIsLinked(const LIST_ENTRY *Link)
{
    return Link->Flink != Link && KiIsKernelMemory(Link->Flink) && KiIsKernelMemory(Link->Blink) &&
           Link->Flink->Blink == Link && Link->Blink->Flink == Link;
}

static BOOLEAN KiIsArmedTimer(const KTIMER *Timer)
{
    return (Timer->Header.Type == TimerNotificationObject ||
            Timer->Header.Type == TimerSynchronizationObject) &&
           Timer->Header.Size == sizeof(KTIMER) / sizeof(ULONG) && Timer->Header.Inserted == TRUE &&
           KiIsLinked(&Timer->TimerListEntry);
}

static BOOLEAN KiIsQueuedDpc(const KDPC *Dpc)
{
    return (Dpc->Type == DpcObject || Dpc->Type == ThreadedDpcObject) && Dpc->DpcData != NULL &&
           KiIsLinked(&Dpc->DpcListEntry);
}

static DECLSPEC_NORETURN void KiReportReuse(ULONG Kind, const void *Object, PVOID Start, PVOID End)
{
    KdPrintf("*** %s %p\n", Kind == INVALID_TIMER ? "armed timer" : "queued DPC", Object);
    KeBugCheckEx(TIMER_OR_DPC_INVALID, Kind, (ULONG_PTR)Object, (ULONG_PTR)Start, (ULONG_PTR)End);
}

void KiCheckFreedMemory(PVOID Start, SIZE_T Length)
{
    PUCHAR End = (PUCHAR)Start + Length;

    MmCheckFreedMemory(Start, End);
    if (MmIsVanishing() && MmQueryPoolKind(Start) == 1) {
        return; /* a timer or a DPC there would have stopped the machine long ago */
    }
    for (PUCHAR At = Start; At + sizeof(KDPC) <= End; At += sizeof(PVOID)) {
        if (KiIsArmedTimer((PKTIMER)At)) {
            KiReportReuse(INVALID_TIMER, At, Start, End);
        }
        if (KiIsQueuedDpc((PKDPC)At)) {
            KiReportReuse(INVALID_DPC, At, Start, End);
        }
    }
}
C_ASSERT(sizeof(KTIMER) == sizeof(KDPC));

void KiCheckNewTimer(PKTIMER Timer)
{
    if (KiIsArmedTimer(Timer)) {
        KiReportReuse(INVALID_TIMER, Timer, Timer, Timer + 1);
    }
}

void KiCheckNewDpc(PKDPC Dpc)
{
    if (KiIsQueuedDpc(Dpc)) {
        KiReportReuse(INVALID_DPC, Dpc, Dpc, Dpc + 1);
    }
}

void KiCheckNewEvent(PKEVENT Event)
{
    const DISPATCHER_HEADER *Header = &Event->Header;

    if (Header->Type <= EventSynchronizationObject &&
        Header->Size == sizeof(KEVENT) / sizeof(ULONG) && KiIsLinked(&Header->WaitListHead)) {
        PKWAIT_BLOCK Block =
            CONTAINING_RECORD(Header->WaitListHead.Flink, KWAIT_BLOCK, WaitListEntry);
        KdPrintf("*** event %p, for which thread %p waits, is initialised again\n", Event,
                 Block->Thread);
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, KI_CHECK_INITIALIZED_TWICE,
                     (ULONG_PTR)Event, (ULONG_PTR)Block->Thread, 0);
    }
}

#endif
