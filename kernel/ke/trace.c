/*
 * trace.c - the trace's rings, and its switching on and off. Where events come from: tracepoint.h.
 *
 * Each processor has a ring of its own and writes to no other, with interrupts off, so a writer has
 * only an NMI to fear. It reads the time and takes the slot of that time in one go: if an NMI came
 * between the two, it has taken the slot, and the time is read again. So events of a processor
 * stand in the order of their times. The oldest are overwritten; Next says how many there have
 * been.
 *
 * Points are patched while every processor is in a call at IPI_LEVEL with interrupts off: nobody
 * executes one, and as a point is one instruction, nobody stands inside one. Nobody writes an event
 * either, as that happens with interrupts off. So whether the trace runs changes for all processors
 * between two events, and rings can be read and freed after it has stopped. Who was interrupted in
 * a stub before its event finds the trace stopped. A debugger's breakpoints are out of the code
 * meanwhile (KiBeginCodeChange): what is saved is the code itself, and one on a point is on the
 * jump afterwards.
 */
#include "debugger.h"
#include "hal.h"
#include "processor.h"
#include "ps.h"
#include "tracering.h"

#define TRACE_TAG 'ecrT' /* "Trce" in memory */
#define TRACE_THREADS 512
#define JUMP_LENGTH 5
#define JUMP_OPCODE 0xE9
#define CR0_WRITE_PROTECT (1ULL << 16)

/* One place, as tracepoint.h puts it into the section: distances from the fields themselves. */
typedef struct _KI_TRACE_SITE {
    LONG Code, Stub;
    ULONG Kind;
} KI_TRACE_SITE;
extern const KI_TRACE_SITE KiTraceSitesStart[], KiTraceSitesEnd[];

C_ASSERT(KI_TRACE_PROCESSORS == KI_MAX_PROCESSORS);

/* m: changes while KiTraceMutex is held and all processors are in the call. */
static struct {
    PKI_TRACE_RING Ring[KI_MAX_PROCESSORS]; /* m */
    PKI_TRACE_THREAD Threads;               /* m */
    PUCHAR Saved;                           /* m  JUMP_LENGTH bytes of code for each site */
    KI_TRACE_SUMMARY Summary;               /* m */
    volatile LONG ThreadCount;              /* o  TRACE_THREADS and more: no room */
} KiTrace;
static KMUTEX KiTraceMutex = {.Header = {.Type = MutantObject,
                                         .Size = sizeof(KMUTEX) / sizeof(ULONG),
                                         .SignalState = 1,
                                         .WaitListHead = {&KiTraceMutex.Header.WaitListHead,
                                                          &KiTraceMutex.Header.WaitListHead}},
                              .ApcDisable = 1};

/*** Events. Interrupts are off, any IRQL. ***/

ULONG KiTraceGroups(void)
{
    return KiTrace.Summary.Running ? KiTrace.Summary.Groups : 0;
}

void KiPutTraceEvent(ULONG Kind, ULONG Extra, ULONG64 A, ULONG64 B)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKI_TRACE_RING Ring = KiTrace.Ring[Prcb->Number];
    PKI_TRACE_EVENT Event;
    ULONG64 Next, Time;

    do {
        Next = *(volatile ULONG64 *)&Ring->Next;
        Time = __rdtsc();
    } while (!KiTakeTraceSlot(&Ring->Next, Next));
    Event = &Ring->Events[Next & (KiTrace.Summary.Capacity - 1)];
    *Event = (KI_TRACE_EVENT){.Time = Time,
                              .Thread = (ULONG)(ULONG_PTR)Prcb->CurrentThread->Cid.UniqueThread,
                              .Kind = (UCHAR)Kind,
                              .Irql = KeGetCurrentIrql(),
                              .Extra = (USHORT)Extra,
                              .A = A,
                              .B = B};
}

void KiNoteTraceThread(PKTHREAD Thread)
{
    PKI_TRACE_THREAD Entry;
    LONG Index;

    /* The count stands still once there is no room; later threads go by their numbers. */
    if (KiTrace.ThreadCount >= TRACE_THREADS ||
        (Index = InterlockedIncrement(&KiTrace.ThreadCount) - 1) >= TRACE_THREADS) {
        return;
    }
    Entry = &KiTrace.Threads[Index];
    Entry->Id = (ULONG)(ULONG_PTR)Thread->Cid.UniqueThread;
    Entry->Processor = Thread->NextProcessor;
    Entry->Start = (PVOID)Thread->StartAddress;
    memcpy(Entry->Name, Thread->Name, sizeof(Entry->Name));
}

/*** On and off. ***/

static PVOID KiAddressOf(const LONG *Distance)
{
    return (PVOID)((ULONG_PTR)Distance + *Distance);
}

/* Which groups want events of each kind. A software interrupt's return is a drop of the IRQL,
 * too. */
