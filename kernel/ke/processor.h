/*
 * processor.h - what ke keeps for each processor besides the KPRCB, and how the interrupt side of
 * ke hangs together. Lock letters as in ke.h.
 */
#ifndef _KE_PROCESSOR_H_
#define _KE_PROCESSOR_H_

#include <loader.h>
#include "ke.h"
#include "timerwheel.h"
#include "trap.h"

/* Selectors, with Windows' numbers. */
#define KGDT_R0_CODE 0x10
#define KGDT_R0_DATA 0x18
#define KGDT_TSS 0x40
#define KI_GDT_ENTRIES 10

/* Stacks that the processor switches to by itself (TSS.Ist[n - 1]), because the interrupted one may
 * be unusable: overflowed, or NMI and machine check at any instruction. */
#define KI_IST_DOUBLE_FAULT 1
#define KI_IST_NMI 2
#define KI_IST_MACHINE_CHECK 3
#define KI_IST_COUNT 3
#define KI_IST_STACK_SIZE 0x2000

typedef struct __attribute__((packed)) _KTSS64 {
    ULONG Reserved0;
    ULONG64 Rsp[3];
    ULONG64 Reserved1;
    ULONG64 Ist[7];
    ULONG64 Reserved2;
    USHORT Reserved3;
    USHORT IoMapBase;
} KTSS64;
C_ASSERT(sizeof(KTSS64) == 104);

/* A processor's threaded DPCs and the thread that runs them (threadeddpc.c). */
typedef struct _KI_DPC_THREAD {
    KI_DPC_QUEUE Queue;
    KEVENT Wake;                /* d  a synchronization event */
    volatile BOOLEAN Requested; /* o  a dispatch interrupt is on its way to set Wake */
    volatile BOOLEAN Active;    /* c  the thread is in its loop; cleared under q */
    volatile BOOLEAN Started;   /* i after the thread is up */
} KI_DPC_THREAD, *PKI_DPC_THREAD;

typedef struct _KI_PROCESSOR {
    KPCR Pcr;
    DECLSPEC_ALIGN(16) UCHAR IstStack[KI_IST_COUNT][KI_IST_STACK_SIZE]; /* c */
    ULONG64 Gdt[KI_GDT_ENTRIES];                                        /* i */
    KTSS64 Tss;                                                         /* i */
    KTHREAD IdleThread;
    PVOID IdleStackBase; /* i */
    KI_TIMER_WHEEL Wheel;
    KI_DPC_THREAD DpcThread;
    ULONG64 VectorCount[256]; /* c  interrupts taken */
} KI_PROCESSOR, *PKI_PROCESSOR;

/* What a starting processor needs before it has a stack; lies at the end of the trampoline page's
 * code (mpstart.asm). */
typedef struct _KI_PROCESSOR_START {
    ULONG64 BootCr3; /* below 4 GB; maps the trampoline besides the kernel */
    ULONG64 Efer;    /* the boot processor's, without LMA */
    PVOID StackBase;
    void (*Entry)(PKI_PROCESSOR Processor);
    PKI_PROCESSOR volatile Processor; /* o  taken by exchange; NULL: too late, halt */
} KI_PROCESSOR_START, *PKI_PROCESSOR_START;

/* An event that is there from the first instruction on. */
#define KI_STATIC_EVENT(Name, EventType, State)                                                    \
    KEVENT Name = {                                                                                \
        .Header = {.Type = EventType,                                                              \
                   .Size = sizeof(KEVENT) / sizeof(ULONG),                                         \
                   .SignalState = State,                                                           \
                   .WaitListHead = {&Name.Header.WaitListHead, &Name.Header.WaitListHead}}}

static inline BOOLEAN KiDisableInterrupts(void)
{
    BOOLEAN Enabled = (__readeflags() & EFLAGS_IF) != 0;
    _disable();
    return Enabled;
}
static inline void KiRestoreInterrupts(BOOLEAN Enabled)
{
    if (Enabled) {
        _enable();
    }
}

/* gcc would call a library for this on processors that may lack POPCNT. */
static inline ULONG KiCountProcessors(KAFFINITY Set)
{
    ULONG Count = 0;
    for (; Set != 0; Set &= Set - 1) {
        Count += 1;
    }
    return Count;
}

/* Spin locks of ke's interrupt side; interrupts are off or the IRQL is at the lock's level. */
static inline void KiAcquireRawLock(KSPIN_LOCK *Lock)
{
    KiNoteLock(Lock, __builtin_return_address(0));
    while (__atomic_exchange_n(Lock, 1, __ATOMIC_ACQUIRE) != 0) {
        while (*(volatile KSPIN_LOCK *)Lock != 0) {
            YieldProcessor();
        }
    }
}
static inline void KiReleaseRawLock(KSPIN_LOCK *Lock)
{
    KiNoteUnlock(Lock);
    __atomic_store_n(Lock, 0, __ATOMIC_RELEASE);
}

