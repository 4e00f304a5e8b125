/* DEVICES: edu edu edu edu
 * Promises: of a hundred thousand interrupts of four devices, raised from as many threads and
 * served on whatever processors take them, none is lost and none is served twice, by messages and
 * by shared lines; no DPC is lost; and a device that never stops asking can be disconnected and
 * connected at any moment, after which its routine does not run.
 */
#include "edu.h"

#define MESSAGES_EACH 22000
#define LINES_EACH 3000
#define LIMIT_MS 60000 /* only for machines that hang */
#define RECONNECTIONS 150

typedef struct _SOURCE {
    PEDU Edu;
    PIO_INTERRUPT_MESSAGE_INFO Table;
    PKINTERRUPT Line;
    ULONG Wanted;
    volatile LONG Outstanding; /* bits that were raised and not served yet */
    volatile LONG Served;      /* bits */
    volatile LONG Unexpected;  /* bits nobody had raised, or twice */
    volatile LONG Inside, Entered;
    KDPC Dpc;
    KEVENT Progress;
    volatile LONG Queued, DpcRuns;
    BOOLEAN GaveUp;
    volatile BOOLEAN Stop;
} SOURCE, *PSOURCE;

static SOURCE Sources[EDU_MAX];

/* The bits that are up in the device and those outstanding must agree. */
static BOOLEAN ServeBits(PSOURCE Source)
{
    LONG Bits;

    InterlockedIncrement(&Source->Entered);
    if (InterlockedIncrement(&Source->Inside) != 1) {
        InterlockedIncrement(&Source->Unexpected);
    }
    Bits = (LONG)EduTake(Source->Edu);
    if (Bits != 0) {
        LONG Before = InterlockedAnd(&Source->Outstanding, ~Bits);
        InterlockedExchangeAdd(&Source->Unexpected, __builtin_popcount((ULONG)(Bits & ~Before)));
        InterlockedExchangeAdd(&Source->Served, __builtin_popcount((ULONG)(Bits & Before)));
        if (KeInsertQueueDpc(&Source->Dpc, NULL, NULL)) {
            InterlockedIncrement(&Source->Queued);
        }
    }
    InterlockedDecrement(&Source->Inside);
    return Bits != 0;
}

static BOOLEAN NTAPI ServeMessage(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    return ServeBits(Context);
}

static BOOLEAN NTAPI ServeLine(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    return ServeBits(Context);
}

static VOID NTAPI CountDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&((PSOURCE)Context)->DpcRuns);
    KeSetEvent(&((PSOURCE)Context)->Progress, IO_NO_INCREMENT, FALSE);
}

/* Until none of Bits is outstanding. Sleeping lets the processor that serves them run where an
 * emulator has fewer than the guest. The DPC, after the service routine, ends each sleep. */
static VOID AwaitService(PSOURCE Source, LONG Bits)
{
    while ((Source->Outstanding & Bits) && !Source->GaveUp) {
        Source->GaveUp = KmtWait(&Source->Progress, LIMIT_MS) == STATUS_TIMEOUT;
    }
}

/* Raises one bit after the other, each as soon as its last time has been served. Up to 32 are under
 * way, so the service routine finds one or several, or the one it has just looked for. */
static VOID NTAPI Raise(PVOID Context)
{
    PSOURCE Source = Context;

    for (ULONG i = 0; i < Source->Wanted && !Source->GaveUp; i++) {
        LONG Bit = (LONG)(1U << i % 32);
        AwaitService(Source, Bit);
        InterlockedOr(&Source->Outstanding, Bit);
        EduAsk(Source->Edu, (ULONG)Bit);
    }
    AwaitService(Source, -1);
}

static NTSTATUS Connect(PSOURCE Source, BOOLEAN Messages)
{
    return Messages ? EduConnectMessages(Source->Edu->Pdo, &Source->Table, ServeMessage, Source)
                    : EduConnectLine(Source->Edu->Pdo, &Source->Line, ServeLine, Source);
}

static VOID Disconnect(PSOURCE Source, BOOLEAN Messages)
{
    if (Messages) {
        EduDisconnectMessages(Source->Table);
    } else {
        EduDisconnectLine(Source->Line);
    }
}

