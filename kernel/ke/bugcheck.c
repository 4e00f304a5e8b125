/*
 * Bugchecks: stop every processor, say why, end.
 *
 * The first processor that gets here owns the crash and reports it; the others are stopped by NMI,
 * or stop by themselves when they come here too. Nothing here waits for a lock that a stopped
 * processor may hold, nor allocates; memory is read only after its translation has been checked. A
 * second bugcheck on the owner means that reporting itself, or a driver's callback, failed: it
 * prints one line, and memory still goes to the crash disk, unless it was that which failed. Then
 * it ends.
 */
#include <ntddk.h>
#include <loader.h>
#include "debugger.h"
#include "hal.h"
#include "kd.h"
#include "ldr.h"
#include "processor.h"
#include "stacktrace.h"

#define EXIT_BUGCHECK 0x12 /* QEMU ends with (value << 1) | 1: status 37 */
/* 10 s: an NMI needs microseconds, but a virtual processor waits for its host to run it. */
#define FREEZE_LIMIT_100NS (10000 * 10000ULL)
#define FREEZE_LIMIT_SPINS 100000000 /* in case the counter is what broke */
#define FRAMES_OF_OWNER 32
#define FRAMES_OF_OTHERS 6

static volatile LONG KiBugCheckOwner; /* o  processor number + 1; 0: all is well */
static volatile LONG KiBugCheckDepth; /* bugchecks on the owner */
static BOOLEAN KiCrashFileBegun;      /* the owner's */

/* For debuggers: code and parameters, the processor's registers being in its FrozenFrame. Windows'
 * name. */
ULONG64 KiBugCheckData[5];

KI_DEBUGGER_TEXT static DECLSPEC_NORETURN void KiHaltForEver(void)
{
    for (;;) {
        _disable();
        __halt();
    }
}

/* A run of commands ends with a status that tells the crash; a person wants to read the screen. */
static DECLSPEC_NORETURN void KiEndAfterBugCheck(PKTRAP_FRAME Frame)
{
    if (KeLoaderBlock != NULL && KdHasWord(KeLoaderBlock->CommandLine, "exec")) {
        HalExitEmulator(EXIT_BUGCHECK);
    }
    KdPrintf("\nThe system is halted.\n");
    KiDebugAfterCrash(Frame);
    KiHaltForEver();
}

/* An NMI may find a processor frozen already, by a bugcheck of its own: that frame is the one worth
 * showing. */
KI_DEBUGGER_TEXT static DECLSPEC_NORETURN void KiFreeze(PKPRCB Prcb, PKTRAP_FRAME Frame)
{
    if (!Prcb->Frozen) {
        KiSaveStopped(Frame);
        Prcb->FrozenFrame = Frame;
        __atomic_store_n(&Prcb->Frozen, TRUE, __ATOMIC_RELEASE);
    }
    KiHaltForEver();
}

KI_DEBUGGER_TEXT BOOLEAN KiFreezeForBugCheck(PKTRAP_FRAME Frame)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    LONG Owner = __atomic_load_n(&KiBugCheckOwner, __ATOMIC_ACQUIRE);

    if (Owner != 0 && Owner != (LONG)Prcb->Number + 1) {
        KiFreeze(Prcb, Frame);
    }
    return Owner != 0;
}

/* One that does not answer in time is reported as running. */
static void KiStopOthers(PKPRCB Self)
{
    ULONG64 Deadline = HalQueryCounter100ns() + FREEZE_LIMIT_100NS;
    ULONG Spins = 0;

    HalSendNmiToOthers();
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        PKPRCB Prcb = KiProcessorBlock[i];
        if (Prcb == NULL || Prcb == Self || !Prcb->Started) {
            continue;
        }
        while (!__atomic_load_n(&Prcb->Frozen, __ATOMIC_ACQUIRE) &&
               HalQueryCounter100ns() < Deadline && ++Spins < FREEZE_LIMIT_SPINS) {
            YieldProcessor();
        }
    }
}

