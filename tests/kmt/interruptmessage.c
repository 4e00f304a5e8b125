/* DEVICES: edu edu
 * Promises: a device's messages reach its routine, on the processor, at the level and with the
 * number that the message table says; a device of a higher level interrupts the service routine of
 * a lower one on its processor, a device of the same level or a lower one waits; DPCs of a service
 * routine run after it; a function sends messages or pulls its line, never both; and after a
 * disconnect it does what it did before.
 */
#include "edu.h"

#define NESTING_TRIES 130 /* connections until two devices stand to each other as wanted */

typedef struct _SOURCE {
    PEDU Edu;
    PIO_INTERRUPT_MESSAGE_INFO Table;
    struct _SOURCE *volatile Other; /* asked from this one's service routine */
    volatile LONG Served, Wrong;
    volatile LONG InService;
    volatile LONG NestedInOther; /* times that it came while the other was being served */
    KIRQL Irql;                  /* expected */
    KDPC Dpc;
    volatile LONG DpcRuns, DpcEarly;
} SOURCE, *PSOURCE;

static SOURCE A, B;

/* Long enough for an interrupt to come if it is going to. */
static VOID Linger(volatile LONG *Count, LONG Until)
{
    for (ULONG i = 0; i < 40 && *Count < Until; i++) {
        KeStallExecutionProcessor(10);
    }
}

static BOOLEAN NTAPI Serve(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PSOURCE Source = Context, Other = Source->Other;
    PIO_INTERRUPT_MESSAGE_INFO_ENTRY Message = &Source->Table->MessageInfo[MessageId];

    Source->InService = TRUE;
    if (MessageId != 0 || Interrupt != Message->InterruptObject ||
        KeGetCurrentIrql() != Source->Irql ||
        !(Message->TargetProcessorSet >> KeGetCurrentProcessorNumber() & 1)) {
        InterlockedIncrement(&Source->Wrong);
    }
    if (EduTake(Source->Edu) == 0) {
        Source->InService = FALSE;
        return FALSE;
    }
    InterlockedIncrement(&Source->Served);
    KeInsertQueueDpc(&Source->Dpc, NULL, NULL);
    if (Other != NULL) {
        Source->Other = NULL;
        EduAsk(Other->Edu, 1);
        Linger(&Other->Served, Other->Served + 1);
    }
    if ((Source == &A ? &B : &A)->InService) {
        Source->NestedInOther++;
    }
    Source->InService = FALSE;
    return TRUE;
}

static VOID NTAPI CountDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSOURCE Source = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Source->DpcEarly += KeGetCurrentIrql() != DISPATCH_LEVEL;
    Source->DpcRuns++;
}

static VOID Reset(PSOURCE Source, PEDU Edu)
{
    *Source = (SOURCE){.Edu = Edu};
    KeInitializeDpc(&Source->Dpc, CountDpc, Source);
}

static NTSTATUS Connect(PSOURCE Source)
{
    NTSTATUS Status = EduConnectMessages(Source->Edu->Pdo, &Source->Table, Serve, Source);

    if (NT_SUCCESS(Status)) {
        Source->Irql = Source->Table->UnifiedIrql;
    }
    return Status;
}

static VOID TestTable(PSOURCE Source)
{
    PIO_INTERRUPT_MESSAGE_INFO_ENTRY Message = &Source->Table->MessageInfo[0];

    KMT_EQUAL(Source->Table->MessageCount, 1, "the device has one message");
    KMT_EQUAL(Source->Table->UnifiedIrql, Message->Irql, "all routines run at its level");
    KMT_EQUAL(Message->Vector >> 4, Message->Irql, "which is the upper half of its vector");
    KMT_CHECK(Message->Irql > DISPATCH_LEVEL && Message->Irql < CLOCK_LEVEL, "a device's level");
    KMT_EQUAL(Message->MessageAddress.QuadPart & ~0xFF000LL, 0xFEE00000, "it goes to a local APIC");
    KMT_EQUAL(Message->MessageData & 0xFF, Message->Vector, "and carries the vector");
    KMT_EQUAL(Message->Mode, Latched, "as an edge");
    KMT_CHECK(Message->TargetProcessorSet != 0 &&
                  (Message->TargetProcessorSet & ~KeQueryActiveProcessors()) == 0,
              "to a processor that runs");
}

