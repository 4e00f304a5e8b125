/*
 * Promises: a DPC runs once for each insertion that answered TRUE, at DISPATCH_LEVEL, on its
 * target, when the IRQL drops by whatever means, in the order its importance gives; it may queue or
 * free itself; removing and flushing do what they say; interrupts leave a thread's XMM registers
 * alone.
 */
#include "kmt.h"

static volatile LONG Runs;
static volatile LONG RunsAtWrongLevel;
static volatile PVOID LastArgument;

static VOID NTAPI Count(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        InterlockedIncrement(&RunsAtWrongLevel);
    }
    LastArgument = Argument1;
    InterlockedIncrement(&Runs);
}

static VOID TestIrqlDecides(VOID)
{
    KDPC Dpc;
    KIRQL OldIrql;

    KeInitializeDpc(&Dpc, Count, NULL);
    Runs = 0;
    KMT_CHECK(KeInsertQueueDpc(&Dpc, (PVOID)1, NULL), "a DPC is queued");
    KMT_EQUAL(Runs, 1, "at PASSIVE_LEVEL it has run when the call returns");

    /* Raised and lowered by inline CR8 writes: the kernel is not called. */
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KMT_CHECK(KeInsertQueueDpc(&Dpc, (PVOID)2, NULL), "it is queued at DISPATCH_LEVEL");
    KMT_EQUAL(Runs, 1, "there it does not run");
    KMT_CHECK(!KeInsertQueueDpc(&Dpc, (PVOID)3, NULL), "a queued DPC is not queued again");
    KeLowerIrql(OldIrql);
    KMT_EQUAL(Runs, 2, "it runs when the IRQL drops");
    KMT_EQUAL((ULONG_PTR)LastArgument, 2, "with the first insertion's arguments");
    KMT_EQUAL(RunsAtWrongLevel, 0, "DPCs run at DISPATCH_LEVEL");
}

static VOID TestRemoval(VOID)
{
    KDPC Dpc;
    KIRQL OldIrql;

    KeInitializeDpc(&Dpc, Count, NULL);
    Runs = 0;
    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KMT_CHECK(KeRemoveQueueDpc(&Dpc), "a queued DPC is removed, even at HIGH_LEVEL");
    KMT_CHECK(!KeRemoveQueueDpc(&Dpc), "and then is not there any more");
    KeLowerIrql(OldIrql);
    KeFlushQueuedDpcs();
    KMT_EQUAL(Runs, 0, "a removed DPC does not run");
}

static CHAR Order[8];
static LONG Position;

static VOID NTAPI Note(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Order[Position++] = (CHAR)(ULONG_PTR)Context;
}

static VOID TestImportance(VOID)
{
    static const struct {
        CHAR Name;
        KDPC_IMPORTANCE Importance;
    } Queued[] = {{'m', MediumImportance},
                  {'l', LowImportance},
                  {'h', HighImportance},
                  {'M', MediumHighImportance},
                  {'H', HighImportance}};
    KDPC Dpcs[ARRAYSIZE(Queued)];
    KIRQL OldIrql;

    Position = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (ULONG i = 0; i < ARRAYSIZE(Queued); i++) {
        KeInitializeDpc(&Dpcs[i], Note, (PVOID)(ULONG_PTR)Queued[i].Name);
        KeSetImportanceDpc(&Dpcs[i], Queued[i].Importance);
        KeInsertQueueDpc(&Dpcs[i], NULL, NULL);
    }
    KeLowerIrql(OldIrql);
    KMT_CHECK(strcmp(Order, "HhmlM") == 0,
              "high importance goes to the head, all others to the tail");
}

static VOID NTAPI NoteProcessor(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    *(volatile ULONG *)Context = KeGetCurrentProcessorNumber();
}

static VOID TestTargets(VOID)
{
    static const KDPC_IMPORTANCE Importances[] = {LowImportance, MediumImportance, HighImportance,
                                                  MediumHighImportance};
    LONG Wrong = 0;

    for (ULONG Round = 0; Round < 100; Round++) {
        ULONG Target = Round % KmtProcessors();
        volatile ULONG Seen = MAXULONG;
        KDPC Dpc;
        KeInitializeDpc(&Dpc, NoteProcessor, (PVOID)&Seen);
        KeSetTargetProcessorDpc(&Dpc, (CCHAR)Target);
        KeSetImportanceDpc(&Dpc, Importances[Round / 8 % 4]);
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        KeFlushQueuedDpcs();
        Wrong += Seen != Target;
    }
    KMT_EQUAL(Wrong, 0, "targeted DPCs ran on their processors before the flush returned");
}

