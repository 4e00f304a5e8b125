/*
 * Device interrupts: which service routines belong to which vector.
 *
 * A vector has a chain of KINTERRUPT objects and a lock. The lock is held at the vector's IRQL
 * while the chain is walked, so an object can be taken out only while no processor is in its
 * service routine, and a vector is serviced by one processor at a time. Inside it each routine is
 * called at its SynchronizeIrql under its own (or the driver's) interrupt spin lock, which is what
 * KeSynchronizeExecution takes too.
 *
 * Level-triggered: routines are asked until one claims the interrupt; if another device pulls the
 * line as well, the interrupt comes again after EOI. Edge-triggered: no second interrupt will come
 * for a device that asked during this one, so a shared chain is walked until nobody claims
 * anything.
 */
#include <ntddk.h>
#include "hal.h"
#include "kd.h"
#include "ldr.h"
#include "leak.h"
#include "processor.h"

#define INTERRUPT_TAG 'rtnI' /* "Intr" in memory */
/* An unclaimed level-triggered line that stays up would stop the processor: so many in a row are
 * taken for that, and the line is masked. */
#define STORM_LIMIT 100000

typedef struct _KINTERRUPT {
    SHORT Type; /* InterruptObject */
    SHORT Size;
    LIST_ENTRY ChainEntry;    /* v */
    KI_CONNECTION Connection; /* i */
    KSPIN_LOCK SpinLock;      /* used unless the driver brought one */
    PKSPIN_LOCK ActualLock;   /* i */
    ULONG64 ClaimedCount;     /* v */
    ULONG64 UnclaimedCount;   /* v */
} KINTERRUPT;

/* v: fields guarded by this lock, taken at the vector's IRQL. */
typedef struct _KI_VECTOR {
    KSPIN_LOCK Lock;
    LIST_ENTRY Chain;   /* v  Flink NULL: never used */
    ULONG UnclaimedRun; /* v  interrupts in a row that nobody claimed */
} KI_VECTOR;

static KI_VECTOR KiVectors[256];
/* Held while a routine is connected or disconnected: the chain and whether the vector is enabled
 * change together. A mutex, so that no normal APC of its owner's can come and want it. */
static KMUTEX KiConnectMutex = {.Header = {.Type = MutantObject,
                                           .Size = sizeof(KMUTEX) / sizeof(ULONG),
                                           .SignalState = 1,
                                           .WaitListHead = {&KiConnectMutex.Header.WaitListHead,
                                                            &KiConnectMutex.Header.WaitListHead}},
                                .ApcDisable = 1};
static volatile LONG64 KiUnexpectedInterrupts; /* o */

/* A connection has exactly one of the two: a message-signalled routine is told which message
 * came. */
static BOOLEAN KiCallRoutine(PKINTERRUPT Interrupt, const KI_CONNECTION *To)
{
    return To->ServiceRoutine != NULL
               ? To->ServiceRoutine(Interrupt, To->ServiceContext)
               : To->MessageRoutine(Interrupt, To->ServiceContext, To->MessageId);
}

/* For people. */
static PVOID KiRoutineOf(PKINTERRUPT Interrupt)
{
    return Interrupt->Connection.ServiceRoutine != NULL
               ? (PVOID)Interrupt->Connection.ServiceRoutine
               : (PVOID)Interrupt->Connection.MessageRoutine;
}

/*
 * One routine, at its SynchronizeIrql and under its lock. A routine that comes back at another IRQL
 * has broken the order of everything below it: stop while it can still be named.
 */