static VOID TestService(PSOURCE Source)
{
    LONG Late = 0;

    for (LONG i = 1; i <= 200; i++) {
        EduAsk(Source->Edu, 1U << i % 32);
        Late += !EduWait(&Source->Served, i) || !EduWait(&Source->DpcRuns, i);
    }
    KeFlushQueuedDpcs();
    KMT_EQUAL(Late, 0, "every message is served");
    KMT_EQUAL(Source->Served, 200, "once");
    KMT_EQUAL(Source->Wrong, 0, "at its level, on its processor, with its number and object");
    KMT_EQUAL(Source->DpcRuns, 200, "a DPC runs for each");
    KMT_EQUAL(Source->DpcEarly, 0, "at DISPATCH_LEVEL, after the service routine");
}

static ULONG ReadCommand(PEDU Edu)
{
    USHORT Command = 0;

    HalGetBusDataByOffset(PCIConfiguration, Edu->Bus, Edu->Slot, &Command,
                          offsetof(PCI_COMMON_CONFIG, Command), sizeof(Command));
    return Command;
}

static BOOLEAN NTAPI ServeLine(PKINTERRUPT Interrupt, PVOID Context)
{
    PSOURCE Source = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    if (EduTake(Source->Edu) == 0) {
        return FALSE;
    }
    InterlockedIncrement(&Source->Served);
    return TRUE;
}

static VOID TestExclusion(PSOURCE Source)
{
    PIO_INTERRUPT_MESSAGE_INFO Second = (PVOID)Source;
    PKINTERRUPT Line = (PVOID)Source;

    KMT_EQUAL(EduConnectMessages(Source->Edu->Pdo, &Second, Serve, Source), STATUS_DEVICE_BUSY,
              "messages that are connected cannot be connected again");
    KMT_EQUAL(EduConnectLine(Source->Edu->Pdo, &Line, ServeLine, Source), STATUS_DEVICE_BUSY,
              "nor can the line of a function that sends messages");
    KMT_CHECK(Second == NULL && Line == NULL, "a refused connection gives nothing");
    KMT_CHECK(ReadCommand(Source->Edu) & PCI_DISABLE_LEVEL_INTERRUPT, "its line is off");
}

static VOID TestAfterwards(PSOURCE Source)
{
    PIO_INTERRUPT_MESSAGE_INFO Table = NULL;
    PKINTERRUPT Line = NULL;
    LONG Served = Source->Served;

    EduAsk(Source->Edu, 1);
    KmtSleep(2);
    KMT_EQUAL(Source->Served, Served, "after the disconnect the routine is not called");
    EduTake(Source->Edu);
    if (KMT_CHECK(NT_SUCCESS(EduConnectLine(Source->Edu->Pdo, &Line, ServeLine, Source)),
                  "the line can be connected now")) {
        KMT_CHECK(!(ReadCommand(Source->Edu) & PCI_DISABLE_LEVEL_INTERRUPT), "it is on again");
        EduAsk(Source->Edu, 1);
        KMT_CHECK(EduWait(&Source->Served, Served + 1), "and interrupts");
        KMT_EQUAL(EduConnectMessages(Source->Edu->Pdo, &Table, Serve, Source), STATUS_DEVICE_BUSY,
                  "messages have to wait for its end");
        EduDisconnectLine(Line);
    }
}

