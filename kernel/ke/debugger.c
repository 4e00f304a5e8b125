/*
 * debugger.c - the machine stops for the debugger and goes on again.
 *
 * Three things stop it: a breakpoint or debug exception on some processor, a byte on the debugger's
 * line, which comes as an NMI, and a crash. The processor concerned becomes the owner
 * (KiDebugOwner), stops the others by NMI, and runs the stub (kd/stub) until that says how to go
 * on. The others stand still in their NMI handler, interrupts off, with their registers in
 * KiDebugProcessors.
 *
 *     CPU 0, thread          CPU 1, breakpoint              owner
 *     ...                    #BP: it owns the stop          1
 *     NMI: stands still  <-- stops the others
 *                            gdb: "step CPU 0"
 *     one instruction    <-- passes the ownership on        0
 *     #DB: serves gdb        stands still
 *     goes on            --> goes on                        nobody
 *
 * Two that stop at once: one becomes the owner, the other stands still and tries again afterwards.
 * A breakpoint of gdb's needs no memory for that: it goes back to its instruction first, and runs
 * into it once more if it is still there.
 *
 * Nothing here runs, and nobody asks, unless an exception has come.
 */
#include "debugger.h"
#include "debugstep.h"
#include "hal.h"
#include "kd.h"
#include "mm.h"
#include "processor.h"

#define COLLECT_LIMIT_100NS (1000 * 10000ULL) /* 1 s; an NMI needs microseconds */
#define COLLECT_LIMIT_SPINS 100000000         /* in case the counter is what broke */
#define CRASH_LIMIT_SPINS 1000000
#define FX_MXCSR 24 /* in the FXSAVE image */
#define OPCODE_INT3 0xCC
#define DR6_NONE 0xFFFF0FF0ULL
#define DR6_BREAKPOINTS 0xF

extern CHAR KiDebuggerTextStart[], KiDebuggerTextEnd[]; /* linker.ld */

KD_DEBUG_REGISTERS KiDebugRegisters = {.Control = KD_DR7_OFF};
static KD_PROCESSOR KiDebugProcessors[KI_MAX_PROCESSORS];
static volatile LONG KiDebugOwner;      /* o  processor number + 1; 0: everybody runs */
static volatile BOOLEAN KiDebugServing; /* the owner's: it is in the debugger, not in a step */
static BOOLEAN KiDebugAwaited;          /* the owner's: KiWaitForDebugger's breakpoint is due */
static BOOLEAN KiDebugCrashed;          /* the owner's: nobody can be stepped any more */
static volatile LONG KiNmiSent[KI_MAX_PROCESSORS]; /* o  one of ours is on its way */

BOOLEAN KiIsDebuggerCode(ULONG64 Address)
{
    return (Address >= (ULONG64)KiDebuggerTextStart && Address < (ULONG64)KiDebuggerTextEnd) ||
           (Address >= (ULONG64)KiTrapEntryStart && Address < (ULONG64)KiVectorStubsEnd);
}

PKD_PROCESSOR KiQueryStopped(ULONG Number)
{
    if (Number >= KI_MAX_PROCESSORS || KiProcessorBlock[Number] == NULL ||
        __atomic_load_n(&KiDebugProcessors[Number].Frame, __ATOMIC_ACQUIRE) == NULL) {
        return NULL;
    }
    return &KiDebugProcessors[Number];
}

static inline PKD_PROCESSOR KiCurrentDebugProcessor(void)
{
    return &KiDebugProcessors[KeGetCurrentPrcb()->Number];
}

static inline LONG KiDebugSelf(void)
{
    return (LONG)KeGetCurrentPrcb()->Number + 1;
}

BOOLEAN KiIsServingDebugger(void)
{
    return KiDebugServing && KiDebugOwner == KiDebugSelf();
}

/*** What a processor is, while it stands still ***/

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

static void KiWriteDr7(ULONG64 Value)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(Value));
}

/* Watchpoints are off while the debugger works, or it would run into them. */
void KiSaveStopped(PKTRAP_FRAME Frame)
{
    PKD_PROCESSOR Processor = KiCurrentDebugProcessor();

    KiWriteDr7(KD_DR7_OFF);
    __asm__ volatile("fxsave64 %0" : "=m"(Processor->Fx));
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
        memcpy(&Frame->MxCsr, Processor->Fx + FX_MXCSR, sizeof(Frame->MxCsr));
    }
    __atomic_store_n(&Processor->Frame, Frame, __ATOMIC_RELEASE);
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

