/*
 * Promises: RtlCaptureStackBackTrace and RtlWalkFrameChain name each routine that called, the
 * caller first, through a driver's frames and the kernel's, in a thread, in a completion routine,
 * in a DPC and an interprocessor interrupt down to the routine that they interrupted; frames can be
 * skipped, the number is kept to, the hash depends on the frames alone; a stack that was
 * overwritten ends the list and harms nothing. RtlLookupFunctionEntry and RtlPcToFileHeader know
 * the routine and the image of an address.
 */
#include "kmtdevice.h"

#define DEPTH 40

typedef struct _TRACE {
    ULONG Count;
    ULONG Hash;
    PVOID Frames[DEPTH];
} TRACE, *PTRACE;

static TRACE Thread, Inner, Dpc, Ipi, Completion;

static VOID Capture(PTRACE Trace)
{
    Trace->Count = RtlCaptureStackBackTrace(0, DEPTH, Trace->Frames, &Trace->Hash);
}

/* Address of the routine that Frame lies in; 0: none of a driver. */
static ULONG64 RoutineOf(PVOID Frame)
{
    ULONG64 Base;
    PRUNTIME_FUNCTION Entry = RtlLookupFunctionEntry((ULONG64)Frame, &Base, NULL);

    return Entry != NULL ? Base + Entry->BeginAddress : 0;
}

/* Index of the first frame from From on that is in Routine; DEPTH: none. */
static ULONG Find(PTRACE Trace, ULONG From, PVOID Routine)
{
    for (ULONG i = From; i < Trace->Count; i++) {
        if (RoutineOf(Trace->Frames[i]) == (ULONG64)Routine) {
            return i;
        }
    }
    return DEPTH;
}

/*** Calls ***/

static __declspec(noinline) ULONG Third(PTRACE Trace)
{
    Capture(Trace);
    return Trace->Count + 1;
}

static __declspec(noinline) ULONG Second(PTRACE Trace, ULONG Size)
{
    volatile UCHAR Space[6000]; /* more than a page: probed */

    Space[Size] = 1;
    return Third(Trace) + Space[Size];
}

static __declspec(noinline) ULONG First(PTRACE Trace)
{
    return Second(Trace, Trace->Count) + 1;
}

static VOID TestCalls(VOID)
{
    PVOID Frames[DEPTH], Base;
    ULONG Hash = 0, Again, Entry;
    ULONG64 Image;

    First(&Thread);
    Entry = Find(&Thread, 0, (PVOID)(ULONG_PTR)Third);
    KMT_CHECK(Entry <= 1, "the caller stands first");
    KMT_EQUAL(Find(&Thread, 0, (PVOID)(ULONG_PTR)Second), Entry + 1, "then who called that");
    KMT_EQUAL(Find(&Thread, 0, (PVOID)(ULONG_PTR)First), Entry + 2, "and so on");
    KMT_CHECK(Find(&Thread, 0, (PVOID)(ULONG_PTR)DriverEntry) != DEPTH, "down to DriverEntry");
    KMT_CHECK(Thread.Count >= Entry + 6 && Thread.Count < DEPTH &&
                  RoutineOf(Thread.Frames[Thread.Count - 1]) == 0,
              "and the kernel's routines below it, to the thread's first");
    for (ULONG i = 0; i < Thread.Count; i++) {
        Hash += (ULONG)(ULONG_PTR)Thread.Frames[i];
    }
    KMT_EQUAL(Thread.Hash, Hash, "the hash is the frames' sum");
    KMT_EQUAL(RtlCaptureStackBackTrace(0, 2, Frames, &Again), 2, "no more than asked for");
    KMT_EQUAL(Again, (ULONG)(ULONG_PTR)Frames[0] + (ULONG)(ULONG_PTR)Frames[1], "hashed alike");
    KMT_EQUAL(RtlCaptureStackBackTrace(1, 1, Frames, NULL), 1, "one frame skipped");
    KMT_EQUAL(RtlCaptureStackBackTrace(500, DEPTH, Frames, NULL), 0, "all frames skipped");
    KMT_CHECK(RtlPcToFileHeader(Thread.Frames[Entry], &Base) == Base && Base != NULL &&
                  *(PUSHORT)Base == 0x5A4D,
              "the image of an address begins with MZ");
    KMT_CHECK(RtlLookupFunctionEntry((ULONG64)Thread.Frames[Entry], &Image, NULL) != NULL &&
                  Image == (ULONG64)Base,
              "its routine's entry is of that image");
    KMT_CHECK(RtlPcToFileHeader(Frames, &Base) == NULL && Base == NULL, "a stack is in no image");
    KMT_CHECK(RtlLookupFunctionEntry((ULONG64)Frames, &Image, NULL) == NULL && Image == 0,
              "and no routine");
}

static __declspec(noinline) ULONG Chain(PVOID *Frames, ULONG Count, ULONG Flags)
{
    ULONG Written = RtlWalkFrameChain(Frames, Count, Flags);

    return Written != 0 ? Written : 0x1000;
}