/* processor.c */
extern KI_PROCESSOR KiBootProcessor;
/* GDT, TSS, IDT, KPCR of the processor that runs this; Processor is zeroed memory. */
void KiInitializeProcessor(PKI_PROCESSOR Processor, ULONG Number, ULONG ApicId);
/* Waits for interrupts for ever, at PASSIVE_LEVEL, as the idle thread. */
DECLSPEC_NORETURN void KiIdleLoop(void);

/* processor.asm */
typedef struct __attribute__((packed)) _KI_DESCRIPTOR {
    USHORT Limit;
    PVOID Base;
} KI_DESCRIPTOR;
void KiLoadDescriptorTables(const KI_DESCRIPTOR *Gdt, const KI_DESCRIPTOR *Idt);

/* Leaves the current stack for good and calls Routine(StackBase) on the one ending at StackBase. */
DECLSPEC_NORETURN void KiRunOnStack(void *StackBase, void (*Routine)(void *StackBase));

/* start.c */
PKPROCESS KiQueryIdleProcess(void);

/* trap.asm */
extern const ULONG64 KiVectorTable[256];
extern CHAR KiTrapEntryStart[], KiTrapEntryEnd[]; /* between them, RBP points to a KTRAP_FRAME */
extern CHAR KiVectorStubsEnd[];                   /* what is entered by vectors ends here */

/* mpstart.asm: the code to copy to LOADER_SMP_TRAMPOLINE_BASE; it ends in a KI_PROCESSOR_START. */
extern const UCHAR KiTrampolineStart[], KiTrampolineEnd[];

/* interrupt.c: from the stub. */
void KiDispatchDeviceInterrupt(PKPRCB Prcb, ULONG Vector);

/* clock.c */
void KiInitializeClock(void);
/* Interrupted: the IRQL at which the interrupt found the processor. */
void KiClockInterrupt(PKPRCB Prcb, KIRQL Interrupted);
/* Renews the times of the shared page; returns the interrupt time it wrote. Any IRQL. */
ULONG64 KiUpdateSharedTime(void);
/* System time, 100 ns since 1601, at interrupt time 0. */
extern LONG64 KiSystemTimeBase; /* d */
/* Moves it so that the system time is NewTime100ns now; returns the system time before. Lock
 * held. */
LONG64 KiMoveSystemTime(LONG64 NewTime100ns);
/* Milliseconds since the kernel's first instruction, times 10. */
ULONG64 KiQueryUptimeTenthsMs(void);

/* ipi.c */
void KiIpiInterrupt(PKPRCB Prcb);
/* Forgets every translation of this processor, global ones too. */
void KiFlushProcessorTlb(void);

/* softint.c */
void KiDispatchInterrupt(PKPRCB Prcb);

/* dpc.c */
/* What is needed of a DPC to call it: the object may be gone as soon as it is out of the queue. */
typedef struct _KI_DPC_CALL {
    PKDPC Dpc;
    PKDEFERRED_ROUTINE Routine;
    PVOID Context, Argument1, Argument2;
} KI_DPC_CALL, *PKI_DPC_CALL;
/* Takes the first DPC; FALSE when there is none: then *Active has become FALSE while nobody could
 * queue another. Interrupts on. */
BOOLEAN KiTakeDpc(PKI_DPC_QUEUE Queue, volatile BOOLEAN *Active, PKI_DPC_CALL Call);
/* Calls its routine, which has to return at the same IRQL. */
void KiCallDpc(const KI_DPC_CALL *Call);
void KiRetireDpcList(PKPRCB Prcb);
/* Once a tick: request rate, and DPCs whose importance did not ask for an interrupt. */
void KiTickDpcQueues(PKPRCB Prcb);
void KiInitializeDpcQueues(PKPRCB Prcb);

/* threadeddpc.c */
/* From the dispatch interrupt: threaded DPCs have been queued. */
void KiWakeDpcThread(PKPRCB Prcb);
/* One thread for each processor. Phase 1, when all processors run. Bugchecks
 * PHASE1_INITIALIZATION_FAILED. */
void KiStartDpcThreads(void);

/* watchdog.c */
/* Reads the limits; phase 1. */
void KiStartWatchdog(void);
/* From the clock interrupt, once a tick. */
void KiWatchTick(PKPRCB Prcb, KIRQL Interrupted);