/* Without a flush: every importance gets through in the end, by interrupt or by clock tick. */
static VOID TestAllArrive(VOID)
{
    static KDPC Dpcs[32];
    ULONG Processors = KmtProcessors();

    Runs = 0;
    for (ULONG i = 0; i < ARRAYSIZE(Dpcs); i++) {
        KeInitializeDpc(&Dpcs[i], Count, NULL);
        KeSetTargetProcessorDpc(&Dpcs[i], (CCHAR)(i % Processors));
        KeSetImportanceDpc(&Dpcs[i], (KDPC_IMPORTANCE)(i / 4 % 4));
        KeInsertQueueDpc(&Dpcs[i], NULL, NULL);
    }
    for (ULONG Looks = 0; Runs != ARRAYSIZE(Dpcs) && KmtLookAgain(&Looks);) {
    }
    KMT_EQUAL(Runs, ARRAYSIZE(Dpcs), "DPCs of every importance reach every processor");
    KeFlushQueuedDpcs();
}

#define REQUEUES 1000

static VOID NTAPI QueueAgain(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG_PTR Left = (ULONG_PTR)Argument1;

    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&Runs);
    if (Left == 0) {
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
        return;
    }
    /* From one processor to the next. */
    KeSetTargetProcessorDpc(Dpc, (CCHAR)(Left % KmtProcessors()));
    KeSetImportanceDpc(Dpc, MediumHighImportance);
    KeInsertQueueDpc(Dpc, (PVOID)(Left - 1), NULL);
}

static VOID TestRequeue(VOID)
{
    NTSTATUS Status;
    KEVENT Done;
    KDPC Dpc;
    LONG Before;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    KeInitializeDpc(&Dpc, QueueAgain, &Done);
    Runs = 0;
    KeInsertQueueDpc(&Dpc, (PVOID)REQUEUES, NULL);
    do { /* a host may take long to let the next processor run */
        Before = Runs;
        Status = KmtWait(&Done, 30000);
    } while (Status == STATUS_TIMEOUT && Runs != Before);
    KMT_EQUAL(Status, STATUS_SUCCESS, "a DPC that queues itself travels on");
    KMT_EQUAL(Runs, REQUEUES + 1, "once for each insertion");
    KeFlushQueuedDpcs();
}

static volatile LONG Expired;

static VOID NTAPI NoteExpiry(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Expired = TRUE;
}

/* Keeps this processor's queue from ever being empty until the timer has expired, or half a
 * minute. */
static VOID NTAPI Poll(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (!Expired && KmtNow() < *(ULONGLONG *)Context) {
        KeInsertQueueDpc(Dpc, NULL, NULL);
    }
}

static VOID TestPolling(VOID)
{
    ULONGLONG Limit = KmtNow() + 300000000;
    KTIMER Timer;
    KDPC TimerDpc, PollDpc;
    KIRQL OldIrql;

    KeInitializeTimer(&Timer);
    KeInitializeDpc(&TimerDpc, NoteExpiry, NULL);
    KeInitializeDpc(&PollDpc, Poll, &Limit);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetTimer(&Timer, KmtMs(5), &TimerDpc);
    KeInsertQueueDpc(&PollDpc, NULL, NULL);
    KeLowerIrql(OldIrql);
    KeFlushQueuedDpcs();
    KMT_CHECK(Expired && KmtNow() < Limit, "a DPC that polls does not keep timers from expiring");
}

static VOID NTAPI FreeItself(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    RtlFillMemory(Dpc, sizeof(*Dpc), 0xDD);
    ExFreePoolWithTag(Dpc, 'cpdK');
    InterlockedIncrement(&Runs);
}

static VOID TestFree(VOID)
{
    LONG Queued = 0;

    Runs = 0;
    for (ULONG i = 0; i < 200; i++) {
        PKDPC Dpc = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Dpc), 'cpdK');
        if (Dpc == NULL) {
            continue;
        }
        KeInitializeDpc(Dpc, FreeItself, NULL);
        KeSetTargetProcessorDpc(Dpc, (CCHAR)(i % KmtProcessors()));
        Queued += KeInsertQueueDpc(Dpc, NULL, NULL);
    }
    KeFlushQueuedDpcs();
    KMT_EQUAL(Runs, Queued, "DPCs free their own objects");
}

static VOID NTAPI Slow(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    for (int i = 0; i < 200; i++) {
        KeStallExecutionProcessor(50);
    }
    *(volatile LONG *)Context = TRUE;
}

static VOID TestFlushWaits(VOID)
{
    volatile LONG Finished = FALSE;
    KDPC Dpc;

    KeInitializeDpc(&Dpc, Slow, (PVOID)&Finished);
    KeSetTargetProcessorDpc(&Dpc, (CCHAR)(KmtProcessors() - 1));
    KeSetImportanceDpc(&Dpc, HighImportance);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    KMT_CHECK(Finished, "a flush waits for a DPC that is running elsewhere");
}

