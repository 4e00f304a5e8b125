/*
 * ke.h - the kernel's own structures and what ke gives to the rest of the executive.
 *
 * Lock legend, used beside fields:  d KiDispatcherLock   q the processor's DpcLock   c only this
 * processor, at DISPATCH_LEVEL or above   t only this thread   i fixed after initialisation
 * p owned by ps (see ps.h)   o atomic.
 */
#ifndef _KE_PRIVATE_H_
#define _KE_PRIVATE_H_

#include <ntddk.h>
#include <nt/ke_attach.h>
#include "arch.h"
#include "lockorder.h"

#define KI_MAX_PROCESSORS 32
#define KI_PRIORITY_LEVELS 32
#define KI_TICK_100NS 156250 /* the clock tick: 15.625 ms, as Windows */

/* Vectors: the high nibble is the IRQL. */
#define KI_VECTOR_APC 0x1F
#define KI_VECTOR_DISPATCH 0x2F
#define KI_VECTOR_CLOCK 0xD1
#define KI_VECTOR_IPI 0xE1
#define KI_VECTOR_SPURIOUS 0xFF
#define KI_FIRST_DEVICE_VECTOR 0x30
#define KI_LAST_DEVICE_VECTOR 0xCF

/* DISPATCHER_HEADER.Type and KDPC/KAPC/KDEVICE_QUEUE.Type, with Windows' numbers. */
typedef enum _KOBJECTS {
    EventNotificationObject = 0,
    EventSynchronizationObject = 1,
    MutantObject = 2,
    ProcessObject = 3,
    QueueObject = 4,
    SemaphoreObject = 5,
    ThreadObject = 6,
    GateObject = 7,
    TimerNotificationObject = 8,
    TimerSynchronizationObject = 9,
    ApcObject = 18,
    DpcObject = 19,
    DeviceQueueObject = 20,
    InterruptObject = 22,
    ThreadedDpcObject = 24
} KOBJECTS;

typedef enum _KTHREAD_STATE {
    Initialized,
    Ready,
    Running,
    Standby,
    Terminated,
    Waiting,
    Transition,
    DeferredReady
} KTHREAD_STATE;

#define STATUS_KERNEL_APC ((NTSTATUS)0x00000100) /* internal: the wait was broken for an APC */

/* KAPC_STATE is public, for attaching: its lists of KAPC.ApcListEntry, KernelApcPending and
 * UserApcPending have KiDispatcherLock; Process, whose address space is in use, changes with it
 * held and is the thread's own to read, as is KernelApcInProgress. */
C_ASSERT(sizeof(KAPC_STATE) == 0x30 && offsetof(KAPC_STATE, Process) == 0x20);
C_ASSERT(offsetof(KAPC_STATE, KernelApcInProgress) == 0x28);
C_ASSERT(offsetof(KAPC_STATE, UserApcPending) == 0x2A);

/* What a process is charged for one pool, in bytes; all interlocked. */
typedef struct _PS_QUOTA {
    volatile ULONG64 Usage, Peak;
    volatile ULONG64 Limit; /* 0: none */
} PS_QUOTA, *PPS_QUOTA;

/* A process to the kernel: an address space and defaults for its threads. EPROCESS is the same C
 * type; the executive's part follows and belongs to ps. */
