/*
 * Promises: every function's configuration space reads the same in bytes, words and ULONGs, and in
 * any piece; registers that can be written keep what was written, and nothing beside them changes;
 * absent devices, buses and kinds of data are told apart; every function has a device object by its
 * place.
 */
#include "edu.h"

static LONG Differences, WithoutObject;

/* Nobody else writes the Interrupt Line register: it is a note for software. */
static PCI_SLOT_NUMBER NotedSlot;
static ULONG NotedBus;
static BOOLEAN Noted;

static ULONG Read(ULONG Bus, PCI_SLOT_NUMBER Slot, PVOID Buffer, ULONG Offset, ULONG Length)
{
    return HalGetBusDataByOffset(PCIConfiguration, Bus, Slot.u.AsULONG, Buffer, Offset, Length);
}

static VOID CheckFunction(ULONG Bus, PCI_SLOT_NUMBER Slot, PPCI_COMMON_CONFIG Config)
{
    UCHAR Piece[PCI_COMMON_HDR_LENGTH];
    PFILE_OBJECT File;

    for (ULONG Step = 1; Step <= 7; Step++) {
        for (ULONG Offset = 0; Offset < sizeof(Piece); Offset += Step) {
            ULONG Length = min(Step, sizeof(Piece) - Offset);
            Differences += Read(Bus, Slot, Piece + Offset, Offset, Length) != Length;
        }
        Differences += RtlCompareMemory(Piece, Config, sizeof(Piece)) != sizeof(Piece);
    }
    if (KmtOpenPciFunction(Bus, Slot, &File) == NULL) {
        WithoutObject++;
    } else {
        ObDereferenceObject(File);
    }
    if (PCI_CONFIGURATION_TYPE(Config) == PCI_DEVICE_TYPE && Config->u.type0.InterruptPin != 0) {
        Noted = TRUE;
        NotedBus = Bus;
        NotedSlot = Slot;
    }
}

static VOID TestWriting(VOID)
{
    const ULONG Offset = offsetof(PCI_COMMON_CONFIG, u.type0.InterruptLine);
    ULONG Before, After;
    UCHAR Line, Other;

    Read(NotedBus, NotedSlot, &Before, Offset, sizeof(Before));
    Line = (UCHAR)Before;
    Other = (UCHAR)(Line ^ 0x5A);
    KMT_EQUAL(
        HalSetBusDataByOffset(PCIConfiguration, NotedBus, NotedSlot.u.AsULONG, &Other, Offset, 1),
        1, "a byte is written");
    Read(NotedBus, NotedSlot, &After, Offset, sizeof(After));
    KMT_EQUAL(After, (Before & ~0xFFU) | Other, "it is kept, and the bytes beside it are");
    HalSetBusDataByOffset(PCIConfiguration, NotedBus, NotedSlot.u.AsULONG, &Line, Offset, 1);
    Read(NotedBus, NotedSlot, &After, Offset, sizeof(After));
    KMT_EQUAL(After, Before, "and written back");
}

static VOID TestAbsence(VOID)
{
    PCI_SLOT_NUMBER Slot = {.u.AsULONG = 0};
    PCI_COMMON_CONFIG Config;
    ULONG Value = 0;
    PFILE_OBJECT File;

    Slot.u.bits.DeviceNumber = 0x1E; /* neither machine has one there */
    RtlZeroMemory(&Config, sizeof(Config));
    KMT_EQUAL(HalGetBusData(PCIConfiguration, 0, Slot.u.AsULONG, &Config, sizeof(Config)), 2,
              "of a device that is not there two bytes are read");
    KMT_EQUAL(Config.VendorID, PCI_INVALID_VENDORID, "which say so");
    KMT_EQUAL(HalSetBusData(PCIConfiguration, 0, Slot.u.AsULONG, &Value, sizeof(Value)), 0,
              "nothing is written there");
    KMT_CHECK(KmtOpenPciFunction(0, Slot, &File) == NULL, "and it has no object");
    Slot.u.AsULONG = 0;
    KMT_EQUAL(HalGetBusData(PCIConfiguration, 255, 0, &Value, sizeof(Value)), 0,
              "of a bus that is not there nothing is read");
    KMT_EQUAL(HalGetBusData(PCIConfiguration, 256, 0, &Value, sizeof(Value)), 0,
              "a bus number has eight bits");
    KMT_EQUAL(HalGetBusData(EisaConfiguration, 0, 0, &Value, sizeof(Value)), 0,
              "there is no other kind of bus data");
    KMT_EQUAL(Read(0, Slot, &Value, PCI_EXTENDED_CONFIG_LENGTH, 4), 0, "nor anything past the end");
    KMT_CHECK(Read(0, Slot, &Value, 254, 4) >= 2, "what there is of a piece is read");
}

static VOID KmtRun(VOID)
{
    PCI_COMMON_CONFIG Config;
    ULONG Length;
    KIRQL Old;

    KMT_CHECK(KmtScanPci(CheckFunction) >= 4, "a machine has some functions");
    KMT_EQUAL(Differences, 0, "their headers read the same in any pieces");
    KMT_EQUAL(WithoutObject, 0, "each has a device object");
    if (KMT_CHECK(Noted, "one of them interrupts")) {
        TestWriting();
    }
    TestAbsence();
    Old = KfRaiseIrql(HIGH_LEVEL);
    Length = HalGetBusData(PCIConfiguration, 0, 0, &Config, PCI_COMMON_HDR_LENGTH);
    KeLowerIrql(Old);
    KMT_EQUAL(Length, PCI_COMMON_HDR_LENGTH, "and it can be read at any level");
}