static BOOLEAN KiIsKindTraced(ULONG Kind, ULONG Groups)
{
    static const UCHAR GroupOfKind[KI_TRACE_KIND_COUNT] = {
#define X(Number, Name, Group, Text, Fields) [Number] = KI_TRACE_BIT_##Group,
        KI_TRACE_KINDS(X)
#undef X
    };
    return (BOOLEAN)(Groups >> GroupOfKind[Kind] & 1) ||
           (Kind == KiTraceIntLeave && (Groups >> KI_TRACE_BIT_IRQL & 1));
}

/* Alone in the machine, in the call. */
static void KiPatchSites(ULONG Groups, BOOLEAN On)
{
    PUCHAR Saved = KiTrace.Saved;
    ULONG64 Cr0 = __readcr0();

    __writecr0(Cr0 & ~CR0_WRITE_PROTECT); /* code is read-only, from a second mapping too */
    for (const KI_TRACE_SITE *Site = KiTraceSitesStart; Site != KiTraceSitesEnd; Site++) {
        PUCHAR Code = KiAddressOf(&Site->Code);
        LONG Distance = (LONG)((PUCHAR)KiAddressOf(&Site->Stub) - (Code + JUMP_LENGTH));

        if (KiIsKindTraced(Site->Kind, Groups) && On) {
            memcpy(Saved, Code, JUMP_LENGTH);
            Code[0] = JUMP_OPCODE;
            memcpy(Code + 1, &Distance, sizeof(Distance));
            KiTrace.Summary.Sites++;
        } else if (KiIsKindTraced(Site->Kind, Groups)) {
            memcpy(Code, Saved, JUMP_LENGTH);
        }
        Saved += JUMP_LENGTH;
    }
    __writecr0(Cr0);
}

typedef struct _KI_TRACE_CHANGE {
    ULONG Processor; /* that makes it */
    ULONG Groups;
    BOOLEAN On;
    BOOLEAN Made;       /* Processor's until Done */
    volatile LONG Done; /* o */
} KI_TRACE_CHANGE;

/* FALSE: the machine has crashed, and its code stays as it is. */
static BOOLEAN KiMakeChange(const KI_TRACE_CHANGE *Change)
{
    PKI_TRACE_SUMMARY Summary = &KiTrace.Summary;

    if (!KiBeginCodeChange()) {
        return FALSE;
    }
    if (Change->On) {
        Summary->Groups = Change->Groups;
        Summary->Sites = 0;
        Summary->Start100ns = HalQueryCounter100ns();
        Summary->StartTime = __rdtsc();
    } else {
        Summary->Stop100ns = HalQueryCounter100ns();
        Summary->StopTime = __rdtsc();
    }
    KiPatchSites(Change->Groups, Change->On);
    KiEndCodeChange();
    Summary->Running = Change->On;
    return TRUE;
}

/* On every processor at once: nobody leaves before the code has changed, or executes what it has
 * read of it before. */
static KIPI_BROADCAST_WORKER KiChangeTrace;
static ULONG_PTR NTAPI KiChangeTrace(ULONG_PTR Argument)
{
    KI_TRACE_CHANGE *Change = (KI_TRACE_CHANGE *)Argument;
    BOOLEAN Enabled = KiDisableInterrupts();
    ULONG Info[4];

    if (KeGetCurrentPrcb()->Number == Change->Processor) {
        Change->Made = KiMakeChange(Change);
        __atomic_store_n(&Change->Done, TRUE, __ATOMIC_RELEASE);
    }
    while (!__atomic_load_n(&Change->Done, __ATOMIC_ACQUIRE)) {
        YieldProcessor();
    }
    __cpuidex(Info, 0, 0); /* serialises */
    KiRestoreInterrupts(Enabled);
    return 0;
}

static NTSTATUS KiSwitchTrace(ULONG Groups, BOOLEAN On)
{
    KI_TRACE_CHANGE Change = {.Groups = Groups, .On = On};
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL); /* so that this is still the processor */

    Change.Processor = KeGetCurrentPrcb()->Number;
    KeIpiGenericCall(KiChangeTrace, (ULONG_PTR)&Change);
    KeLowerIrql(OldIrql);
    return Change.Made ? STATUS_SUCCESS : STATUS_DEVICE_NOT_READY;
}

/* The trace does not run, so nobody looks at its memory. */
static void KiFreeTrace(void)
{
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        if (KiTrace.Ring[i] != NULL) {
            ExFreePoolWithTag(KiTrace.Ring[i], TRACE_TAG);
            KiTrace.Ring[i] = NULL;
        }
    }
    if (KiTrace.Threads != NULL) {
        ExFreePoolWithTag(KiTrace.Threads, TRACE_TAG);
    }
    if (KiTrace.Saved != NULL) {
        ExFreePoolWithTag(KiTrace.Saved, TRACE_TAG);
    }
    KiTrace.Threads = NULL;
    KiTrace.Saved = NULL;
    KiTrace.ThreadCount = 0;
    KiTrace.Summary.Capacity = 0;
}