struct _KPROCESS {
    DISPATCHER_HEADER Header;                  /* d */
    ULONG64 DirectoryTableBase;                /* i  CR3 */
    LIST_ENTRY ThreadListHead;                 /* d  of KTHREAD.ProcessThreadEntry */
    KAFFINITY Affinity;                        /* d */
    SCHAR BasePriority;                        /* d */
    SCHAR QuantumReset;                        /* d */
    ULONG StackCount;                          /* d  threads attached, each as often as it is */
    HANDLE UniqueProcessId;                    /* i p */
    HANDLE InheritedFromUniqueProcessId;       /* i p  its parent; NULL: none */
    struct _HANDLE_TABLE *ObjectTable;         /* i p  for as long as the object is there */
    EX_RUNDOWN_REF HandleRundown;              /* run down when it exits: no more handles */
    struct _OBJECT_DIRECTORY *DeviceDirectory; /* see ob/devicemap.c; NULL: \GLOBAL?? */
    LIST_ENTRY ActiveProcessLinks;             /* p */
    LARGE_INTEGER CreateTime;                  /* i p */
    LARGE_INTEGER ExitTime;                    /* p  fixed when signalled; 0 before */
    NTSTATUS ExitStatus;                       /* p  fixed when signalled */
    volatile LONG ActiveThreads;               /* o p  -1: it has exited, or is about to */
    volatile BOOLEAN HadThreads;               /* p  set once: it exits with the last of them */
    ULONG64 EndedKernelTime;                   /* d  ticks, of threads that have ended */
    CHAR ImageFileName[16];                    /* i p */
    PS_QUOTA Quota[2];                         /* o p  non-paged, paged */
};

struct _KTHREAD {
    DISPATCHER_HEADER Header;  /* d  signalled when the thread has ended */
    PVOID KernelStack;         /* saved RSP while not running; written by KiSwapContext under d */
    PVOID StackBase;           /* i  highest address */
    PVOID StackLimit;          /* i  lowest usable address */
    PKPROCESS Process;         /* i  the process it belongs to */
    volatile UCHAR State;      /* d  KTHREAD_STATE */
    UCHAR NextProcessor;       /* d  where it runs, or ran last, or is queued */
    UCHAR IdealProcessor;      /* d */
    SCHAR Priority;            /* d  now; the idle threads' is -1 */
    SCHAR BasePriority;        /* d */
    SCHAR Quantum;             /* d or clock of its processor: units left; 3 per tick */
    SCHAR QuantumReset;        /* d */
    KAFFINITY Affinity;        /* d */
    KAFFINITY UserAffinity;    /* d  its own, while a system affinity is set; else 0 */
    LIST_ENTRY ReadyListEntry; /* d */
    ULONG64 ReadyTime100ns;    /* d  when it was put into a ready queue: interrupt time */
    BOOLEAN Starved;           /* d  boosted because it starved: falls to its base at once */
    struct _KQUEUE *Queue;     /* d  the queue it takes work from, or NULL */
    LIST_ENTRY QueueListEntry; /* d  of KQUEUE.ThreadListHead */

    /* The wait in progress. */
    volatile LONG_PTR WaitStatus; /* d */
    PKWAIT_BLOCK WaitBlockList;   /* d */
    ULONG WaitBlockCount;         /* d  without the timer's */
    KIRQL WaitIrql;               /* t  IRQL to go back to */
    KPROCESSOR_MODE WaitMode;     /* d */
    UCHAR WaitReason;             /* d */
    UCHAR WaitType;               /* d */
    BOOLEAN Alertable;            /* d */
    BOOLEAN WaitNext;             /* t  the dispatcher lock is kept from KeSetEvent(.., TRUE) */
    BOOLEAN Alerted[MaximumMode]; /* d */
    BOOLEAN WaitTimerActive;      /* d */
    KWAIT_BLOCK WaitBlock[THREAD_WAIT_OBJECTS + 1]; /* the last is the timer's */
    KTIMER Timer;                                   /* d */
    LIST_ENTRY MutantListHead;                      /* d  of KMUTANT.MutantListEntry */

    KAPC_STATE ApcState;            /* what counts now; see attach.c */
    KAPC_STATE SavedApcState;       /* its own process's, while it is attached */
    PKAPC_STATE ApcStatePointer[2]; /* d  original and attached environment */
    UCHAR ApcStateIndex;            /* d  KAPC_ENVIRONMENT: which of them ApcState is */
    SHORT KernelApcDisable;         /* t  < 0 in a critical region */
    SHORT SpecialApcDisable;        /* t  < 0 in a guarded region */
    BOOLEAN ApcQueueable;           /* d  FALSE before it starts and once it is ending */
    KPROCESSOR_MODE PreviousMode;   /* t */
    UCHAR SuspendCount;             /* d */
    KSEMAPHORE SuspendSemaphore;    /* d */
    KAPC SuspendApc;                /* d */

