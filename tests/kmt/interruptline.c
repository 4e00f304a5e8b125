/* DEVICES: edu edu edu edu
 * Promises: devices on one line share its vector, each is served by its own routine, and neither
 * loses an interrupt when both pull the line at once; devices on different lines have different
 * levels; a driver without messages to connect falls back to the line; the parameters that cannot
 * mean anything are refused.
 *
 * QEMU's firmware routes two of the four devices to one line, and two to another.
 */
#include "edu.h"

typedef struct _SOURCE {
    PEDU Edu;
    PKINTERRUPT Interrupt;
    ULONG Vector;
    KIRQL Irql;
    volatile LONG Served, Asked, Wrong; /* Asked: calls in which the device wanted nothing */
} SOURCE, *PSOURCE;

static SOURCE Sources[EDU_MAX];

static BOOLEAN NTAPI Serve(PKINTERRUPT Interrupt, PVOID Context)
{
    PSOURCE Source = Context;

    if (Interrupt != Source->Interrupt || KeGetCurrentIrql() != Source->Irql) {
        InterlockedIncrement(&Source->Wrong);
    }
    if (EduTake(Source->Edu) == 0) {
        InterlockedIncrement(&Source->Asked);
        return FALSE;
    }
    InterlockedIncrement(&Source->Served);
    return TRUE;
}

static NTSTATUS Connect(PSOURCE Source)
{
    return EduConnectLine(Source->Edu->Pdo, &Source->Interrupt, Serve, Source);
}

static VOID Prepare(VOID)
{
    for (ULONG i = 0; i < EduCount; i++) {
        KAFFINITY Affinity;
        Sources[i].Edu = &Edus[i];
        Sources[i].Vector = HalGetInterruptVector(PCIBus, Edus[i].Bus, Edus[i].Line, Edus[i].Line,
                                                  &Sources[i].Irql, &Affinity);
    }
}

/* The first device after Source's on the same line, or on another one. */
static PSOURCE FindOther(PSOURCE Source, BOOLEAN SameLine)
{
    for (ULONG i = 0; i < EduCount; i++) {
        if (&Sources[i] != Source && (Sources[i].Vector == Source->Vector) == SameLine) {
            return &Sources[i];
        }
    }
    return NULL;
}

static VOID TestLevels(PSOURCE Neighbour, PSOURCE Stranger)
{
    KMT_CHECK(Neighbour != NULL, "two devices are on one line, and have one vector");
    KMT_CHECK(Stranger != NULL && Stranger->Irql != Sources[0].Irql,
              "another has another line, vector and level");
    for (ULONG i = 0; i < EduCount; i++) {
        KMT_EQUAL(Sources[i].Vector >> 4, Sources[i].Irql, "the vector's upper half is the level");
    }
}

static VOID TestService(VOID)
{
    LONG Late = 0, Wrong = 0;

    for (LONG Round = 1; Round <= 100; Round++) {
        for (ULONG i = 0; i < EduCount; i++) {
            EduAsk(Sources[i].Edu, 1);
            Late += !EduWait(&Sources[i].Served, Round);
        }
    }
    for (ULONG i = 0; i < EduCount; i++) {
        Late += Sources[i].Served != 100;
        Wrong += Sources[i].Wrong;
    }
    KMT_EQUAL(Late, 0, "every device is served as often as it asks");
    KMT_EQUAL(Wrong, 0, "at its line's level, with its object");
}

/* Both pull before any processor can look, again and again. */
static VOID TestTogether(PSOURCE First, PSOURCE Second)
{
    LONG Late = 0, Before = First->Served, BeforeSecond = Second->Served;

    for (LONG Round = 1; Round <= 200; Round++) {
        KIRQL OldIrql = KeAcquireInterruptSpinLock(First->Interrupt);
        EduAsk(First->Edu, 1);
        EduAsk(Second->Edu, 2);
        KeReleaseInterruptSpinLock(First->Interrupt, OldIrql);
        Late += !EduWait(&First->Served, Before + Round);
        Late += !EduWait(&Second->Served, BeforeSecond + Round);
    }
    KMT_EQUAL(Late, 0, "two that pull one line at once are both served");
    KMT_CHECK(First->Asked > 0 || Second->Asked > 0, "a neighbour is asked and says no");
}