static void KiRestoreStopped(void)
{
    PKD_PROCESSOR Processor = KiCurrentDebugProcessor();
    __atomic_store_n(&Processor->Frame, NULL, __ATOMIC_RELEASE);
    __asm__ volatile("fxrstor64 %0" : : "m"(Processor->Fx));
    KiLoadDebugRegisters();
}

/* Until everybody goes on, or this processor alone has to, for a step. A crash keeps it here for
 * ever. */
static void KiStandStill(void)
{
    LONG Self = KiDebugSelf();
    LONG Owner;

    while ((Owner = __atomic_load_n(&KiDebugOwner, __ATOMIC_ACQUIRE)) != 0 && Owner != Self) {
        KiFreezeForBugCheck(KiCurrentDebugProcessor()->Frame);
        YieldProcessor();
    }
    KiRestoreStopped();
}

/*** Single steps: how, is debugstep.c ***/

BOOLEAN KiIsStepping(void)
{
    return KiCurrentDebugProcessor()->Stepping;
}

/* The instruction that is stepped over has faulted: the handler sees the flags as they are. */
void KiSuspendStep(PKTRAP_FRAME Frame)
{
    if (KiIsStepping()) {
        KiRestoreStepFlags(KiCurrentDebugProcessor(), Frame);
    }
}

/* It is tried again, unless mm steps over it for its own purposes: then that ends both. */
void KiResumeStep(PKTRAP_FRAME Frame)
{
    if (KiIsStepping() && (Frame->EFlags & EFLAGS_TF) == 0) {
        Frame->EFlags = (Frame->EFlags & ~STEP_FLAGS) | EFLAGS_TF;
    }
}

/*** Stopping and going on ***/

static BOOLEAN KiIsCollected(PKPRCB Self)
{
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        PKPRCB Prcb = KiProcessorBlock[i];
        if (Prcb != NULL && Prcb != Self && Prcb->Started && KiQueryStopped(i) == NULL) {
            return FALSE;
        }
    }
    return TRUE;
}

/* One that does not come in time goes on running, and gdb is told so. */
static void KiCollectOthers(void)
{
    PKPRCB Self = KeGetCurrentPrcb();
    ULONG64 Deadline = HalQueryCounter100ns() + COLLECT_LIMIT_100NS;
    ULONG Spins = 0;

    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        KiNmiSent[i] = KiProcessorBlock[i] != NULL && KiProcessorBlock[i] != Self;
    }
    HalSendNmiToOthers();
    while (!KiIsCollected(Self) && HalQueryCounter100ns() < Deadline &&
           ++Spins < COLLECT_LIMIT_SPINS) {
        YieldProcessor();
    }
}

/* By the owner, with its own registers saved. Afterwards the owner is another, or nobody. */
static void KiServe(PKD_STOP Stop)
{
    KD_RESUME Resume;
    PKD_PROCESSOR Processor;

    for (;;) {
        KdServeDebugger(Stop, &Resume);
        Processor = Resume.Step && !KiDebugCrashed ? KiQueryStopped(Resume.Processor) : NULL;
        if (Processor == NULL) {
            KiDebugServing = FALSE;
            __atomic_store_n(&KiDebugOwner, 0, __ATOMIC_RELEASE);
            return;
        }
        if (KiArmStep(Processor)) {
            KiDebugServing = FALSE;
            __atomic_store_n(&KiDebugOwner, (LONG)Resume.Processor + 1, __ATOMIC_RELEASE);
            return;
        }
        Stop->Reason = KdStopStep;
        Stop->Processor = Resume.Processor;
    }
}

/* As the owner: everything from here until this processor goes on. */
static void KiRunStop(PKTRAP_FRAME Frame, PKD_STOP Stop, BOOLEAN Collected)
{
    KiDebugServing = TRUE;
    KiCurrentDebugProcessor()->Stepping = FALSE;
    KiSaveStopped(Frame);
    if (!Collected) {
        KiCollectOthers();
    }
    KiServe(Stop);
    KiStandStill();
    if (!KiIsStepping()) {
        KdListen();
    }
}