    volatile ULONG ContextSwitches; /* d */
    ULONG KernelTime;               /* c  ticks */
    LIST_ENTRY ProcessThreadEntry;  /* d */

    /* The executive's part: see ps.h. */
    CLIENT_ID Cid;                /* i p */
    PKSTART_ROUTINE StartAddress; /* i p */
    PVOID StartContext;           /* i p */
    NTSTATUS ExitStatus;          /* t p  then fixed when signalled */
    LIST_ENTRY IrpList;           /* t at APC_LEVEL  of IRP.ThreadListEntry */
    LIST_ENTRY TimerList;         /* p  timers of ob that call a routine in it: ob/timer.c's lock */
    LIST_ENTRY ReaperEntry;       /* d p */
    LARGE_INTEGER CreateTime;     /* i p */
    PIRP TopLevelIrp;             /* t p  IoSetTopLevelIrp */
    LARGE_INTEGER ExitTime;       /* t p  then fixed when signalled; 0 before */
    BOOLEAN Terminating;          /* t p  set once */
    PKTHREAD WorksFor;     /* t p  waits while this, a worker, calls a driver's routine for it */
    PVOID IoObject;        /* i p  the driver or device IoCreateSystemThread refers to */
    BOOLEAN OwnedResource; /* o p  an ERESOURCE, at some time: set once */
    CHAR Name[24];         /* i p  for `threads`; empty for drivers' threads */
};

typedef struct _KI_DPC_QUEUE {
    KSPIN_LOCK Lock;            /* DpcLock */
    LIST_ENTRY ListHead;        /* q */
    volatile ULONG Depth;       /* q */
    ULONG64 Count;              /* q  ever queued */
    ULONG64 LastCount;          /* c  Count at the last tick */
    ULONG Rate;                 /* c  DPCs queued per tick, smoothed */
    PKDPC volatile Running;     /* c  the one being run, for the watchdog and reports */
    PKDEFERRED_ROUTINE Routine; /* c  its routine: the object itself may be gone */
    ULONG RunTicks;             /* c  ticks that found it running */
} KI_DPC_QUEUE, *PKI_DPC_QUEUE;

/* What did not hold, and where; Message may be NULL. */
typedef struct _KI_ASSERTION {
    PCSTR Expression;
    PCSTR File;
    ULONG Line;
    PCSTR Message;
} KI_ASSERTION;

/* Processor control block. The first fields have Windows' offsets: drivers inline gs: accesses. */
typedef struct _KPRCB {
    ULONG MxCsr;
    UCHAR LegacyNumber; /* gs:[184h]; the three bytes after it stay 0, so a 4-byte read works too */
    UCHAR MustBeZero[3];
    PKTHREAD CurrentThread; /* d  gs:[188h] */
    PKTHREAD NextThread;    /* d  chosen to run next here (state Standby), or NULL */
    PKTHREAD IdleThread;    /* i */
    UCHAR NestingLevel;
    UCHAR Reserved1[3];
    ULONG Number; /* i  gs:[1A4h] */
    /* From here on the layout is Etude's own. */
    ULONG ApicId;                  /* i */
    KAFFINITY SetMember;           /* i  1 << Number */
    volatile LONG IpiRequest;      /* o  KIPI_* bits */
    volatile BOOLEAN QuantumEnd;   /* c */
    volatile BOOLEAN TimerRequest; /* c  the clock saw a timer due */
    volatile BOOLEAN DpcActive;    /* c  inside the DPC and timer loop */
    BOOLEAN ClockTicking;          /* c  the tick is on: not an idle processor, or the first */
    BOOLEAN Started;               /* i after the processor is up */
    ULONG ReadySummary;            /* d  bit n: ReadyList[n] is not empty */
    LIST_ENTRY ReadyList[KI_PRIORITY_LEVELS]; /* d  of KTHREAD.ReadyListEntry */
    ULONG ReadyCount;                         /* d */
    KI_DPC_QUEUE Dpc;
    struct _KI_TIMER_WHEEL *TimerWheel;       /* i pointer; contents d */
    ULONG64 NextClock100ns;                   /* c  when the one-shot clock is armed for */
    ULONG64 LastTick100ns;                    /* c */
    ULONG64 InterruptCount;                   /* c */
    ULONG64 ClockCount;                       /* c */
    ULONG64 IpiCount;                         /* c */
    ULONG64 SpuriousCount;                    /* c */
    ULONG64 ContextSwitches;                  /* d */
    ULONG64 IdleTicks, KernelTicks, DpcTicks; /* c */
    ULONG DispatchTicks;                      /* c  in a row at DISPATCH_LEVEL or above */
    volatile LONG Frozen;                     /* o  bugcheck: this processor has stopped */
    struct _KTRAP_FRAME *FrozenFrame;         /* c  where it was stopped by NMI, or crashed */
    struct _KI_PROCESSOR *Processor;          /* i  GDT, TSS, IST stacks: private to ke */
    const char *Culprit;                      /* c  of the bugcheck that is about to come */
    const KI_ASSERTION *Assertion;            /* c  that has failed, until somebody goes on */
    PVOID PoolCache;                          /* c  ex: per-processor pool lists */
} KPRCB, *PKPRCB;

