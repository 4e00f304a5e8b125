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
 * The debugger runs in text of its own, which breakpoints are refused in, and lifts those there are
 * before it leaves it. So none is met by who serves it, but between the beginning of a stop and the
 * lifting: that does no harm. When the machine runs, what sends gdb a text and what looks at its
 * line keep to that text, and no breakpoint has to go for them.
 *
 * Nothing here runs, and nobody asks, unless an exception has come.
 */
#include "debugger.h"
#include "debugstate.h"
#include "debugstep.h"
#include "hal.h"
#include "kd.h"
#include "mm.h"
#include "processor.h"

#define COLLECT_LIMIT_100NS (10000 * 10000ULL) /* as for a bugcheck */
#define COLLECT_LIMIT_SPINS 100000000          /* in case the counter is what broke */
#define CRASH_LIMIT_SPINS 1000000
#define OPCODE_INT3 0xCC
#define DR6_BREAKPOINTS 0xF

extern CHAR KiDebuggerTextStart[], KiDebuggerTextEnd[]; /* linker.ld */

static volatile LONG KiDebugOwner;      /* o  processor number + 1; 0: everybody runs */
static volatile BOOLEAN KiDebugServing; /* the owner's: it is in the debugger, not in a step */
static BOOLEAN KiDebugAwaited;          /* the owner's: KiWaitForDebugger's breakpoint is due */
static BOOLEAN KiDebugCrashed;          /* the owner's: nobody can be stepped any more */
static volatile LONG KiNmiSent[KI_MAX_PROCESSORS]; /* o  one of ours is on its way to it */

BOOLEAN KiIsDebuggerCode(ULONG64 Address)
{
    return (Address >= (ULONG64)KiDebuggerTextStart && Address < (ULONG64)KiDebuggerTextEnd) ||
           (Address >= (ULONG64)KiTrapEntryStart && Address < (ULONG64)KiVectorStubsEnd);
}

static inline LONG KiDebugSelf(void)
{
    return (LONG)KeGetCurrentPrcb()->Number + 1;
}

BOOLEAN KiIsServingDebugger(void)
{
    return KiDebugServing && KiDebugOwner == KiDebugSelf();
}

static BOOLEAN KiIsOwnedByAnother(void)
{
    LONG Owner = __atomic_load_n(&KiDebugOwner, __ATOMIC_SEQ_CST);
    return Owner != 0 && Owner != KiDebugSelf();
}

/* Until everybody goes on, or this processor alone has to, for a step. A crash keeps it here for
 * ever.
 *
 * The next stop may come at once. Its owner takes the ownership and then looks who stands; here one
 * says that it leaves and then looks whether somebody has become the owner. So at least one of them
 * sees the other. */
static void KiStandStill(void)
{
    PKD_PROCESSOR Processor = KiCurrentDebugProcessor();
    PKTRAP_FRAME Frame = Processor->Frame;

    for (;;) {
        while (KiIsOwnedByAnother()) {
            KiFreezeForBugCheck(Frame);
            YieldProcessor();
        }
        __atomic_store_n(&Processor->Leaving, TRUE, __ATOMIC_SEQ_CST);
        if (!KiIsOwnedByAnother()) {
            break;
        }
        __atomic_store_n(&Processor->Frame, Frame, __ATOMIC_RELEASE); /* an NMI has taken it */
        __atomic_store_n(&Processor->Leaving, FALSE, __ATOMIC_RELEASE);
    }
    KiRestoreStopped();
}

/*** Stopping and going on ***/

/* Another one that runs, or will. One that leaves has no frame when it says that it has left. */
static BOOLEAN KiIsMissing(ULONG Number, PKPRCB Self)
{
    PKPRCB Prcb = KiProcessorBlock[Number];

    return Prcb != NULL && Prcb != Self && Prcb->Started &&
           (__atomic_load_n(&KiDebugProcessors[Number].Leaving, __ATOMIC_ACQUIRE) ||
            KiQueryStopped(Number) == NULL);
}