/*** Owning the debugger without a stop ***/

/* Whatever of its user's this processor meets from now on is passed over, and who sends an NMI has
 * to wait. A processor that is being stepped is the owner already. */
BOOLEAN KiOwnDebugger(void)
{
    LONG Self = KiDebugSelf();
    ULONG Spins = 0;
    LONG Owner;

    while ((Owner = InterlockedCompareExchange(&KiDebugOwner, Self, 0)) != 0 && Owner != Self) {
        if (KiDebugCrashed && ++Spins == CRASH_LIMIT_SPINS) {
            return FALSE; /* the owner is frozen */
        }
        YieldProcessor();
    }
    if (KiIsServingDebugger()) {
        return FALSE;
    }
    KiDebugServing = TRUE;
    return TRUE;
}

/* The step, if there is one, goes on: it ends here. */
void KiDisownDebugger(void)
{
    KiDebugServing = FALSE;
    if (KiIsStepping()) {
        __asm__ volatile("pushfq\n\torl %0, (%%rsp)\n\tpopfq" : : "i"(EFLAGS_TF) : "cc", "memory");
    } else {
        __atomic_store_n(&KiDebugOwner, 0, __ATOMIC_RELEASE);
        KdListen();
    }
}

void KiBeginCodeChange(void)
{
    KiOwnDebugger();
    KiWriteDr7(KD_DR7_OFF);
    KdLiftBreakpoints();
}

void KiEndCodeChange(void)
{
    KdInsertBreakpoints();
    KiLoadDebugRegisters();
    KiDisownDebugger();
}

/* Recurs: if another stop comes first, this one need not be remembered. */
static void KiStopMachine(PKTRAP_FRAME Frame, PKD_STOP Stop, BOOLEAN Recurs)
{
    LONG Self = KiDebugSelf();
    LONG Owner;

    Stop->Processor = KeGetCurrentPrcb()->Number;
    while ((Owner = InterlockedCompareExchange(&KiDebugOwner, Self, 0)) != 0 && Owner != Self) {
        KiSaveStopped(Frame);
        KiStandStill();
        if (Recurs || KiIsStepping()) {
            return;
        }
    }
    KiRunStop(Frame, Stop, Owner == Self);
}

/*** The exceptions ***/

/* The debugger's own code has run into something of its user's. */
static void KiTrapInDebugger(PKTRAP_FRAME Frame)
{
    if (Frame->Vector == KI_TRAP_BREAKPOINT && KdIsBreakpoint(Frame->Rip - 1)) {
        KdLiftBreakpoints();
        Frame->Rip -= 1;
    }
    Frame->EFlags &= ~EFLAGS_TF;
}

/* FALSE: the breakpoint is gone again, taken away by gdb while this processor was on its way
 * here. */
static BOOLEAN KiClassifyBreakpoint(PKTRAP_FRAME Frame, PKD_STOP Stop)
{
    UCHAR Byte;
    if (MmAccessForDebugger(Frame->Rip - 1, &Byte, 1, FALSE) == 1 && Byte != OPCODE_INT3) {
        Frame->Rip -= 1;
        return FALSE;
    }
    if (KdIsBreakpoint(Frame->Rip - 1)) {
        Frame->Rip -= 1;
        Stop->Reason = KdStopBreakpoint;
    } else {
        Stop->Reason = KiDebugAwaited ? KdStopAttach : KdStopTrap;
        KiDebugAwaited = FALSE;
    }
    return TRUE;
}

/* FALSE: a watchpoint that is gone again. */
static BOOLEAN KiClassifyDebugException(PKD_STOP Stop, BOOLEAN Stepped)
{
    ULONG64 Dr6;
    __asm__ volatile("mov %%dr6, %0" : "=r"(Dr6));
    __asm__ volatile("mov %0, %%dr6" : : "r"(DR6_NONE));
    if ((Dr6 & DR6_BREAKPOINTS) == 0 || Stepped) {
        Stop->Reason = Stepped ? KdStopStep : KdStopTrap;
        return TRUE;
    }
    Stop->Reason = KdStopHardware;
    Stop->Address = (ULONG64)__builtin_ctzll(Dr6);
    return (BOOLEAN)(KiDebugRegisters.Control >> (2 * Stop->Address + 1) & 1);
}