typedef struct _KPCR {
    UCHAR Reserved0[0x18];
    struct _KPCR *Self; /* gs:[18h] */
    PKPRCB CurrentPrcb; /* gs:[20h] */
    UCHAR Reserved28[0x180 - 0x28];
    DECLSPEC_ALIGN(16) KPRCB Prcb; /* gs:[180h] */
} KPCR, *PKPCR;

C_ASSERT(offsetof(KPCR, Self) == 0x18 && offsetof(KPCR, CurrentPrcb) == 0x20);
C_ASSERT(offsetof(KPCR, Prcb) == 0x180 && offsetof(KPCR, Prcb.LegacyNumber) == 0x184);
C_ASSERT(offsetof(KPCR, Prcb.CurrentThread) == 0x188 && offsetof(KPCR, Prcb.Number) == 0x1A4);

#define KIPI_RESCHEDULE 0x1 /* a dispatch interrupt there */
#define KIPI_APC 0x2        /* an APC interrupt there */
#define KIPI_CALL 0x4       /* run the current KeIpiGenericCall packet */
#define KIPI_TLB 0x8        /* invalidate the range of the current TLB request */

extern PKPRCB KiProcessorBlock[KI_MAX_PROCESSORS]; /* i */
extern ULONG KeNumberProcessors;                   /* grows only while processors start */
extern KAFFINITY KeActiveProcessors;

static inline PKPRCB KeGetCurrentPrcb(void)
{
    PKPRCB Prcb;
    __asm__ volatile("movq %%gs:0x20, %0" : "=r"(Prcb));
    return Prcb;
}

/* A kernel assertion: always compiled in; a failure is what a driver's is (RtlAssert). */
void KiAssertionFailed(const char *Expression, const char *File, ULONG Line) __attribute__((cold));
#define KI_ASSERT(e) ((e) ? (void)0 : KiAssertionFailed(#e, __FILE__, __LINE__))
/* A piece of what is saved after a crash, for the drivers that want to see it
 * (KbCallbackDumpIo). */
void KeGiveToDumpIo(KBUGCHECK_DUMP_IO_TYPE Type, ULONG64 Offset, PVOID Buffer, ULONG Length);
/* KeBugCheckEx that says whose fault it is: Culprit, "driver x.sys, ...", is printed with the
 * parameters. Any IRQL. */
DECLSPEC_NORETURN void KeBugCheckBlaming(const char *Culprit, ULONG Code, ULONG_PTR Parameter1,
                                         ULONG_PTR Parameter2, ULONG_PTR Parameter3,
                                         ULONG_PTR Parameter4);