static VOID TestLeaving(PSOURCE Leaving, PSOURCE Staying)
{
    LONG Before = Leaving->Served, Unasked = Leaving->Asked, StayingBefore = Staying->Served;

    EduDisconnectLine(Leaving->Interrupt);
    EduAsk(Leaving->Edu, 1);
    EduAsk(Staying->Edu, 1);
    KMT_CHECK(EduWait(&Staying->Served, StayingBefore + 1), "a neighbour that stays is served");
    KmtSleep(2);
    KMT_CHECK(Leaving->Served == Before && Leaving->Asked == Unasked, "one that left is not asked");
    EduAsk(Staying->Edu, 1);
    KMT_CHECK(EduWait(&Staying->Served, StayingBefore + 2),
              "its device, still asking, disturbs nobody");
    EduTake(Leaving->Edu);
    KMT_EQUAL(Connect(Leaving), STATUS_SUCCESS, "it may come back");
    EduAsk(Leaving->Edu, 1);
    KMT_CHECK(EduWait(&Leaving->Served, Before + 1), "and is served again");
}

static VOID SpecifyFully(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters, PSOURCE Source,
                         PKINTERRUPT *Interrupt)
{
    *Parameters = (IO_CONNECT_INTERRUPT_PARAMETERS){.Version = CONNECT_FULLY_SPECIFIED};
    Parameters->FullySpecified.PhysicalDeviceObject = Source->Edu->Pdo;
    Parameters->FullySpecified.InterruptObject = Interrupt;
    Parameters->FullySpecified.ServiceRoutine = Serve;
    Parameters->FullySpecified.ServiceContext = Source;
    Parameters->FullySpecified.Vector = Source->Vector;
    Parameters->FullySpecified.Irql = Source->Irql;
    Parameters->FullySpecified.SynchronizeIrql = Source->Irql;
    Parameters->FullySpecified.InterruptMode = LevelSensitive;
    Parameters->FullySpecified.ShareVector = TRUE;
    Parameters->FullySpecified.ProcessorEnableMask = KeQueryActiveProcessors();
}

/* Source's line is connected by nobody else. */
static VOID TestFullySpecified(PSOURCE Source)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters;
    IO_DISCONNECT_INTERRUPT_PARAMETERS Reverse = {.Version = CONNECT_FULLY_SPECIFIED_GROUP};
    PKINTERRUPT Second;
    LONG Before = Source->Served;

    SpecifyFully(&Parameters, Source, &Source->Interrupt);
    Parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    Parameters.FullySpecified.Group = 1;
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_INVALID_PARAMETER,
              "there is one group of processors");
    Parameters.FullySpecified.Group = 0;
    if (!KMT_CHECK(NT_SUCCESS(IoConnectInterruptEx(&Parameters)),
                   "a vector can be told outright")) {
        return;
    }
    EduAsk(Source->Edu, 1);
    KMT_CHECK(EduWait(&Source->Served, Before + 1), "and is served");
    SpecifyFully(&Parameters, Source, &Second);
    Parameters.FullySpecified.ShareVector = FALSE;
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_INVALID_PARAMETER,
              "it is shared only by those who say so");
    SpecifyFully(&Parameters, Source, &Second);
    Parameters.FullySpecified.InterruptMode = Latched;
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_INVALID_PARAMETER, "and mean a level");
    Reverse.ConnectionContext.InterruptObject = Source->Interrupt;
    IoDisconnectInterruptEx(&Reverse);
}

/* The line goes to the lowest of the processors that are allowed. */
static VOID TestProcessor(PSOURCE Source)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters;
    LONG Wrong = 0, Connected = 0;

    for (ULONG i = 0; i < KmtProcessors(); i++) {
        LONG Before = Source->Served;
        SpecifyFully(&Parameters, Source, &Source->Interrupt);
        Parameters.FullySpecified.ProcessorEnableMask = (KAFFINITY)1 << i;
        if (NT_SUCCESS(IoConnectInterruptEx(&Parameters))) {
            Connected++;
            EduAsk(Source->Edu, 1);
            Wrong += !EduWait(&Source->Served, Before + 1);
            EduDisconnectLine(Source->Interrupt);
        }
    }
    SpecifyFully(&Parameters, Source, &Source->Interrupt);
    Parameters.FullySpecified.ProcessorEnableMask = (KAFFINITY)1 << 63;
    KMT_EQUAL(Connected, KmtProcessors(), "any processor may be chosen");
    KMT_EQUAL(Wrong, 0, "and is interrupted");
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_INVALID_PARAMETER, "if it runs");
}

static SOURCE Fallback;

static BOOLEAN NTAPI ServeFallback(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    return FALSE;
}

static BOOLEAN NTAPI ServeMessage(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(MessageId);
    return FALSE;
}

/* The first function that has a line and, as the SMBus controller, no capabilities at all. */
static PDEVICE_OBJECT Plain, HostBridge;
static PFILE_OBJECT PlainFile, HostBridgeFile;