static VOID TestChain(VOID)
{
    PVOID All[DEPTH], Some[DEPTH];
    ULONG Count = Chain(All, DEPTH, 0), Rest;

    KMT_CHECK(RoutineOf(All[0]) == (ULONG64)(ULONG_PTR)Chain,
              "RtlWalkFrameChain: the caller first");
    Rest = Chain(Some, DEPTH, 2 << RTL_STACK_WALKING_MODE_FRAMES_TO_SKIP_SHIFT);
    KMT_EQUAL(Rest, Count - 2, "frames to skip in its flags");
    KMT_CHECK(RtlCompareMemory(Some + 1, All + 3, (Rest - 1) * sizeof(PVOID)) ==
                  (Rest - 1) * sizeof(PVOID),
              "the others as before");
    KMT_EQUAL(Chain(All, DEPTH, RTL_WALK_USER_MODE_STACK), 0x1000, "no user's stack");
}

/*** Interrupted ***/

static KDPC Object;
static volatile LONG Ran;

static VOID NTAPI DpcRoutine(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Capture(Context);
    InterlockedExchange(&Ran, 1);
}

static ULONG_PTR NTAPI IpiRoutine(ULONG_PTR Argument)
{
    if (KeGetCurrentProcessorNumber() != 0) {
        return 0;
    }
    Capture((PTRACE)Argument);
    return 1;
}

/* The DPC interrupts this processor as soon as the IRQL drops. */
static __declspec(noinline) ULONG Interrupted(VOID)
{
    KIRQL Irql = KfRaiseIrql(DISPATCH_LEVEL);

    KeInsertQueueDpc(&Object, NULL, NULL);
    KeLowerIrql(Irql);
    while (!Ran) {
        YieldProcessor();
    }
    return 3;
}

static VOID TestInterrupts(VOID)
{
    ULONG Own;

    KeInitializeDpc(&Object, DpcRoutine, &Dpc);
    KeSetSystemAffinityThread(1);
    KeSetTargetProcessorDpc(&Object, 0);
    Interrupted();
    Own = Find(&Dpc, 0, (PVOID)(ULONG_PTR)DpcRoutine);
    KMT_CHECK(Own <= 1, "a DPC stands first");
    KMT_CHECK(Find(&Dpc, Own + 2, (PVOID)(ULONG_PTR)Interrupted) != DEPTH,
              "below the kernel's handlers the driver's routine that it interrupted");
    KMT_CHECK(Find(&Dpc, 0, (PVOID)(ULONG_PTR)DriverEntry) != DEPTH, "and who had called that");
    KMT_CHECK(Dpc.Count < DEPTH && RoutineOf(Dpc.Frames[Dpc.Count - 1]) == 0 &&
                  Dpc.Frames[Dpc.Count - 1] == Thread.Frames[Thread.Count - 1],
              "to the same end");
    KeRevertToUserAffinityThread();

    KeIpiGenericCall(IpiRoutine, (ULONG_PTR)&Ipi);
    KMT_CHECK(Find(&Ipi, 0, (PVOID)(ULONG_PTR)IpiRoutine) <= 1 && Ipi.Count >= 4,
              "at IPI_LEVEL, through what the processor was doing");
}

/*** A completion routine ***/

static PDEVICE_OBJECT Device;

static NTSTATUS NTAPI Done(PDEVICE_OBJECT None, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(None);
    UNREFERENCED_PARAMETER(Irp);
    Capture(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Self, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Self);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static __declspec(noinline) ULONG Send(PIRP Irp)
{
    return (ULONG)IoCallDriver(Device, Irp) + 1;
}

static VOID TestCompletion(VOID)
{
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    ULONG Place;

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, Done, &Completion, TRUE, TRUE, TRUE);
    Send(Irp);
    IoFreeIrp(Irp);
    Place = Find(&Completion, 0, (PVOID)(ULONG_PTR)Done);
    KMT_CHECK(Place <= 1, "a completion routine stands first");
    KMT_CHECK(Find(&Completion, Place + 2, (PVOID)(ULONG_PTR)Send) != DEPTH,
              "below it, through the kernel's frames, who sent the request");
}

/*** A damaged stack ***/

PVOID _AddressOfReturnAddress(VOID);

/* The return address is put back: whoever looked meanwhile found one that leads nowhere. */
static __declspec(noinline) ULONG Trash(ULONG64 Value)
{
    ULONG64 *Return = (ULONG64 *)_AddressOfReturnAddress();
    ULONG64 Saved = *Return;

    *(volatile ULONG64 *)Return = Value;
    Capture(&Inner);
    *(volatile ULONG64 *)Return = Saved;
    return Inner.Count + 1;
}

static VOID TestDamage(VOID)
{
    Trash(0x4141414141414141);
    KMT_CHECK(Find(&Inner, 0, (PVOID)(ULONG_PTR)Trash) <= 1 && Inner.Count <= 2,
              "a return address that is none ends the list");
    Trash((ULONG64)&Inner);
    KMT_CHECK(Inner.Count <= 2, "so does one in data");
    Trash(0);
    KMT_CHECK(Inner.Count <= 2, "and 0");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Dispatch;
    Device = KmtCreateDevice(NULL, 0, FALSE);
    TestCalls();
    TestChain();
    TestInterrupts();
    TestCompletion();
    TestDamage();
    IoDeleteDevice(Device);
}