/* The IRQL rule of a public routine: IRQL_NOT_LESS_OR_EQUAL(address, irql, ...) when broken. */
#define KI_ASSERT_IRQL_IS_MAX(Irql, Level)                                                         \
    (((Irql) <= (Level)) ? (void)0                                                                 \
                         : KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, 0, KeGetCurrentIrql(), 0,          \
                                        (ULONG_PTR)__builtin_return_address(0)))
#define KI_ASSERT_IRQL_MAX(Level) KI_ASSERT_IRQL_IS_MAX(KeGetCurrentIrql(), Level)

/* Raises Status as an exception at the caller, which holds no locks; ends in the bugcheck of an
 * exception that nobody handled. Any IRQL. */
DECLSPEC_NORETURN void KeRaiseStatus(NTSTATUS Status);

/* Where the driver is that has called the kernel on this stack and not got an answer yet: the
 * return address of the innermost such call; NULL: there is none since the last interrupt. Any
 * IRQL. */
PVOID KeFindDriverCaller(void);
/* The same, quicker, for services: what is returned may be anything but kernel code. Not on a
 * processor's own stack: IRQL <= APC_LEVEL. */
PVOID KeFindServiceCaller(void);

/* Fills in a dispatcher header; Size in bytes. */
void KiInitializeHeader(PDISPATCHER_HEADER Header, KOBJECTS Type, SIZE_T Size, LONG SignalState);

/*** Dispatcher (ke/wait.c, ke/ready.c): with KiDispatcherLock held at DISPATCH_LEVEL unless said.
 * ***/

/* KiLockDispatcher and KiUnlockDispatcher are in dispatcherlock.h. */
/* At DISPATCH_LEVEL already (DPCs, timer expiry): take and release without touching the IRQL. A
 * reschedule that has become due is left to a self-requested dispatch interrupt. */
void KiLockDispatcherAtDpcLevel(void);
void KiUnlockDispatcherFromDpcLevel(void);
/* Object (any dispatcher header) has been signalled: satisfies what waits can be satisfied. */
void KiWaitTest(PDISPATCHER_HEADER Object, KPRIORITY Increment);
/* Ends Thread's wait with WaitStatus and makes it ready, boosted by Increment. */
void KiUnwaitThread(PKTHREAD Thread, LONG_PTR WaitStatus, KPRIORITY Increment);
/* Makes Thread ready: to run here or on another processor, or into a ready queue. */
void KiReadyThread(PKTHREAD Thread);

/*** Scheduler hooks called by interrupts. ***/

/* From the dispatch interrupt, at DISPATCH_LEVEL, no locks: quantum end and pending switch. */
void KiDispatchReschedule(PKPRCB Prcb);
/* From the clock interrupt at CLOCK_LEVEL, once a tick: time accounting, quantum. */
void KiUpdateRunTime(PKPRCB Prcb, BOOLEAN InDpc);
/* From the APC interrupt at APC_LEVEL with interrupts enabled. */
void KiDeliverApc(KPROCESSOR_MODE Mode);

/*** Interrupt requests (ke/softint.c, ke/ipi.c); any IRQL. ***/

void KiRequestDispatchInterrupt(void); /* self-IPI, vector 2Fh */
void KiRequestApcInterrupt(void);      /* self-IPI, vector 1Fh */
/* Sends KIPI_* requests to a processor, which may be this one. The dispatch and APC interrupts are
 * sent as such; the other requests wait in KPRCB.IpiRequest for one interrupt E1h. */
void KiSendIpi(ULONG Number, LONG Request);
/* Forgets Pages translations from Address on, on every processor, before it returns. Page tables
 * have been changed already. IRQL <= DISPATCH_LEVEL with interrupts enabled (while only one
 * processor runs: any state); spin locks below IPI_LEVEL may be held, and several processors may
 * call at once. */
void KeFlushTlbRange(PVOID Address, SIZE_T Pages);

/*** Timers (ke/timer.c); dispatcher lock held. ***/