#define THREADS 4
#define INSERTIONS 4000
static KDPC Shared[3];
static volatile LONG Inserted, Removed;

static VOID NTAPI InsertAndRemove(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context + 1;

    for (ULONG i = 0; i < INSERTIONS; i++) {
        ULONG Random = KmtRandom(&Seed);
        PKDPC Dpc = &Shared[Random % ARRAYSIZE(Shared)];
        if (Random >> 8 & 3) {
            InterlockedAdd(&Inserted, KeInsertQueueDpc(Dpc, NULL, NULL) != FALSE);
        } else {
            InterlockedAdd(&Removed, KeRemoveQueueDpc(Dpc) != FALSE);
        }
    }
}

static VOID TestConcurrency(VOID)
{
    PETHREAD Threads[THREADS];

    Runs = 0;
    for (ULONG i = 0; i < ARRAYSIZE(Shared); i++) {
        KeInitializeDpc(&Shared[i], Count, NULL);
        if (i != 0) {
            KeSetTargetProcessorDpc(&Shared[i], (CCHAR)(i % KmtProcessors()));
        }
    }
    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(InsertAndRemove, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KeFlushQueuedDpcs();
    KMT_EQUAL(Runs + Removed, Inserted, "each insertion is run or removed, exactly once");
    KMT_EQUAL(RunsAtWrongLevel, 0, "all of them at DISPATCH_LEVEL");
}

static VOID NTAPI SpoilRegisters(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG Mxcsr = 0x1F80 | 0x6000; /* round towards zero */

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    __asm__ volatile("ldmxcsr %0\n\tpcmpeqb %%xmm0, %%xmm0\n\tpcmpeqb %%xmm1, %%xmm1\n\t"
                     "pcmpeqb %%xmm2, %%xmm2\n\tpcmpeqb %%xmm3, %%xmm3\n\t"
                     "pcmpeqb %%xmm4, %%xmm4\n\tpcmpeqb %%xmm5, %%xmm5"
                     :
                     : "m"(Mxcsr)
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5");
    InterlockedIncrement(&Runs);
}

/* Spins with known values in XMM0-5; TRUE when they are the same afterwards. */
static BOOLEAN RegistersSurvive(ULONG64 Seed)
{
    ULONG64 Out[6];
    ULONG Spins = 20000, Before, After;

    __asm__ volatile("stmxcsr %0" : "=m"(Before));
    __asm__ volatile("movq %[s], %%xmm0\n\tmovq %[s], %%xmm1\n\tmovq %[s], %%xmm2\n\t"
                     "movq %[s], %%xmm3\n\tmovq %[s], %%xmm4\n\tmovq %[s], %%xmm5\n\t"
                     "1: dec %[n]\n\tjnz 1b\n\t"
                     "movq %%xmm0, 0(%[o])\n\tmovq %%xmm1, 8(%[o])\n\tmovq %%xmm2, 16(%[o])\n\t"
                     "movq %%xmm3, 24(%[o])\n\tmovq %%xmm4, 32(%[o])\n\tmovq %%xmm5, 40(%[o])"
                     : [n] "+r"(Spins)
                     : [s] "r"(Seed), [o] "r"(Out)
                     : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5");
    __asm__ volatile("stmxcsr %0" : "=m"(After));
    for (ULONG i = 0; i < ARRAYSIZE(Out); i++) {
        if (Out[i] != Seed) {
            return FALSE;
        }
    }
    return Before == After;
}

static VOID TestRegisters(VOID)
{
    KTIMER Timer;
    KDPC Dpc;
    LONG Spoilt = 0;
    ULONGLONG Limit = KmtNow() + 300000000; /* in which no timer may come for seconds */

    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, SpoilRegisters, NULL);
    Runs = 0;
    KeSetTimerEx(&Timer, KmtMs(1), 1, &Dpc);
    for (ULONG i = 0; Runs < 50 && KmtNow() < Limit; i++) {
        Spoilt += !RegistersSurvive(0x1122334455667788ULL * (i | 1));
    }
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    KMT_CHECK(Runs >= 50, "DPCs interrupted the thread");
    KMT_EQUAL(Spoilt, 0, "and left its XMM registers and MXCSR alone");
}

static VOID KmtRun(VOID)
{
    TestIrqlDecides();
    TestRemoval();
    TestImportance();
    TestTargets();
    TestAllArrive();
    TestRequeue();
    TestPolling();
    TestFree();
    TestFlushWaits();
    TestConcurrency();
    TestRegisters();
}