static BOOLEAN KiCallServiceRoutine(PKINTERRUPT Interrupt)
{
    KIRQL OldIrql = KI_TRACE_IRQL(IsrBegin, KiRoutineOf(Interrupt), 0, 0);
    BOOLEAN Claimed;
    ULONG Held;

    if (Interrupt->Connection.SynchronizeIrql != OldIrql) {
        KfRaiseIrql(Interrupt->Connection.SynchronizeIrql);
    }
    KiAcquireRawLock(Interrupt->ActualLock);
    Held = KiCountHeldLocks();
    Claimed = KiCallRoutine(Interrupt, &Interrupt->Connection);
    KiCheckReturnedLocks(KiRoutineOf(Interrupt), Held);
    KiReleaseRawLock(Interrupt->ActualLock);
    if (KI_TRACE_IRQL(IsrEnd, KiRoutineOf(Interrupt), 0, Claimed) !=
        Interrupt->Connection.SynchronizeIrql) {
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE,
                     KeGetCurrentIrql() << 16 | Interrupt->Connection.SynchronizeIrql << 8, 0,
                     (ULONG_PTR)KiRoutineOf(Interrupt), (ULONG_PTR)Interrupt);
    }
    if (Interrupt->Connection.SynchronizeIrql != OldIrql) {
        KeLowerIrql(OldIrql);
    }
    Claimed ? Interrupt->ClaimedCount++ : Interrupt->UnclaimedCount++;
    return Claimed;
}

/* One walk along the chain, in the order of connection, which is the order in which drivers that
 * share a line have always been asked. TRUE when some routine claimed the interrupt. */
static BOOLEAN KiWalkChain(KI_VECTOR *Entry, BOOLEAN StopWhenClaimed)
{
    BOOLEAN AnyClaimed = FALSE;

    for (PLIST_ENTRY Link = Entry->Chain.Flink; Link != &Entry->Chain; Link = Link->Flink) {
        if (KiCallServiceRoutine(CONTAINING_RECORD(Link, KINTERRUPT, ChainEntry))) {
            AnyClaimed = TRUE;
            if (StopWhenClaimed) {
                break;
            }
        }
    }
    return AnyClaimed;
}

/* All objects of a chain have the same mode, so the first one's tells which of the two rules at the
 * top applies. An edge-triggered vector of one driver needs no second walk: a routine that leaves
 * its own device asking has nobody else to blame. */
static BOOLEAN KiServiceChain(KI_VECTOR *Entry)
{
    PKINTERRUPT First = CONTAINING_RECORD(Entry->Chain.Flink, KINTERRUPT, ChainEntry);
    BOOLEAN Shared = First->ChainEntry.Flink != &Entry->Chain;
    BOOLEAN Claimed = KiWalkChain(Entry, First->Connection.Mode == LevelSensitive);

    if (First->Connection.Mode == Latched && Shared && Claimed) {
        while (KiWalkChain(Entry, FALSE)) {
        }
    }
    return Claimed;
}

/* An edge or a message that nobody wants is over: only a level can come back without end. */
static BOOLEAN KiIsEdgeTriggered(KI_VECTOR *Entry)
{
    return CONTAINING_RECORD(Entry->Chain.Flink, KINTERRUPT, ChainEntry)->Connection.Mode ==
           Latched;
}

/* Said once, since the line is masked then; it stays so until somebody connects anew. */
static void KiCheckForStorm(KI_VECTOR *Entry, ULONG Vector)
{
    if (++Entry->UnclaimedRun == STORM_LIMIT) {
        HalDisableInterrupt(Vector);
        KdPrintf("ke: vector %02x: %u interrupts in a row that no driver claimed; masked\n", Vector,
                 STORM_LIMIT);
    }
}

/* From the stub, at the vector's IRQL with interrupts on. */
void KiDispatchDeviceInterrupt(PKPRCB Prcb, ULONG Vector)
{
    KI_VECTOR *Entry = &KiVectors[Vector];

    UNREFERENCED_PARAMETER(Prcb);
    KiAcquireRawLock(&Entry->Lock);
    if (Entry->Chain.Flink == NULL || IsListEmpty(&Entry->Chain)) {
        InterlockedIncrement64(&KiUnexpectedInterrupts); /* as after the last disconnect */
    } else if (KiServiceChain(Entry) || KiIsEdgeTriggered(Entry)) {
        Entry->UnclaimedRun = 0;
    } else {
        KiCheckForStorm(Entry, Vector);
    }
    KiReleaseRawLock(&Entry->Lock);
}