/* Arms Timer (not armed) for absolute interrupt time DueTime100ns on this processor. */
void KiInsertTimer(PKTIMER Timer, ULONG64 DueTime100ns);
/* Disarms; FALSE when it was not armed. */
BOOLEAN KiRemoveTimer(PKTIMER Timer);
/* What KeSetTimerEx cannot ask for. */
typedef struct _KI_TIMER_ARMING {
    ULONG64 Period100ns;    /* 0: once */
    ULONG64 Tolerance100ns; /* it may be late by as much, to expire together with others */
    PKDPC Dpc;              /* or NULL */
    BOOLEAN NoWake;         /* it waits for the first processor's next tick after it is due */
} KI_TIMER_ARMING;
/* KeSetTimerEx, and not with the lock held: IRQL <= DISPATCH_LEVEL. */
BOOLEAN KeArmTimer(PKTIMER Timer, LARGE_INTEGER DueTime, const KI_TIMER_ARMING *Arming);
/* TRUE until it expires for the last time; what it does on expiring has then been done. Not with
 * the lock held: IRQL <= DISPATCH_LEVEL. */
BOOLEAN KeIsTimerArmed(PKTIMER Timer);
/* Sets the system time, in 100 ns since 1601, and returns the one before. Absolute timers and waits
 * follow it, relative ones do not. IRQL <= APC_LEVEL. */
LONG64 KeSetSystemTime(LONG64 NewTime100ns);
/* Turns a caller's due time (negative: relative, else absolute system time) into interrupt time. */
ULONG64 KiComputeDueTime(LARGE_INTEGER DueTime);
/* Arms the one-shot clock for the nearest of tick and timers; called on leaving idle too. Any lock
 * state, DISPATCH_LEVEL or above, this processor. */
void KiProgramClock(PKPRCB Prcb);
/* Interrupt time now, from the hardware counter: not the shared page's. Any IRQL. */
ULONG64 KiQueryInterruptTime100ns(void);

/* Routine has returned and the current thread is in another address space than Process's, as it was
 * before: bugchecks INVALID_PROCESS_ATTACH_ATTEMPT. */
void KiCheckAttached(PKPROCESS Process, PVOID Routine);
/* The same when a thread is still attached to Process, which is being deleted. */
void KeCheckProcessLeft(PKPROCESS Process);
/* The current thread may have become able to take kernel APCs that wait: asks for the interrupt. */
void KiCheckForKernelApc(PKTHREAD Thread);

/*** Dispatcher objects (ke/event.c, ke/mutant.c), for services. IRQL <= DISPATCH_LEVEL. ***/

/* KeReleaseSemaphore that answers FALSE, and does nothing, when the limit would be passed. */
BOOLEAN KeTryReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              PLONG Previous);
/* KeReleaseMutant that answers FALSE, and does nothing, when the caller does not own Mutant. */
BOOLEAN KeTryReleaseMutant(PRKMUTANT Mutant, PLONG Previous);
/* Takes Mutant from its owner, if it has one: before its memory goes. */
void KeAbandonMutant(PRKMUTANT Mutant);

/*** Threads (ke/thread.c). ***/

typedef void KI_SYSTEM_ROUTINE(PKSTART_ROUTINE StartRoutine, PVOID StartContext);
/* Initialises Thread on a stack [StackLimit, StackBase); it first runs SystemRoutine(Start,
 * Context) at PASSIVE_LEVEL, which must not return. Thread is zeroed memory. Call KeReadyThread to
 * start it. */
void KeInitThread(PKTHREAD Thread, PKPROCESS Process, PVOID StackBase, PVOID StackLimit,
                  KI_SYSTEM_ROUTINE *SystemRoutine, PKSTART_ROUTINE StartRoutine,
                  PVOID StartContext);
void KeReadyThread(PKTHREAD Thread);
/* Signals a process that has exited. IRQL <= DISPATCH_LEVEL. */
void KeSignalProcess(PKPROCESS Process);
void KeInitializeProcess(PKPROCESS Process, KPRIORITY BasePriority, KAFFINITY Affinity,
                         ULONG64 DirectoryTableBase);