static BOOLEAN KiIsCollected(PKPRCB Self)
{
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        if (KiIsMissing(i, Self)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* An NMI that is late, since its processor stood still already, must not be one of two: they would
 * count as one, or the second would come when nobody knows of it. So only who runs gets one, and
 * while none is on its way to it.
 *
 * One that does not come in time goes on running, and gdb is told so. */
static void KiCollectOthers(void)
{
    PKPRCB Self = KeGetCurrentPrcb();
    ULONG64 Deadline = HalQueryCounter100ns() + COLLECT_LIMIT_100NS;
    ULONG Spins = 0;

    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        if (KiIsMissing(i, Self) && InterlockedExchange(&KiNmiSent[i], 1) == 0) {
            HalSendNmi(KiProcessorBlock[i]->ApicId);
        }
    }
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
    KiWriteDr7(KD_DR7_OFF);
    return TRUE;
}

/* The step, if there is one, goes on: it ends here. */
void KiDisownDebugger(void)
{
    KiLoadDebugRegisters();
    KiDebugServing = FALSE;
    if (KiIsStepping()) {
        __asm__ volatile("pushfq\n\torl %0, (%%rsp)\n\tpopfq" : : "i"(EFLAGS_TF) : "cc", "memory");
    } else {
        __atomic_store_n(&KiDebugOwner, 0, __ATOMIC_RELEASE);
        KdListen();
    }
}

BOOLEAN KiBeginCodeChange(void)
{
    if (!KiOwnDebugger()) {
        return FALSE;
    }
    KdLiftBreakpoints();
    return TRUE;
}

void KiEndCodeChange(void)
{
    KdInsertBreakpoints();
    KiDisownDebugger();
}

static void KiStopMachine(PKTRAP_FRAME Frame, PKD_STOP Stop)
{
    LONG Self = KiDebugSelf();
    LONG Owner;

    Stop->Processor = KeGetCurrentPrcb()->Number;
    while ((Owner = InterlockedCompareExchange(&KiDebugOwner, Self, 0)) != 0 && Owner != Self) {
        KiSaveStopped(Frame);
        KiStandStill();
        if (KiRecurs(Stop) || KiIsStepping()) {
            return;
        }
    }
    KiRunStop(Frame, Stop, Owner == Self);
}

/*** The exceptions ***/

/* The debugger has run into something of its user's: a breakpoint in what it calls while it stops
 * the machine, which all of them are about to leave, or a watchpoint. */
static void KiTrapInDebugger(PKTRAP_FRAME Frame)
{
    if (Frame->Vector == KI_TRAP_BREAKPOINT && KdIsBreakpoint(Frame->Rip - 1)) {
        KdLiftBreakpoints();
        Frame->Rip -= 1;
    }
    KiTakeDr6();
    Frame->EFlags &= ~EFLAGS_TF;
}

/* FALSE: the breakpoint is gone again, taken away by gdb while this processor was on its way
 * here. */
static BOOLEAN KiClassifyBreakpoint(PKTRAP_FRAME Frame, PKD_STOP Stop)
{
    ULONG64 Address = Frame->Rip - 1;
    UCHAR Byte;

    if (KdIsBreakpoint(Address)) {
        Stop->Reason = KdStopBreakpoint;
    } else if (MmAccessForDebugger(Address, &Byte, 1, FALSE) == 1 && Byte != OPCODE_INT3) {
        Frame->Rip = Address;
        return FALSE;
    } else if (KdIsBreakpoint(Address)) { /* another stop put it in between these questions */
        Stop->Reason = KdStopBreakpoint;
    } else {
        Stop->Reason = KiDebugAwaited ? KdStopAttach : KdStopTrap;
        KiDebugAwaited = FALSE;
        return TRUE;
    }
    Frame->Rip = Address;
    return TRUE;
}

/* FALSE: a watchpoint that is gone again, or that the debugger has run into: what it does to its
 * own data is not what somebody looks for, and half of a stop cannot be stopped. */
static BOOLEAN KiClassifyDebugException(const KTRAP_FRAME *Frame, PKD_STOP Stop, BOOLEAN Stepped)
{
    ULONG64 Dr6 = KiTakeDr6();
    if ((Dr6 & DR6_BREAKPOINTS) == 0 || Stepped) {
        Stop->Reason = Stepped ? KdStopStep : KdStopTrap;
        return TRUE;
    }
    Stop->Reason = KdStopHardware;
    Stop->Address = (ULONG64)__builtin_ctzll(Dr6);
    return KiIsWatched(Stop) && !KiIsDebuggerCode(Frame->Rip);
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
    if (Frame->Vector == KI_TRAP_DEBUG_SERVICE) {
        Stop.Reason = KdStopTrap;
    } else if (Frame->Vector == KI_TRAP_BREAKPOINT) {
        if (!KiClassifyBreakpoint(Frame, &Stop)) {
            return TRUE;
        }
    } else if (!KiClassifyDebugException(Frame, &Stop, Stepped)) {
        return TRUE;
    }
    if (!Stepped && Stop.Reason != KdStopAttach && !KdIsDebuggerPresent()) {
        return FALSE;
    }
    KiStopMachine(Frame, &Stop);
    KiLoadDebugRegisters();
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

    if (KiCurrentDebugProcessor()->Frame != NULL && !KiCurrentDebugProcessor()->Leaving) {
        return TRUE; /* it stands still already */
    }
    Ours |= KiLookAtLine(Frame);
    if (KiIsOwnedByAnother()) {
        KiSaveStopped(Frame);
        KiStandStill();
        return TRUE;
    }
    return Ours || KiDebugOwner != 0;
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