/* Parameters that lie in a module are shown by name. */
static void KiPrintParameters(const ULONG_PTR Parameters[4])
{
    for (ULONG i = 0; i < 4; i++) {
        CHAR Name[80];
        if (LdrFindModule((PVOID)Parameters[i]) != NULL ||
            LdrFindUnloaded((PVOID)Parameters[i]) != NULL) {
            LdrFormatAddress((PVOID)Parameters[i], Name, sizeof(Name));
            KdPrintf("    parameter %u is %s\n", i + 1, Name);
        }
    }
}

static void KiPrintRegisters(const KTRAP_FRAME *Frame)
{
    KdPrintf("rax=%016llx rbx=%016llx rcx=%016llx\n", Frame->Rax, Frame->Rbx, Frame->Rcx);
    KdPrintf("rdx=%016llx rsi=%016llx rdi=%016llx\n", Frame->Rdx, Frame->Rsi, Frame->Rdi);
    KdPrintf("rip=%016llx rsp=%016llx rbp=%016llx\n", Frame->Rip, Frame->Rsp, Frame->Rbp);
    KdPrintf(" r8=%016llx  r9=%016llx r10=%016llx\n", Frame->R8, Frame->R9, Frame->R10);
    KdPrintf("r11=%016llx r12=%016llx r13=%016llx\n", Frame->R11, Frame->R12, Frame->R13);
    KdPrintf("r14=%016llx r15=%016llx efl=%08x\n", Frame->R14, Frame->R15, (ULONG)Frame->EFlags);
    KdPrintf("cr0=%016llx cr2=%016llx cr3=%016llx cr4=%llx\n", __readcr0(), __readcr2(),
             __readcr3(), __readcr4());
}

/* The thread's fields are read as they are; a stopped processor does not change them any more. */
static void KiPrintProcessor(PKPRCB Prcb, PKTRAP_FRAME Frame, ULONG MaximumFrames)
{
    PKTHREAD Thread = Prcb->CurrentThread;

    KdPrintf("\nCPU %u, IRQL %u", Prcb->Number, Frame->PreviousIrql);
    if (Prcb->Dpc.Running != NULL) {
        KdPrintf(", in DPC %p", Prcb->Dpc.Running);
    }
    if (Thread != NULL && Thread == Prcb->IdleThread) {
        KdPrintf(", idle");
    } else if (Thread != NULL) {
        KdPrintf(", thread %p (%llu.%llu %.23s)", Thread, (ULONG64)Thread->Cid.UniqueProcess,
                 (ULONG64)Thread->Cid.UniqueThread, Thread->Name);
    }
    KdPrintf("\n");
    KiPrintBacktrace(Frame, MaximumFrames);
}

static void KiPrintOthers(PKPRCB Self)
{
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        PKPRCB Prcb = KiProcessorBlock[i];
        if (Prcb == NULL || Prcb == Self || !Prcb->Started) {
            continue;
        }
        if (Prcb->Frozen) {
            KiPrintProcessor(Prcb, Prcb->FrozenFrame, FRAMES_OF_OTHERS);
        } else {
            KdPrintf("\nCPU %u does not answer\n", Prcb->Number);
        }
    }
}

/* Most telling first: if a later part fails, the earlier ones are out. */
static void KiReportBugCheck(ULONG Code, const ULONG_PTR Parameters[4], PKTRAP_FRAME Frame)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    ULONG64 Tenths = HalQueryCounter100ns() / 1000;

    KdPrintf("\n*** STOP: 0x%08X (0x%016llX, 0x%016llX, 0x%016llX, 0x%016llX)\n", Code,
             Parameters[0], Parameters[1], Parameters[2], Parameters[3]);
    KdPrintf("*** %s, %llu.%04llu s after the start\n", KiBugCodeName(Code), Tenths / 10000,
             Tenths % 10000);
    if (Prcb->Assertion != NULL) {
        KdPrintAssertion("*** ", Prcb->Assertion);
    }
    KiExplainBugCheck(Code, Parameters);
    KiPrintParameters(Parameters);
    if (Prcb->Culprit != NULL) {
        KdPrintf("*** Culprit: %s\n", Prcb->Culprit);
    }
    KiFindCulprit(Code, Parameters, Prcb->Culprit, Frame);
    KiPrintCulprit();
    KdPrintf("\n");
    KiPrintRegisters(Frame);
    KiPrintProcessor(Prcb, Frame, FRAMES_OF_OWNER);
    ExPrintCrashStacks(Parameters);
    KiPrintOthers(Prcb);
}