/* Levels and processors take turns, so connecting again and again gives every combination. */
static BOOLEAN ConnectRelatives(LONG Relation)
{
    ULONG Try;

    if (!NT_SUCCESS(Connect(&A))) {
        return FALSE;
    }
    for (Try = 0; Try < NESTING_TRIES; Try++) {
        LONG Difference;
        if (!NT_SUCCESS(Connect(&B))) {
            break;
        }
        Difference = (LONG)B.Irql - (LONG)A.Irql;
        if (A.Table->MessageInfo[0].TargetProcessorSet ==
                B.Table->MessageInfo[0].TargetProcessorSet &&
            (Difference > 0) - (Difference < 0) == Relation) {
            return TRUE;
        }
        EduDisconnectMessages(B.Table);
    }
    EduDisconnectMessages(A.Table);
    return FALSE;
}

/* A's service routine makes B interrupt, and waits a while. */
static VOID TestNesting(LONG Relation, LONG Nested, PCSTR Found, PCSTR Expected)
{
    LONG Wrong = 0, Lost = 0;

    Reset(&A, &Edus[0]);
    Reset(&B, &Edus[1]);
    if (!KMT_CHECK(ConnectRelatives(Relation), Found)) {
        return;
    }
    for (LONG i = 1; i <= 20; i++) {
        A.Other = &B;
        EduAsk(A.Edu, 1);
        /* Their DPCs come after all that a service routine notes. */
        Lost += !EduWait(&A.DpcRuns, i) || !EduWait(&B.DpcRuns, i);
        Wrong += B.NestedInOther != i * Nested;
    }
    EduDisconnectMessages(B.Table);
    EduDisconnectMessages(A.Table);
    KeFlushQueuedDpcs();
    KMT_EQUAL(Wrong, 0, Expected);
    KMT_EQUAL(Lost + A.Wrong + B.Wrong, 0, "and none is lost, and each runs at its level");
}

static VOID TestSynchronizeIrql(VOID)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_MESSAGE_BASED};
    KSPIN_LOCK Lock;

    KeInitializeSpinLock(&Lock);
    Reset(&A, &Edus[0]);
    Parameters.MessageBased.PhysicalDeviceObject = A.Edu->Pdo;
    Parameters.MessageBased.ConnectionContext.InterruptMessageTable = &A.Table;
    Parameters.MessageBased.MessageServiceRoutine = Serve;
    Parameters.MessageBased.ServiceContext = &A;
    Parameters.MessageBased.SpinLock = &Lock;
    Parameters.MessageBased.SynchronizeIrql = DISPATCH_LEVEL;
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_INVALID_PARAMETER,
              "a SynchronizeIrql below the messages' level is refused");
    A.Irql = Parameters.MessageBased.SynchronizeIrql = CLOCK_LEVEL - 1;
    if (KMT_CHECK(NT_SUCCESS(IoConnectInterruptEx(&Parameters)), "one above is not")) {
        KMT_EQUAL(A.Table->UnifiedIrql, CLOCK_LEVEL - 1, "the table tells it");
        EduAsk(A.Edu, 1);
        KMT_CHECK(EduWait(&A.Served, 1) && A.Wrong == 0, "and the routine runs there");
        EduDisconnectMessages(A.Table);
    }
    KeFlushQueuedDpcs();
}

static VOID KmtRun(VOID)
{
    if (!KMT_CHECK(EduFindAll() == 2, "two edu devices are there")) {
        return;
    }
    Reset(&A, &Edus[0]);
    if (KMT_CHECK(NT_SUCCESS(Connect(&A)), "messages are connected")) {
        TestTable(&A);
        TestService(&A);
        TestExclusion(&A);
        EduDisconnectMessages(A.Table);
        TestAfterwards(&A);
    }
    TestNesting(1, 1, "a second device has a higher level on the same processor",
                "it interrupts the first one's service routine every time");
    TestNesting(0, 0, "a second device has the same level on the same processor",
                "it waits for the end of the first one's service routine");
    TestNesting(-1, 0, "a second device has a lower level on the same processor", "it waits, too");
    TestSynchronizeIrql();
    EduRelease();
}