BOOLEAN KiDebugTrap(PKTRAP_FRAME Frame)
{
    PKD_PROCESSOR Processor = KiCurrentDebugProcessor();
    BOOLEAN Stepped = Processor->Stepping;
    KD_STOP Stop = {.Address = 0};

    if (KiIsServingDebugger()) {
        KiTrapInDebugger(Frame);
        return TRUE;
    }
    if (Stepped && Frame->Vector == KI_TRAP_DEBUG) {
        KiFinishStep(Processor, Frame);
    } else if (Stepped) {
        KiRestoreStepFlags(Processor, Frame);
    }
    if (Frame->Vector == KI_TRAP_BREAKPOINT) {
        if (!KiClassifyBreakpoint(Frame, &Stop)) {
            return TRUE;
        }
    } else if (!KiClassifyDebugException(&Stop, Stepped)) {
        return TRUE;
    }
    if (!Stepped && Stop.Reason != KdStopAttach && !KdIsDebuggerPresent()) {
        return FALSE;
    }
    KiStopMachine(Frame, &Stop, Stop.Reason == KdStopBreakpoint);
    return TRUE;
}

void KiDebugFault(PKTRAP_FRAME Frame)
{
    if (KiIsServingDebugger()) {
        KdAbandonRequest();
    }
    KiSuspendStep(Frame);
}

/* As the owner for a moment: nobody else reads the line meanwhile. TRUE: it had something to
 * say. */
static BOOLEAN KiLookAtLine(PKTRAP_FRAME Frame)
{
    LONG Self = KiDebugSelf();
    KD_STOP Stop = {.Processor = KeGetCurrentPrcb()->Number};
    BOOLEAN Ours = TRUE;

    if (!KdIsDebuggerPossible() || InterlockedCompareExchange(&KiDebugOwner, Self, 0) != 0) {
        return FALSE;
    }
    if (!KdPollDebugger(&Ours, &Stop.Reason)) {
        __atomic_store_n(&KiDebugOwner, 0, __ATOMIC_RELEASE);
    } else if (Stop.Reason != KdStopCrash) {
        KiRunStop(Frame, &Stop, FALSE);
    } else {
        __atomic_store_n(&KiDebugOwner, 0, __ATOMIC_RELEASE);
        if (!KiDebugCrashed) {
            KiBugCheck(MANUALLY_INITIATED_CRASH, 0, 0, 0, 0, Frame);
        }
    }
    return Ours;
}

BOOLEAN KiDebugNmi(PKTRAP_FRAME Frame)
{
    ULONG Number = KeGetCurrentPrcb()->Number;
    BOOLEAN Ours = InterlockedExchange(&KiNmiSent[Number], 0) != 0;
    LONG Owner;

    if (KiCurrentDebugProcessor()->Frame != NULL) {
        return TRUE; /* it stands still already */
    }
    Ours |= KiLookAtLine(Frame);
    Owner = __atomic_load_n(&KiDebugOwner, __ATOMIC_ACQUIRE);
    if (Owner != 0 && Owner != KiDebugSelf()) {
        KiSaveStopped(Frame);
        KiStandStill();
        return TRUE;
    }
    return Ours || Owner != 0;
}

/* The others stand still for good. One of them may have been in the debugger, which is this one's
 * now. */
void KiDebugBugCheck(ULONG Code, PKTRAP_FRAME Frame)
{
    KD_STOP Stop = {KdStopBugCheck, KeGetCurrentPrcb()->Number, Code};

    KiDebugCrashed = TRUE;
    if (KdIsDebuggerPresent()) {
        KdPrintf("\n*** Fatal system error 0x%08X: stopped in the debugger\n", Code);
        __atomic_store_n(&KiDebugOwner, KiDebugSelf(), __ATOMIC_RELEASE);
        KiRunStop(Frame, &Stop, TRUE);
    }
}

void KiDebugAfterCrash(PKTRAP_FRAME Frame)
{
    while (KdIsDebuggerPossible()) {
        KiLookAtLine(Frame);
        YieldProcessor();
    }
}

void KiWaitForDebugger(void)
{
    KiDebugAwaited = TRUE;
    __asm__ volatile("int3" : : "r"(__builtin_frame_address(0)) : "memory");
}