static VOID FindPlain(ULONG Bus, PCI_SLOT_NUMBER Slot, PPCI_COMMON_CONFIG Config)
{
    if (Bus == 0 && Slot.u.AsULONG == 0) {
        HostBridge = KmtOpenPciFunction(Bus, Slot, &HostBridgeFile);
    } else if (Plain == NULL && PCI_CONFIGURATION_TYPE(Config) == PCI_DEVICE_TYPE &&
               !(Config->Status & PCI_STATUS_CAPABILITIES_LIST) &&
               Config->u.type0.InterruptPin != 0 && Config->u.type0.InterruptLine != 0) {
        Plain = KmtOpenPciFunction(Bus, Slot, &PlainFile);
    }
}

static VOID TestFallback(VOID)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_MESSAGE_BASED};
    IO_DISCONNECT_INTERRUPT_PARAMETERS Reverse;

    Parameters.MessageBased.PhysicalDeviceObject = Plain;
    Parameters.MessageBased.ConnectionContext.InterruptObject = &Fallback.Interrupt;
    Parameters.MessageBased.MessageServiceRoutine = ServeMessage;
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_NOT_FOUND,
              "a function that sends no messages cannot be connected by them");
    Parameters.MessageBased.FallBackServiceRoutine = ServeFallback;
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_SUCCESS, "except with a routine for lines");
    KMT_EQUAL(Parameters.Version, CONNECT_LINE_BASED, "which the version tells then");
    if (KMT_CHECK(Fallback.Interrupt != NULL, "and an object, not a table, is given")) {
        Reverse.Version = Parameters.Version;
        Reverse.ConnectionContext.InterruptObject = Fallback.Interrupt;
        IoDisconnectInterruptEx(&Reverse);
    }
    KMT_EQUAL(EduConnectLine(HostBridge, &Fallback.Interrupt, ServeFallback, NULL),
              STATUS_NOT_FOUND, "a function without a line has none to connect");
}

static VOID TestParameters(VOID)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = 99};
    PKINTERRUPT Interrupt = (PVOID)&Parameters;
    PDEVICE_OBJECT Other = KmtDriverObject->DeviceObject;

    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_NOT_SUPPORTED, "an unknown version");
    KMT_EQUAL(Parameters.Version, CONNECT_CURRENT_VERSION, "is answered with the newest");
    KMT_EQUAL(EduConnectLine(NULL, &Interrupt, Serve, NULL), STATUS_INVALID_PARAMETER,
              "no device is refused");
    KMT_CHECK(Interrupt == NULL, "and gives no object");
    KMT_EQUAL(EduConnectLine(Other, &Interrupt, Serve, NULL), STATUS_INVALID_PARAMETER,
              "so is one that is no PCI function");
    SpecifyFully(&Parameters, &Sources[0], &Interrupt);
    Parameters.FullySpecified.SynchronizeIrql = Sources[0].Irql - 1;
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_INVALID_PARAMETER,
              "so is a level below the vector's");
    Parameters.FullySpecified.SynchronizeIrql = Sources[0].Irql;
    Parameters.FullySpecified.Vector = 0x31;
    Parameters.FullySpecified.Irql = 3;
    KMT_EQUAL(IoConnectInterruptEx(&Parameters), STATUS_INVALID_PARAMETER,
              "and a vector that belongs to no line");
}

static VOID KmtRun(VOID)
{
    PSOURCE Neighbour, Stranger;
    NTSTATUS Status = STATUS_SUCCESS;
    PDEVICE_OBJECT Device;

    if (!KMT_CHECK(EduFindAll() == EDU_MAX, "four edu devices are there") ||
        !NT_SUCCESS(
            IoCreateDevice(KmtDriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device))) {
        return;
    }
    Prepare();
    Neighbour = FindOther(&Sources[0], TRUE);
    Stranger = FindOther(&Sources[0], FALSE);
    TestLevels(Neighbour, Stranger);
    for (ULONG i = 0; i < EduCount; i++) {
        NTSTATUS One = Connect(&Sources[i]);
        Status = NT_SUCCESS(One) ? Status : One;
    }
    if (KMT_CHECK(NT_SUCCESS(Status), "all are connected") && Neighbour != NULL) {
        TestService();
        TestTogether(&Sources[0], Neighbour);
        TestTogether(Neighbour, &Sources[0]);
        TestLeaving(&Sources[0], Neighbour);
        for (ULONG i = 0; i < EduCount; i++) {
            EduDisconnectLine(Sources[i].Interrupt);
        }
        TestFullySpecified(&Sources[0]);
        TestProcessor(&Sources[0]);
    }
    TestParameters();
    KmtScanPci(FindPlain);
    if (KMT_CHECK(Plain != NULL && HostBridge != NULL, "there is a function without messages")) {
        TestFallback();
        ObDereferenceObject(PlainFile);
        ObDereferenceObject(HostBridgeFile);
    }
    IoDeleteDevice(Device);
    EduRelease();
}