/* The vector's interrupt cannot come to this processor while the lock is held. */
static KIRQL KiLockVector(ULONG Vector)
{
    KIRQL OldIrql = KfRaiseIrql((KIRQL)(Vector >> 4));
    KiAcquireRawLock(&KiVectors[Vector].Lock);
    return OldIrql;
}

static void KiUnlockVector(ULONG Vector, KIRQL OldIrql)
{
    KiReleaseRawLock(&KiVectors[Vector].Lock);
    KeLowerIrql(OldIrql);
}

/* Whether Interrupt may stand beside what is in the chain already. Lock held. */
static BOOLEAN KiMayJoinChain(KI_VECTOR *Entry, PKINTERRUPT Interrupt)
{
    PKINTERRUPT First;

    if (Entry->Chain.Flink == NULL) {
        InitializeListHead(&Entry->Chain);
        KiRankLock(&Entry->Lock, "vector", LOCK_ORDER_KE_VECTOR);
    }
    if (IsListEmpty(&Entry->Chain)) {
        return TRUE;
    }
    First = CONTAINING_RECORD(Entry->Chain.Flink, KINTERRUPT, ChainEntry);
    return First->Connection.ShareVector && Interrupt->Connection.ShareVector &&
           First->Connection.Mode == Interrupt->Connection.Mode;
}

/* Links Interrupt in; *First: the vector was unused and has to be enabled. That comes after the
 * lock is given back: HalEnableInterrupt may take its time, and an interrupt that comes in between
 * already finds the routine. */
static BOOLEAN KiJoinChain(PKINTERRUPT Interrupt, PBOOLEAN First)
{
    KI_VECTOR *Entry = &KiVectors[Interrupt->Connection.Vector];
    KIRQL OldIrql = KiLockVector(Interrupt->Connection.Vector);
    BOOLEAN Joined = KiMayJoinChain(Entry, Interrupt);

    if (Joined) {
        *First = IsListEmpty(&Entry->Chain);
        Entry->UnclaimedRun = 0;
        InsertTailList(&Entry->Chain, &Interrupt->ChainEntry);
    }
    KiUnlockVector(Interrupt->Connection.Vector, OldIrql);
    return Joined;
}

/* After it no processor is in the service routine, nor will one enter it. TRUE: it was the last. */
static BOOLEAN KiLeaveChain(PKINTERRUPT Interrupt)
{
    KIRQL OldIrql = KiLockVector(Interrupt->Connection.Vector);
    BOOLEAN Last = RemoveEntryList(&Interrupt->ChainEntry);

    KiUnlockVector(Interrupt->Connection.Vector, OldIrql);
    return Last;
}

/* The lowest of Processors that runs; the connection was found valid, so there is one. */
static ULONG KiChooseProcessor(KAFFINITY Processors)
{
    return (ULONG)__builtin_ctzll(Processors & KeActiveProcessors);
}

/* Interrupt joins its vector, which is enabled for the first. KiConnectMutex is held. */
static NTSTATUS KiConnectToVector(PKINTERRUPT Interrupt)
{
    BOOLEAN First;
    NTSTATUS Status = STATUS_SUCCESS;

    if (!KiJoinChain(Interrupt, &First)) {
        return STATUS_INVALID_PARAMETER; /* in use, and somebody does not share */
    }
    if (First) {
        Status = HalEnableInterrupt(Interrupt->Connection.Vector, Interrupt->Connection.Mode,
                                    KiChooseProcessor(Interrupt->Connection.Processors));
        if (!NT_SUCCESS(Status)) {
            KiLeaveChain(Interrupt);
        }
    }
    return Status;
}

/* Everything that does not depend on who else uses the vector. */
static BOOLEAN KiIsConnectionValid(const KI_CONNECTION *To)
{
    return To->Vector >= KI_FIRST_DEVICE_VECTOR && To->Vector <= KI_LAST_DEVICE_VECTOR &&
           To->Irql == To->Vector >> 4 && To->SynchronizeIrql >= To->Irql &&
           To->SynchronizeIrql <= HIGH_LEVEL && (To->Processors & KeActiveProcessors) != 0 &&
           (To->Mode == LevelSensitive || To->Mode == Latched) &&
           (To->ServiceRoutine != NULL || To->MessageRoutine != NULL);
}

