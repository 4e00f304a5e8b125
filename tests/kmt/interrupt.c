/*
 * Promises: a driver's service routine runs at the IRQL it asked for, excluded from what runs under
 * its interrupt spin lock on any processor; vectors are shared only when all agree; after a
 * disconnect the routine never runs again, however fast the device interrupts.
 *
 * The device is the battery-backed clock's periodic interrupt: ISA line 8, edge-triggered.
 */
#include "kmt.h"

#define RTC_LINE 8
#define RTC_INDEX ((PUCHAR)(ULONG_PTR)0x70)
#define RTC_DATA ((PUCHAR)(ULONG_PTR)0x71)
#define RTC_A 0x0A /* low four bits: rate */
#define RTC_B 0x0B
#define RTC_C 0x0C /* reading it lets the next interrupt come */
#define RTC_B_PERIODIC 0x40
#define RTC_RATE_1024_HZ 6

static ULONG Vector;
static KIRQL Irql;

static volatile LONG Served, Inside, WrongLevel, DpcRuns, DpcWrongLevel;
static KIRQL ExpectedIrql;
static KDPC Dpc;

static UCHAR ReadRtc(UCHAR Register)
{
    WRITE_PORT_UCHAR(RTC_INDEX, Register);
    return READ_PORT_UCHAR(RTC_DATA);
}

static VOID WriteRtc(UCHAR Register, UCHAR Value)
{
    WRITE_PORT_UCHAR(RTC_INDEX, Register);
    WRITE_PORT_UCHAR(RTC_DATA, Value);
}

static VOID SetPeriodic(BOOLEAN On)
{
    UCHAR B = ReadRtc(RTC_B);

    WriteRtc(RTC_A, (ReadRtc(RTC_A) & 0xF0) | RTC_RATE_1024_HZ);
    WriteRtc(RTC_B, On ? B | RTC_B_PERIODIC : B & ~RTC_B_PERIODIC);
    ReadRtc(RTC_C);
}

static BOOLEAN NTAPI Serve(PKINTERRUPT Interrupt, PVOID Context)
{
    BOOLEAN Mine;

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Inside);
    if (KeGetCurrentIrql() != ExpectedIrql) {
        InterlockedIncrement(&WrongLevel);
    }
    Mine = ReadRtc(RTC_C) != 0;
    if (Mine) {
        InterlockedIncrement(&Served);
        KeInsertQueueDpc(&Dpc, NULL, NULL);
    }
    InterlockedDecrement(&Inside);
    return Mine;
}

static VOID NTAPI CountDpc(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        InterlockedIncrement(&DpcWrongLevel);
    }
    InterlockedIncrement(&DpcRuns);
}

static NTSTATUS Connect(PKINTERRUPT *Interrupt, KIRQL SynchronizeIrql, BOOLEAN Share)
{
    return IoConnectInterrupt(Interrupt, Serve, NULL, NULL, Vector, Irql, SynchronizeIrql, Latched,
                              Share, 1, FALSE);
}

static BOOLEAN WaitForService(LONG Count)
{
    LONG Start = Served;
    ULONG Looks = 0;

    while (Served - Start < Count && KmtLookAgain(&Looks)) {
    }
    return Served - Start >= Count;
}

static VOID TestService(PKINTERRUPT Interrupt)
{
    UNREFERENCED_PARAMETER(Interrupt);
    KMT_CHECK(WaitForService(20), "the device's interrupts arrive");
    KMT_EQUAL(WrongLevel, 0, "at the IRQL of the connection");
    KMT_CHECK(DpcRuns > 0, "DPCs that the service routine queues run");
    KMT_EQUAL(DpcWrongLevel, 0, "at DISPATCH_LEVEL");
}

typedef struct _STILLNESS {
    BOOLEAN Still;
    KIRQL Irql;
} STILLNESS;

/* Some periods long the count must not move, though the device goes on asking. */
static BOOLEAN NTAPI WatchStillness(PVOID Context)
{
    STILLNESS *Stillness = Context;
    LONG Before = Served;

    Stillness->Irql = KeGetCurrentIrql();
    Stillness->Still = TRUE;
    for (ULONG i = 0; i < 80; i++) {
        KeStallExecutionProcessor(50);
        Stillness->Still &= Served == Before && Inside == 0;
    }
    return 42;
}