/* Ends the current thread: signals it and puts it on the reaper's list. Does not return. */
DECLSPEC_NORETURN void KeTerminateThread(KPRIORITY Increment);
/* Next ended thread whose stack no processor uses any more; waits for one. PASSIVE_LEVEL. */
PKTHREAD KeWaitForDeadThread(void);
/* Makes the running boot context (stack [StackLimit, StackBase)) Prcb's idle thread. */
void KiInitializeIdleThread(PKPRCB Prcb, PKTHREAD Thread, PKPROCESS Process, PVOID StackBase,
                            PVOID StackLimit);
/* Suspends Thread once more; *PreviousCount gets the count before. It stops when it is next at
 * PASSIVE_LEVEL outside critical regions. STATUS_SUSPEND_COUNT_EXCEEDED at 127;
 * STATUS_THREAD_IS_TERMINATING for one that has not started or is ending. IRQL <=
 * DISPATCH_LEVEL. */
NTSTATUS KeSuspendThread(PKTHREAD Thread, ULONG *PreviousCount);
/* Takes one suspend back; the last one lets the thread go on. Returns the count before. */
ULONG KeResumeThread(PKTHREAD Thread);
/* Gives way to a ready thread of the same or higher priority. PASSIVE_LEVEL..APC_LEVEL. */
NTSTATUS NTAPI KeYieldExecution(void);

/*** Start-up (ke/start.c) and processors (ke/mpstart.c). ***/
struct _LOADER_BLOCK;
/* A word Name=VALUE, a number, on the command line; FALSE: there is none. Any IRQL. */
BOOLEAN KiQueryBootOption(const char *Name, ULONG64 *Value);
/* The Index-th word Name=VALUE (from 0): where VALUE begins, and its length; NULL: there are not so
 * many. Any IRQL. */
const char *KiFindBootOption(const char *Name, ULONG Index, SIZE_T *Length);
/* Says which words of the command line nobody will obey, and why. */
void KiCheckCommandLine(void);
void KiSystemStartup(struct _LOADER_BLOCK *LoaderBlock);
extern struct _LOADER_BLOCK *KeLoaderBlock; /* i */
/* Starts every other processor the HAL found. PASSIVE_LEVEL, once. */
void KeStartAllProcessors(void);

/*** Interrupt objects (ke/interrupt.c), for IoConnectInterrupt. PASSIVE_LEVEL. ***/
typedef struct _KI_CONNECTION {
    PKSERVICE_ROUTINE ServiceRoutine;         /* NULL: MessageRoutine */
    PKMESSAGE_SERVICE_ROUTINE MessageRoutine; /* called with MessageId */
    ULONG MessageId;
    PVOID ServiceContext;
    PKSPIN_LOCK SpinLock; /* NULL: the object's own */
    ULONG Vector;
    KIRQL Irql;            /* the vector's */
    KIRQL SynchronizeIrql; /* not below it */
    KINTERRUPT_MODE Mode;
    BOOLEAN ShareVector;
    PVOID Owner;          /* whose it is, for KeQueryInterruptOwner */
    KAFFINITY Processors; /* the lowest of these that runs takes the vector's interrupts */
} KI_CONNECTION, *PKI_CONNECTION;
/* STATUS_INVALID_PARAMETER, also when the vector is in use and somebody does not share;
 * STATUS_INSUFFICIENT_RESOURCES; STATUS_NO_SUCH_DEVICE: no such line. */
NTSTATUS KeConnectInterrupt(const KI_CONNECTION *Connection, PKINTERRUPT *Interrupt);
void KeDisconnectInterrupt(PKINTERRUPT Interrupt);
/* The Owner that it was connected with. */
PVOID KeQueryInterruptOwner(PKINTERRUPT Interrupt);

#include "kidebug.h"
#include "tracepoint.h"
#include "dispatcherlock.h"

#endif