NTSTATUS KeConnectInterrupt(const KI_CONNECTION *Connection, PKINTERRUPT *Object)
{
    PKINTERRUPT Interrupt;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    *Object = NULL;
    if (!KiIsConnectionValid(Connection)) {
        return STATUS_INVALID_PARAMETER;
    }
    Interrupt = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Interrupt), INTERRUPT_TAG);
    if (Interrupt == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Interrupt = (KINTERRUPT){
        .Type = InterruptObject, .Size = sizeof(*Interrupt), .Connection = *Connection};
    Interrupt->ActualLock =
        Connection->SpinLock != NULL ? Connection->SpinLock : &Interrupt->SpinLock;
    /* An interrupt may come as soon as the vector is enabled, before the caller gets the pointer
     * from the return: hand it out first. */
    *Object = Interrupt;
    KeWaitForSingleObject(&KiConnectMutex, Executive, KernelMode, FALSE, NULL);
    Status = KiConnectToVector(Interrupt);
    KeReleaseMutex(&KiConnectMutex, FALSE);
    if (!NT_SUCCESS(Status)) {
        *Object = NULL;
        ExFreePoolWithTag(Interrupt, INTERRUPT_TAG);
    }
    return Status;
}

/* Out of the chain first: then the routine cannot run any more, whether or not another interrupt is
 * on its way already. One that is finds an empty chain and is counted as nobody's. */
void KeDisconnectInterrupt(PKINTERRUPT Interrupt)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KI_ASSERT(Interrupt->Type == InterruptObject);
    KeWaitForSingleObject(&KiConnectMutex, Executive, KernelMode, FALSE, NULL);
    if (KiLeaveChain(Interrupt)) {
        HalDisableInterrupt(Interrupt->Connection.Vector);
    }
    KeReleaseMutex(&KiConnectMutex, FALSE);
    Interrupt->Type = 0;
    ExFreePoolWithTag(Interrupt, INTERRUPT_TAG);
}

PVOID KeQueryInterruptOwner(PKINTERRUPT Interrupt)
{
    KI_ASSERT(Interrupt->Type == InterruptObject);
    return Interrupt->Connection.Owner;
}

/* From above SynchronizeIrql the lock may be held by what this processor interrupted: it would wait
 * for itself. */
KIRQL NTAPI KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt)
{
    KIRQL OldIrql = KeGetCurrentIrql();

    if (OldIrql > Interrupt->Connection.SynchronizeIrql) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Interrupt, OldIrql, 0,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    KfRaiseIrql(Interrupt->Connection.SynchronizeIrql);
    KiAcquireRawLock(Interrupt->ActualLock);
    return OldIrql;
}

void NTAPI KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql)
{
    KiReleaseRawLock(Interrupt->ActualLock);
    KeLowerIrql(OldIrql);
}

/* How code of a lower IRQL shares data with its ISR (book chapter 6): raising keeps the interrupt
 * off this processor, the lock keeps the routine from running on another one. Neither alone is
 * enough. */
BOOLEAN NTAPI KeSynchronizeExecution(PKINTERRUPT Interrupt,
                                     PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                                     PVOID SynchronizeContext)
{
    KIRQL OldIrql = KeAcquireInterruptSpinLock(Interrupt);
    BOOLEAN Result = SynchronizeRoutine(SynchronizeContext);

    KeReleaseInterruptSpinLock(Interrupt, OldIrql);
    return Result;
}

static const char *KiKernelVectorName(ULONG Vector)
{
    switch (Vector) {
    case KI_VECTOR_APC:
        return "APC delivery";
    case KI_VECTOR_DISPATCH:
        return "DPCs, timers, scheduler";
    case KI_VECTOR_CLOCK:
        return "clock";
    case KI_VECTOR_IPI:
        return "other processors' requests";
    default:
        return NULL;
    }
}

