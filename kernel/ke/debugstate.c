/*
 * debugstate.c - what a processor is while it stands still for the debugger.
 *
 * Its general registers are in the frame of the exception by which it stopped; the rest is kept
 * here by itself, and what gdb has changed of it is loaded when it goes on. The debug registers are
 * the same on all processors, and off while one stands, or the debugger would run into them.
 */
#include "debugstate.h"
#include "debugger.h"
#include "processor.h"

#define FX_MXCSR 24 /* in the FXSAVE image */
#define DR6_NONE 0xFFFF0FF0ULL
#define DR7_IS_ON(Control, Number) ((Control) >> (2 * (Number) + 1) & 1)
#define DR7_ACCESS(Control, Number) ((Control) >> (16 + 4 * (Number)) & 3) /* 0: execution */

KD_DEBUG_REGISTERS KiDebugRegisters = {.Control = KD_DR7_OFF};
KD_PROCESSOR KiDebugProcessors[KI_MAX_PROCESSORS];

PKD_PROCESSOR KiQueryStopped(ULONG Number)
{
    if (Number >= KI_MAX_PROCESSORS || KiProcessorBlock[Number] == NULL ||
        __atomic_load_n(&KiDebugProcessors[Number].Frame, __ATOMIC_ACQUIRE) == NULL) {
        return NULL;
    }
    return &KiDebugProcessors[Number];
}

#define KI_SEGMENT(Name)                                                                           \
    static ULONG KiRead##Name(void)                                                                \
    {                                                                                              \
        ULONG Value;                                                                               \
        __asm__ volatile("movl %%" #Name ", %0" : "=r"(Value));                                    \
        return Value & 0xFFFF;                                                                     \
    }
KI_SEGMENT(ds)
KI_SEGMENT(es)
KI_SEGMENT(fs)
KI_SEGMENT(gs)

void KiWriteDr7(ULONG64 Value)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(Value));
}

ULONG64 KiTakeDr6(void)
{
    ULONG64 Dr6;

    __asm__ volatile("mov %%dr6, %0" : "=r"(Dr6));
    __asm__ volatile("mov %0, %%dr6" : : "r"(DR6_NONE));
    return Dr6;
}

/* Watchpoints are off while the debugger works, or it would run into them.
 *
 * An NMI may come while the processor leaves a stop: then Fx is what it will leave with, and so
 * with what gdb has changed, whether that has been loaded or not. And it leaves no more: who stops
 * it need not wait until it has. */
void KiSaveStopped(PKTRAP_FRAME Frame)
{
    PKD_PROCESSOR Processor = KiCurrentDebugProcessor();

    KiWriteDr7(KD_DR7_OFF);
    if (!Processor->Leaving) {
        __asm__ volatile("fxsave64 %0" : "=m"(Processor->Fx));
    }
    Processor->Cr0 = __readcr0();
    Processor->Cr2 = __readcr2();
    Processor->Cr3 = __readcr3();
    Processor->Cr4 = __readcr4();
    Processor->Cr8 = Frame->PreviousIrql;
    Processor->Efer = __readmsr(MSR_EFER);
    Processor->FsBase = __readmsr(MSR_FS_BASE);
    Processor->GsBase = __readmsr(MSR_GS_BASE);
    Processor->KernelGsBase = __readmsr(MSR_KERNEL_GS_BASE);
    Processor->Ds = KiReadds();
    Processor->Es = KiReades();
    Processor->Fs = KiReadfs();
    Processor->Gs = KiReadgs();
    if (Frame->Vector == KI_NO_VECTOR) {
        Frame->MxCsr = *(PULONG)(Processor->Fx + FX_MXCSR);
    }
    __atomic_store_n(&Processor->Frame, Frame, __ATOMIC_RELEASE);
    __atomic_store_n(&Processor->Leaving, FALSE, __ATOMIC_RELEASE);
}

void KiLoadDebugRegisters(void)
{
    const KD_DEBUG_REGISTERS *From = &KiDebugRegisters;

    if (From->Control != KD_DR7_OFF) {
        __asm__ volatile("mov %0, %%dr0" : : "r"(From->Address[0]));
        __asm__ volatile("mov %0, %%dr1" : : "r"(From->Address[1]));
        __asm__ volatile("mov %0, %%dr2" : : "r"(From->Address[2]));
        __asm__ volatile("mov %0, %%dr3" : : "r"(From->Address[3]));
        KiWriteDr7(From->Control);
    }
}

void KiRestoreStopped(void)
{
    PKD_PROCESSOR Processor = KiCurrentDebugProcessor();

    __asm__ volatile("fxrstor64 %0" : : "m"(Processor->Fx));
    __atomic_store_n(&Processor->Frame, NULL, __ATOMIC_RELEASE);
    __atomic_store_n(&Processor->Leaving, FALSE, __ATOMIC_RELEASE);
}

/*** Debug registers ***/

BOOLEAN KiIsWatched(const KD_STOP *Stop)
{
    return DR7_IS_ON(KiDebugRegisters.Control, Stop->Address) != 0;
}

BOOLEAN KiRecurs(const KD_STOP *Stop)
{
    return Stop->Reason == KdStopBreakpoint ||
           (Stop->Reason == KdStopHardware &&
            (!KiIsWatched(Stop) || DR7_ACCESS(KiDebugRegisters.Control, Stop->Address) == 0));
}