static VOID TestSynchronization(PKINTERRUPT Interrupt)
{
    STILLNESS Stillness;
    KIRQL OldIrql;

    KMT_EQUAL(KeSynchronizeExecution(Interrupt, WatchStillness, &Stillness), 42,
              "KeSynchronizeExecution returns the routine's result");
    KMT_CHECK(Stillness.Still, "the service routine does not run beside the routine");
    KMT_EQUAL(Stillness.Irql, ExpectedIrql, "which runs at SynchronizeIrql");
    KMT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL, "and the IRQL is given back");
    OldIrql = KeAcquireInterruptSpinLock(Interrupt);
    WatchStillness(&Stillness);
    KeReleaseInterruptSpinLock(Interrupt, OldIrql);
    KMT_CHECK(Stillness.Still, "the interrupt spin lock keeps it out, too");
    KMT_EQUAL(Stillness.Irql, ExpectedIrql, "it raises to SynchronizeIrql");
    KMT_CHECK(WaitForService(5), "afterwards interrupts are served again");
}

static VOID TestSharing(PKINTERRUPT First, BOOLEAN Shared)
{
    PKINTERRUPT Second = NULL;

    UNREFERENCED_PARAMETER(First);
    KMT_EQUAL(Connect(&Second, Irql, !Shared), STATUS_INVALID_PARAMETER,
              "a vector is shared only if both sides agree");
    KMT_CHECK(Second == NULL, "a refused connection gives no object");
    if (Shared) {
        KMT_EQUAL(Connect(&Second, Irql, TRUE), STATUS_SUCCESS, "two that share are connected");
        KMT_CHECK(WaitForService(20), "interrupts are served");
        IoDisconnectInterrupt(Second);
        KMT_CHECK(WaitForService(20), "also when one of them has gone");
    }
}

static VOID TestParameters(VOID)
{
    PKINTERRUPT Interrupt;

    KMT_EQUAL(IoConnectInterrupt(&Interrupt, Serve, NULL, NULL, Vector, Irql, Irql - 1, Latched,
                                 FALSE, 1, FALSE),
              STATUS_INVALID_PARAMETER, "SynchronizeIrql below the vector's IRQL is refused");
    KMT_EQUAL(IoConnectInterrupt(&Interrupt, Serve, NULL, NULL, Vector, Irql + 1, Irql + 1, Latched,
                                 FALSE, 1, FALSE),
              STATUS_INVALID_PARAMETER, "so is an IRQL that is not the vector's");
}

static VOID TestConnection(KIRQL SynchronizeIrql, BOOLEAN Shared)
{
    PKINTERRUPT Interrupt;

    ExpectedIrql = SynchronizeIrql;
    if (KMT_CHECK(NT_SUCCESS(Connect(&Interrupt, SynchronizeIrql, Shared)),
                  "the line is connected")) {
        SetPeriodic(TRUE);
        TestService(Interrupt);
        TestSynchronization(Interrupt);
        if (SynchronizeIrql == Irql) {
            TestSharing(Interrupt, Shared);
        }
        /* First, or the service routine would come between the index and the data. */
        IoDisconnectInterrupt(Interrupt);
        SetPeriodic(FALSE);
    }
}

static VOID TestDisconnect(VOID)
{
    LONG Late = 0, Refused = 0;

    ExpectedIrql = Irql;
    SetPeriodic(TRUE);
    for (ULONG i = 0; i < 100; i++) {
        PKINTERRUPT Interrupt;
        LONG Seen;
        if (!NT_SUCCESS(Connect(&Interrupt, Irql, FALSE))) {
            Refused++;
            continue;
        }
        ReadRtc(RTC_C);
        KeStallExecutionProcessor(i * 37 % 2000);
        IoDisconnectInterrupt(Interrupt);
        Late += Inside;
        Seen = Served;
        KeStallExecutionProcessor(1000);
        Late += Served != Seen;
    }
    SetPeriodic(FALSE);
    KMT_EQUAL(Refused, 0, "a vector can be connected again and again");
    KMT_EQUAL(Late, 0, "after a disconnect the service routine never runs");
}

static VOID KmtRun(VOID)
{
    KAFFINITY Affinity;

    Vector = HalGetInterruptVector(Isa, 0, RTC_LINE, RTC_LINE, &Irql, &Affinity);
    KMT_CHECK(Vector != 0 && Irql > DISPATCH_LEVEL && Irql < CLOCK_LEVEL, "the line has a vector");
    KMT_EQUAL(Vector >> 4, Irql, "whose upper half is its IRQL");
    KeInitializeDpc(&Dpc, CountDpc, NULL);
    TestParameters();
    TestConnection(Irql, FALSE);
    TestConnection(Irql, TRUE);
    TestConnection(CLOCK_LEVEL - 1, FALSE);
    TestDisconnect();
    KeFlushQueuedDpcs();
}