/* timer.c */
/* At DISPATCH_LEVEL: signals what is due on this processor. */
void KiTimerExpiration(PKPRCB Prcb);
ULONG64 KiTimerPeriod100ns(const KTIMER *Timer);
extern KI_TIMER_WHEEL
    KiNoWakeWheel; /* d  timers that expire at the first processor's clock ticks */

/* bugcheck.c */
extern ULONG64 KiBugCheckData[5]; /* of the first bugcheck: code, parameters; 0: none */
/* The crash with registers taken from Frame instead of the caller's. */
DECLSPEC_NORETURN void KiBugCheck(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                  ULONG_PTR P4, PKTRAP_FRAME Frame);
/* From an NMI: stops for ever when another processor is reporting a crash; else returns FALSE. */
BOOLEAN KiFreezeForBugCheck(PKTRAP_FRAME Frame);

/* debugger.c: interrupts off. */
/* For int3 and debug exceptions: FALSE when no debugger wants them. */
BOOLEAN KiDebugTrap(PKTRAP_FRAME Frame);
/* For an NMI: FALSE when it has nothing to do with the debugger. */
BOOLEAN KiDebugNmi(PKTRAP_FRAME Frame);
/* For any other exception, before it is reported: does not return when it is the debugger's own. */
void KiDebugFault(PKTRAP_FRAME Frame);
/* Whether the debugger steps over one instruction here; around an exception of it that is
 * repaired. */
BOOLEAN KiIsStepping(void);
void KiSuspendStep(PKTRAP_FRAME Frame);
void KiResumeStep(PKTRAP_FRAME Frame);
/* A crash: shows it to the debugger first; returns when that lets it go on. */
void KiDebugBugCheck(ULONG Code, PKTRAP_FRAME Frame);
/* The crash has been reported: waits for somebody to look at it, as long as that is possible. */
void KiDebugAfterCrash(PKTRAP_FRAME Frame);
/* Keeps this processor's registers for the debugger: it stops for a crash. */
void KiSaveStopped(PKTRAP_FRAME Frame);
/* Of a processor that starts: gdb's watchpoints. */
void KiLoadDebugRegisters(void);

/* bugcallback.c */
/* What drivers have registered for a bugcheck. Interrupts off, the other processors stopped. */
void KiRunBugCheckCallbacks(void);
/* A bugcheck while a routine ran that is given what is saved: it is not called any more. What it
 * was given; KbDumpIoInvalid: none ran. */
KBUGCHECK_DUMP_IO_TYPE KiDropFailedDumpIo(void);
/* Everything has been saved, or all that could be: each routine is told so once. */
void KiCompleteDumpIo(void);

/* exception.c */
/* The exception that Record describes, except for its address, at Frame. Frame's PreviousIrql is
 * set. */
DECLSPEC_NORETURN void KiUnhandledException(PKTRAP_FRAME Frame, PEXCEPTION_RECORD Record);

/* bugcode.c */
const char *KiBugCodeName(ULONG Code);
/* Prints the parameters with their meanings, for codes whose parameters are known. */
void KiExplainBugCheck(ULONG Code, const ULONG_PTR Parameters[4]);

/* culprit.c */
/* Whom the bugcheck blames, for the report and for debuggers. */
typedef struct _KI_CULPRIT {
    PVOID Address;  /* NULL: no bugcheck yet */
    BOOLEAN Called; /* it is what a call returns to */
    CHAR Module[32];
} KI_CULPRIT;
extern KI_CULPRIT KiBugCheckCulprit;
/* Named: what the check itself says, or NULL. */
void KiFindCulprit(ULONG Code, const ULONG_PTR Parameters[4], const char *Named,
                   const KTRAP_FRAME *Frame);
void KiPrintCulprit(void);

/* backtrace.c: walks are by unwind.h. Any IRQL; no locks are taken and no pointer is trusted. */
struct _KI_STACK_WALK;
/* Begins at the routine that Frame interrupted; at the switch away from Thread, which does not
 * run. */
void KiStartWalkAtFrame(struct _KI_STACK_WALK *Walk, const KTRAP_FRAME *Frame);
void KiStartWalkAtThread(struct _KI_STACK_WALK *Walk, PKTHREAD Thread);
/* Prints one line for each routine of the walk, Limit at most, and why it ends if not at its
 * end. */
void KiPrintWalk(struct _KI_STACK_WALK *Walk, ULONG Limit);
/* Prints one line for each routine on the stack of what Frame interrupted, Limit at most. */
void KiPrintBacktrace(const KTRAP_FRAME *Frame, ULONG Limit);

/* interrupt.c, bugcallback.c: for KeFindLeaks. */
struct _LDR_LEAKS;
void KiFindInterruptLeaks(struct _LDR_LEAKS *Leaks);
void KiFindCallbackLeaks(struct _LDR_LEAKS *Leaks);

#endif