static VOID Prepare(PSOURCE Source, PEDU Edu, ULONG Wanted)
{
    *Source = (SOURCE){.Edu = Edu, .Wanted = Wanted};
    EduTake(Edu);
    KeInitializeDpc(&Source->Dpc, CountDpc, Source);
    KeInitializeEvent(&Source->Progress, SynchronizationEvent, FALSE);
}

static VOID TestStorm(BOOLEAN Messages, ULONG Each, PCSTR None)
{
    PETHREAD Threads[EDU_MAX];
    LONG Lost = 0, Unexpected = 0, DpcsLost = 0, Refused = 0;

    for (ULONG i = 0; i < EduCount; i++) {
        Prepare(&Sources[i], &Edus[i], Each);
        Refused += !NT_SUCCESS(Connect(&Sources[i], Messages));
    }
    if (!KMT_CHECK(Refused == 0, "four devices are connected")) {
        return;
    }
    for (ULONG i = 0; i < EduCount; i++) {
        Threads[i] = KmtStartThread(Raise, &Sources[i]);
    }
    for (ULONG i = 0; i < EduCount; i++) {
        KmtJoin(Threads[i]);
        Disconnect(&Sources[i], Messages);
    }
    KeFlushQueuedDpcs();
    for (ULONG i = 0; i < EduCount; i++) {
        Lost += (LONG)Each - Sources[i].Served;
        Unexpected += Sources[i].Unexpected;
        DpcsLost += Sources[i].Queued - Sources[i].DpcRuns;
    }
    KMT_EQUAL(Lost, 0, None);
    KMT_EQUAL(Unexpected, 0, "none is served twice, and each routine runs once at a time");
    KMT_EQUAL(DpcsLost, 0, "every DPC that was queued has run once");
}

/* Interrupts until told to stop, whether anybody listens or not. */
static VOID NTAPI Pester(PVOID Context)
{
    PSOURCE Source = Context;

    for (ULONG i = 0; !Source->Stop; i++) {
        EduAsk(Source->Edu, 1U << i % 32);
        if (i % 64 == 0) {
            KmtSleep(1); /* on one processor others want to run, too */
        }
    }
}

static VOID TestReconnection(BOOLEAN Messages, PCSTR Never)
{
    PSOURCE Source = &Sources[0];
    LONG Late = 0, Refused = 0, Unserved = 0;
    PETHREAD Thread;

    Prepare(Source, &Edus[0], 0);
    Thread = KmtStartThread(Pester, Source);
    for (ULONG i = 0; i < RECONNECTIONS; i++) {
        LONG Entered = Source->Entered;
        if (!NT_SUCCESS(Connect(Source, Messages))) {
            Refused++;
            continue;
        }
        if (i % 8 == 0) {
            KmtSleep(2); /* with one processor, only now can anybody pester */
            Unserved += !EduWait(&Source->Entered, Entered + 1);
        }
        KeStallExecutionProcessor(i * 7 % 300);
        Disconnect(Source, Messages);
        Late += Source->Inside;
        Entered = Source->Entered;
        KeStallExecutionProcessor(100);
        Late += Source->Entered != Entered;
    }
    Source->Stop = TRUE;
    KmtJoin(Thread);
    EduTake(Source->Edu);
    KeFlushQueuedDpcs();
    KMT_EQUAL(Refused, 0, "a device that keeps interrupting can be connected again and again");
    KMT_EQUAL(Late, 0, Never);
    KMT_EQUAL(Unserved, 0, "though it has been served in between");
}

static VOID KmtRun(VOID)
{
    if (!KMT_CHECK(EduFindAll() == EDU_MAX, "four edu devices are there")) {
        return;
    }
    TestStorm(TRUE, MESSAGES_EACH, "no message is lost");
    TestStorm(FALSE, LINES_EACH, "no interrupt of a line is lost");
    TestReconnection(TRUE, "after the disconnect no message reaches the routine");
    TestReconnection(FALSE, "after the disconnect of a line the routine does not run");
    EduRelease();
}
