/* DEVICES: rocker,name=rocker,len-ports=0
 * Promises: each message of a function's MSI-X table reaches the service routine once, with its own
 * number and object, on the processor that the table names; while the routine's lock is held none
 * does; after a disconnect none does, and the table can be filled anew.
 *
 * The device is QEMU's rocker switch, which sends the message whose number is written to a
 * register.
 */
#include "edu.h"

#define ROCKER_VENDOR 0x1B36
#define ROCKER_DEVICE 0x0006
#define ROCKER_TEST_MESSAGE (0x20 / 4)
#define ROCKER_MESSAGES 4
#define ROCKER_REGISTERS 0x2000
#define ROUNDS 50

static volatile ULONG *Rocker;
static PDEVICE_OBJECT Pdo;
static PFILE_OBJECT File;
static PIO_INTERRUPT_MESSAGE_INFO Table;
static volatile LONG Served[ROCKER_MESSAGES], Wrong;

static VOID Find(ULONG Bus, PCI_SLOT_NUMBER Slot, PPCI_COMMON_CONFIG Config)
{
    PHYSICAL_ADDRESS Base;

    if (Pdo == NULL && Config->VendorID == ROCKER_VENDOR && Config->DeviceID == ROCKER_DEVICE) {
        Base.QuadPart = Config->u.type0.BaseAddresses[0] & PCI_ADDRESS_MEMORY_ADDRESS_MASK;
        Rocker = MmMapIoSpace(Base, ROCKER_REGISTERS, MmNonCached);
        Pdo = KmtOpenPciFunction(Bus, Slot, &File);
    }
}

static BOOLEAN NTAPI Serve(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    ULONG Processor = KeGetCurrentProcessorNumber();

    if (Context != &Wrong || MessageId >= ROCKER_MESSAGES ||
        Interrupt != Table->MessageInfo[MessageId].InterruptObject ||
        KeGetCurrentIrql() != Table->UnifiedIrql ||
        !(Table->MessageInfo[MessageId].TargetProcessorSet >> Processor & 1)) {
        InterlockedIncrement(&Wrong);
    } else {
        InterlockedIncrement(&Served[MessageId]);
    }
    return TRUE;
}

static LONG CountOtherwise(LONG Expected[ROCKER_MESSAGES])
{
    LONG Differences = 0;

    for (ULONG i = 0; i < ROCKER_MESSAGES; i++) {
        Differences += Served[i] != Expected[i];
    }
    return Differences;
}

static VOID TestMessages(VOID)
{
    LONG Expected[ROCKER_MESSAGES] = {0}, Late = 0, Others = 0, Shared = 0;

    RtlZeroMemory((PVOID)Served, sizeof(Served));
    for (ULONG i = 1; i < ROCKER_MESSAGES; i++) {
        Shared += Table->MessageInfo[i].Vector == Table->MessageInfo[i - 1].Vector;
    }
    for (ULONG i = 0; i < ROUNDS * ROCKER_MESSAGES; i++) {
        ULONG Message = i % ROCKER_MESSAGES;
        Expected[Message]++;
        Rocker[ROCKER_TEST_MESSAGE] = Message;
        Late += !EduWait(&Served[Message], Expected[Message]);
        Others += CountOtherwise(Expected);
    }
    KMT_EQUAL(Shared, 0, "each with a vector of its own");
    KMT_EQUAL(Late, 0, "each message arrives");
    KMT_EQUAL(Others, 0, "once, and no other");
    KMT_EQUAL(Wrong, 0, "with its number and object, at its level, on its processor");
}

/* Without a lock of the driver's, each message's object has its own. */
static VOID TestLocks(VOID)
{
    LONG Before = Served[0], BeforeOther = Served[1], During;
    KIRQL OldIrql = KeAcquireInterruptSpinLock(Table->MessageInfo[0].InterruptObject);

    Rocker[ROCKER_TEST_MESSAGE] = 0;
    for (ULONG i = 0; i < 10; i++) {
        KeStallExecutionProcessor(20);
    }
    During = Served[0];
    KeReleaseInterruptSpinLock(Table->MessageInfo[0].InterruptObject, OldIrql);
    KMT_EQUAL(During, Before, "a message waits while its object's lock is held");
    KMT_CHECK(EduWait(&Served[0], Before + 1), "and comes then");
    KMT_EQUAL(Served[1], BeforeOther, "alone");
}

/* The last test: the device keeps such messages, and would send them when it is connected again. */
static VOID TestSilence(VOID)
{
    LONG Before[ROCKER_MESSAGES];

    RtlCopyMemory(Before, (PVOID)Served, sizeof(Before));
    for (ULONG i = 0; i < ROCKER_MESSAGES; i++) {
        Rocker[ROCKER_TEST_MESSAGE] = i;
    }
    KmtSleep(2);
    KMT_EQUAL(CountOtherwise(Before), 0, "after the disconnect none arrives");
}

static VOID KmtRun(VOID)
{
    KmtScanPci(Find);
    if (!KMT_CHECK(Pdo != NULL && Rocker != NULL, "the device is there")) {
        return;
    }
    for (ULONG Connection = 0; Connection < 3; Connection++) {
        if (!KMT_CHECK(NT_SUCCESS(EduConnectMessages(Pdo, &Table, Serve, (PVOID)&Wrong)),
                       "its messages are connected")) {
            break;
        }
        if (KMT_CHECK(Table->MessageCount == ROCKER_MESSAGES, "all four")) {
            TestMessages();
            TestLocks();
        }
        EduDisconnectMessages(Table);
    }
    TestSilence();
    MmUnmapIoSpace((PVOID)Rocker, ROCKER_REGISTERS);
    ObDereferenceObject(File);
}