/* Once: a second try would fail as the first one did, unless it was a driver that failed, which
 * looks on. */
static void KiSaveMemory(PKPRCB Prcb, BOOLEAN Again)
{
    if (!KiCrashFileBegun || Again) {
        KiCrashFileBegun = TRUE;
        KdWriteCrashFile(Prcb->Number);
    }
}

/* Frame may lie on any stack, the double fault's included; interrupts stay off from here on. */
void KiBugCheck(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4,
                PKTRAP_FRAME Frame)
{
    const ULONG_PTR Parameters[4] = {P1, P2, P3, P4};
    PKPRCB Prcb = KeGetCurrentPrcb();
    LONG Self = (LONG)Prcb->Number + 1;
    KBUGCHECK_DUMP_IO_TYPE Given;
    LONG Owner;

    _disable();
    KiDebugFault(Frame);
    if (Frame->Vector == KI_NO_VECTOR) {
        Frame->PreviousIrql = KeGetCurrentIrql(); /* called, not trapped */
    }
    Owner = InterlockedCompareExchange(&KiBugCheckOwner, Self, 0);
    if (Owner != 0 && Owner != Self) {
        KiFreeze(Prcb, Frame);
    }
    KdEnterCrashMode();
    Given = KiDropFailedDumpIo();
    if (Given != KbDumpIoInvalid) {
        KiBugCheckDepth = 1; /* that was a driver, which does no more */
    }
    switch (++KiBugCheckDepth) {
    case 1:
        KiBugCheckData[0] = Code;
        memcpy(&KiBugCheckData[1], Parameters, sizeof(Parameters));
        Prcb->FrozenFrame = Frame;
        KiStopOthers(Prcb);
        KiDebugBugCheck(Code, Frame);
        KiReportBugCheck(Code, Parameters, Frame);
        KiRunBugCheckCallbacks();
        KiSaveMemory(Prcb, FALSE);
        KiCompleteDumpIo();
        break;
    case 2:
        KdPrintf("\n*** bugcheck 0x%08X (0x%llX, 0x%llX, 0x%llX, 0x%llX) while reporting, at rip "
                 "%016llx\n",
                 Code, P1, P2, P3, P4, Frame->Rip);
        KiSaveMemory(Prcb, Given == KbDumpIoHeader || Given == KbDumpIoBody);
        KiCompleteDumpIo();
        break;
    case 3:
        KiCompleteDumpIo(); /* not even that worked */
        break;
    default:
        KiHaltForEver(); /* nothing works */
    }
    KiEndAfterBugCheck(Frame);
}

void NTAPI KeBugCheck(ULONG BugCheckCode)
{
    KeBugCheckEx(BugCheckCode, 0, 0, 0, 0);
}

/* Interrupts stay off: from here to the report this is the same processor. */
void KeBugCheckBlaming(const char *Culprit, ULONG Code, ULONG_PTR Parameter1, ULONG_PTR Parameter2,
                       ULONG_PTR Parameter3, ULONG_PTR Parameter4)
{
    _disable();
    KeGetCurrentPrcb()->Culprit = Culprit;
    KeBugCheckEx(Code, Parameter1, Parameter2, Parameter3, Parameter4);
}

void KiAssertionFailed(const char *Expression, const char *File, ULONG Line)
{
    RtlAssert((PVOID)Expression, (PVOID)File, Line, NULL);
}

static NTSTATUS KiBugCheckCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Code = MANUALLY_INITIATED_CRASH;

    if (Argc > 2 || (Argc == 2 && (!KdParseNumber(Argv[1], &Code) || Code > MAXULONG))) {
        return KdConsoleUsage(Console);
    }
    KeBugCheckEx((ULONG)Code, 0, 0, 0, 0);
}
KD_COMMAND("bugcheck", "[CODE]", "stop the system with a bugcheck (E2h unless given)",
           KiBugCheckCommand);
