/*
 * Interrupts into the kernel itself: what follows the stub for every vector that is no exception,
 * and the two software interrupts (APC 1Fh, dispatch 2Fh), which a processor sends to itself
 * through its local APIC. The APIC delivers them when CR8 drops below their level, whoever lowers
 * it, so no code has to look for pending requests when it lowers the IRQL.
 *
 * Order on entry, with interrupts off: raise CR8, then enable interrupts. In between nothing can
 * nest; after it only higher levels can. On the way out interrupts go off before EOI and CR8, so a
 * flood of interrupts cannot pile up frames. The software interrupts and IPIs are acknowledged
 * first: the dispatch interrupt may switch to another thread and come back much later, and a
 * request that arrives meanwhile must wait in the APIC as a new one.
 */
#include "hal.h"
#include "processor.h"

void KiHandleInterrupt(PKTRAP_FRAME Frame);

void KiRequestDispatchInterrupt(void)
{
    HalSendSelfIpi(KI_VECTOR_DISPATCH);
}

void KiRequestApcInterrupt(void)
{
    HalSendSelfIpi(KI_VECTOR_APC);
}

/* What DPCs and timers made ready is looked at once, after all of them. */
void KiDispatchInterrupt(PKPRCB Prcb)
{
    KiRetireDpcList(Prcb);
    if (Prcb->Processor->DpcThread.Requested) {
        KiWakeDpcThread(Prcb);
    }
    KiDispatchReschedule(Prcb);
    KiPerturbSwitch(KeGetCurrentPrcb());
}

static void KiHandleSoftwareInterrupt(PKPRCB Prcb, ULONG Vector)
{
    HalEndOfInterrupt();
    _enable();
    switch (Vector) {
    case KI_VECTOR_APC:
        KiDeliverApc(KernelMode);
        break;
    case KI_VECTOR_DISPATCH:
        KiDispatchInterrupt(Prcb);
        break;
    case KI_VECTOR_IPI:
        KiIpiInterrupt(Prcb);
        break;
    }
    _disable();
}

/* From trap.asm, interrupts off. After an APC or dispatch interrupt this may be another
 * processor. */
void KiHandleInterrupt(PKTRAP_FRAME Frame)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    ULONG Vector = (ULONG)Frame->Vector;

    Frame->PreviousIrql = KfRaiseIrql((KIRQL)(Vector >> 4));
    KI_TRACE_INCREMENT(IntEnter, Prcb->InterruptCount, Frame, 0, 0);
    Prcb->Processor->VectorCount[Vector] += 1;
    switch (Vector) {
    case KI_VECTOR_APC:
    case KI_VECTOR_DISPATCH:
    case KI_VECTOR_IPI:
        KiHandleSoftwareInterrupt(Prcb, Vector);
        break;
    case KI_VECTOR_CLOCK:
        _enable();
        KiClockInterrupt(Prcb, Frame->PreviousIrql);
        _disable();
        HalEndOfInterrupt();
        break;
    default:
        /* EOI last: a level-triggered line that is still up then is sent again at once, so the
         * service routine must have quieted its device before. */
        _enable();
        KiDispatchDeviceInterrupt(Prcb, Vector);
        _disable();
        HalEndOfInterrupt();
    }
    KI_TRACE_LOWER(IntLeave, Frame->PreviousIrql, Frame, 0);
}