void KiFindInterruptLeaks(PLDR_LEAKS Leaks)
{
    for (ULONG Vector = 0; Vector < ARRAYSIZE(KiVectors); Vector++) {
        PLIST_ENTRY Chain = &KiVectors[Vector].Chain;
        KIRQL OldIrql;

        if (Chain->Flink == NULL) {
            continue; /* never used */
        }
        OldIrql = KiLockVector(Vector);
        for (PLIST_ENTRY Link = Chain->Flink; Link != Chain; Link = Link->Flink) {
            PKINTERRUPT Interrupt = CONTAINING_RECORD(Link, KINTERRUPT, ChainEntry);
            PVOID Routine = (PVOID)KiRoutineOf(Interrupt);

            if (LdrIsInImage(Leaks, Routine)) {
                LdrNoteLeak(Leaks, LdrLeakInterrupt, Interrupt, Routine);
            }
        }
        KiUnlockVector(Vector, OldIrql);
    }
}

/* Copied first: while the vector is locked its interrupt waits, and printing takes long. */
static void KiPrintOwners(PKD_CONSOLE Console, ULONG Vector)
{
    struct {
        PVOID Routine;
        ULONG64 Claimed, Unclaimed;
        KINTERRUPT_MODE Mode;
    } Owner[8];
    ULONG Count = 0;
    KIRQL OldIrql = KiLockVector(Vector);
    PLIST_ENTRY Chain = &KiVectors[Vector].Chain;

    for (PLIST_ENTRY Link = Chain->Flink; Link != NULL && Link != Chain && Count < ARRAYSIZE(Owner);
         Link = Link->Flink) {
        PKINTERRUPT Interrupt = CONTAINING_RECORD(Link, KINTERRUPT, ChainEntry);
        Owner[Count].Routine = KiRoutineOf(Interrupt);
        Owner[Count].Claimed = Interrupt->ClaimedCount;
        Owner[Count].Unclaimed = Interrupt->UnclaimedCount;
        Owner[Count++].Mode = Interrupt->Connection.Mode;
    }
    KiUnlockVector(Vector, OldIrql);
    for (ULONG i = 0; i < Count; i++) {
        CHAR Name[80];
        LdrFormatAddress(Owner[i].Routine, Name, sizeof(Name));
        KdConsolePrint(Console, "  %s (%s), %llu claimed, %llu not", Name,
                       Owner[i].Mode == Latched ? "edge" : "level", Owner[i].Claimed,
                       Owner[i].Unclaimed);
    }
}

/* Vectors that somebody has connected, or that have come at least once. */
static BOOLEAN KiIsVectorOfInterest(ULONG Vector)
{
    BOOLEAN Counted = FALSE;

    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        Counted |= KiProcessorBlock[i]->Processor->VectorCount[Vector] != 0;
    }
    return Counted ||
           (KiVectors[Vector].Chain.Flink != NULL && !IsListEmpty(&KiVectors[Vector].Chain));
}

static NTSTATUS KiInterruptsCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "vector IRQL");
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        KdConsolePrint(Console, "      CPU %-2u", i);
    }
    KdConsolePrint(Console, "  owner\n");
    for (ULONG Vector = 0; Vector < ARRAYSIZE(KiVectors); Vector++) {
        if (!KiIsVectorOfInterest(Vector)) {
            continue;
        }
        KdConsolePrint(Console, "    %02x %4u", Vector, Vector >> 4);
        for (ULONG i = 0; i < KeNumberProcessors; i++) {
            KdConsolePrint(Console, "%12llu", KiProcessorBlock[i]->Processor->VectorCount[Vector]);
        }
        if (KiKernelVectorName(Vector) != NULL) {
            KdConsolePrint(Console, "  %s", KiKernelVectorName(Vector));
        } else {
            KiPrintOwners(Console, Vector);
        }
        KdConsolePrint(Console, "\n");
    }
    KdConsolePrint(Console, "%lld on vectors without an owner\n", KiUnexpectedInterrupts);
    return STATUS_SUCCESS;
}
KD_COMMAND("interrupts", "", "interrupts taken, by vector and processor, and their owners",
           KiInterruptsCommand);