static NTSTATUS KiAllocateTrace(ULONG Capacity)
{
    ULONG Sites = (ULONG)(KiTraceSitesEnd - KiTraceSitesStart);

    KiTrace.Threads =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, TRACE_THREADS * sizeof(KI_TRACE_THREAD), TRACE_TAG);
    KiTrace.Saved = ExAllocatePool2(POOL_FLAG_NON_PAGED, Sites * JUMP_LENGTH, TRACE_TAG);
    if (KiTrace.Threads == NULL || KiTrace.Saved == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        KiTrace.Ring[i] = ExAllocatePool2(
            POOL_FLAG_NON_PAGED, sizeof(KI_TRACE_RING) + (SIZE_T)Capacity * sizeof(KI_TRACE_EVENT),
            TRACE_TAG);
        if (KiTrace.Ring[i] == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    KiTrace.Summary.Capacity = Capacity;
    return STATUS_SUCCESS;
}

static void KiNoteThread(PETHREAD Thread, PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KiNoteTraceThread(Thread);
}

static NTSTATUS KiBeginTrace(ULONG Groups, ULONG Capacity)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (KiTrace.Summary.Running) {
        Status = KiSwitchTrace(KiTrace.Summary.Groups, FALSE);
    }
    if (!NT_SUCCESS(Status)) {
        return Status; /* it runs on */
    }
    KiFreeTrace();
    Status = KiAllocateTrace(Capacity);
    if (NT_SUCCESS(Status)) {
        Status = PsEnumerateThreads(KiNoteThread, NULL);
    }
    if (NT_SUCCESS(Status)) {
        Status = KiSwitchTrace(Groups, TRUE);
    }
    if (!NT_SUCCESS(Status)) {
        KiFreeTrace();
    }
    return Status;
}

NTSTATUS KeStartTrace(ULONG Groups, ULONG Capacity)
{
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KeWaitForSingleObject(&KiTraceMutex, Executive, KernelMode, FALSE, NULL);
    Status = KiBeginTrace(Groups, Capacity);
    KeReleaseMutex(&KiTraceMutex, FALSE);
    return Status;
}

NTSTATUS KeStopTrace(void)
{
    NTSTATUS Status = STATUS_INVALID_DEVICE_STATE;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KeWaitForSingleObject(&KiTraceMutex, Executive, KernelMode, FALSE, NULL);
    if (KiTrace.Summary.Running) {
        Status = KiSwitchTrace(KiTrace.Summary.Groups, FALSE);
    }
    KeReleaseMutex(&KiTraceMutex, FALSE);
    return Status;
}

/*** What was recorded. ***/

void KeQueryTrace(PKI_TRACE_SUMMARY Summary)
{
    KeWaitForSingleObject(&KiTraceMutex, Executive, KernelMode, FALSE, NULL);
    *Summary = KiTrace.Summary;
    Summary->Threads = (ULONG)min(KiTrace.ThreadCount, TRACE_THREADS);
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        Summary->Recorded[i] = KiTrace.Ring[i] != NULL ? KiTrace.Ring[i]->Next : 0;
    }
    KeReleaseMutex(&KiTraceMutex, FALSE);
}

static BOOLEAN KiCopyEvent(ULONG Processor, ULONG64 Index, PKI_TRACE_EVENT Event)
{
    PKI_TRACE_RING Ring = Processor < KI_MAX_PROCESSORS ? KiTrace.Ring[Processor] : NULL;
    ULONG64 Capacity = KiTrace.Summary.Capacity;

    if (KiTrace.Summary.Running || Ring == NULL || Index >= Ring->Next ||
        Index + Capacity < Ring->Next) {
        return FALSE;
    }
    *Event = Ring->Events[Index & (Capacity - 1)];
    return TRUE;
}

BOOLEAN KeReadTrace(ULONG Processor, ULONG64 Index, PKI_TRACE_EVENT Event)
{
    BOOLEAN Copied;

    KeWaitForSingleObject(&KiTraceMutex, Executive, KernelMode, FALSE, NULL);
    Copied = KiCopyEvent(Processor, Index, Event);
    KeReleaseMutex(&KiTraceMutex, FALSE);
    return Copied;
}

BOOLEAN KeReadTraceThread(ULONG Index, PKI_TRACE_THREAD Thread)
{
    BOOLEAN Known;

    KeWaitForSingleObject(&KiTraceMutex, Executive, KernelMode, FALSE, NULL);
    Known = (BOOLEAN)(Index < (ULONG)min(KiTrace.ThreadCount, TRACE_THREADS));
    if (Known) {
        *Thread = KiTrace.Threads[Index];
    }
    KeReleaseMutex(&KiTraceMutex, FALSE);
    return Known;
}
