/*
 * pciscan.c - finds the functions that are there, and what their BARs decode.
 *
 * A bus has 32 devices, a device up to 8 functions if its first one says so. A bridge leads to the
 * bus whose number the firmware gave it; a number seen before is not followed, so bridges that
 * point at each other do not matter, and neither does how deep they go. Buses behind further host
 * bridges would be known from AML alone, and are not found.
 *
 * The size of a BAR is found by writing ones into it, which moves what it decodes somewhere else
 * for that moment: decoding is off meanwhile, and so are this processor's interrupts. It happens
 * before any driver has been started. Host bridges are left alone: RAM may lie behind them.
 */
#include "halp.h"
#include "halpci.h"

#define PCI_COMMAND 0x04
#define PCI_HEADER_TYPE 0x0E
#define PCI_BAR(Number) (0x10 + 4 * (Number))
#define COMMAND_DECODE (PCI_ENABLE_IO_SPACE | PCI_ENABLE_MEMORY_SPACE)
#define CLASS_HOST_BRIDGE 0x0600

typedef struct _HALP_PCI_SCAN {
    HAL_PCI_VISIT *Visit;
    PVOID Context;
    UCHAR Queue[HAL_PCI_BUSES]; /* buses found, in this order; each once, so it cannot overflow */
    ULONG QueueLength;
} HALP_PCI_SCAN, *PHALP_PCI_SCAN;

/* Reads what the register keeps of all ones, and puts Value back. */
static ULONG HalpProbeBar(ULONG Location, ULONG Register, ULONG Value)
{
    ULONG Mask;

    HalWritePci32(Location, Register, MAXULONG);
    Mask = HalReadPci32(Location, Register);
    HalWritePci32(Location, Register, Value);
    return Mask;
}

/* Describes BAR number Number; returns how many registers it takes. */
static ULONG HalpReadBar(ULONG Location, ULONG Number, BOOLEAN HaveNext, PHAL_PCI_BAR Bar)
{
    ULONG64 Value = HalReadPci32(Location, PCI_BAR(Number));
    ULONG64 Mask = HalpProbeBar(Location, PCI_BAR(Number), (ULONG)Value);
    BOOLEAN Wide = HaveNext && HalpIsPciBar64((ULONG)Value) && Mask != 0;

    if (Wide) {
        ULONG High = HalReadPci32(Location, PCI_BAR(Number + 1));
        Mask |= (ULONG64)HalpProbeBar(Location, PCI_BAR(Number + 1), High) << 32;
        Value |= (ULONG64)High << 32;
    }
    HalpDescribePciBar(Value, Mask, Bar);
    return Wide ? 2 : 1;
}

/* A bridge's header has two BARs, a CardBus bridge's none that matter here. Without address
 * decoding the function takes no part in what goes on, whatever its BARs hold. */
static void HalpReadBars(PHAL_PCI_DESCRIPTION Description)
{
    ULONG Location = Description->Location;
    ULONG Count = Description->HeaderType == PCI_DEVICE_TYPE   ? PCI_TYPE0_ADDRESSES
                  : Description->HeaderType == PCI_BRIDGE_TYPE ? PCI_TYPE1_ADDRESSES
                                                               : 0;
    USHORT Command;
    ULONG64 Flags;

    if ((Description->BaseClass << 8 | Description->SubClass) == CLASS_HOST_BRIDGE) {
        return;
    }
    Flags = __readeflags();
    _disable();
    Command = HalReadPci16(Location, PCI_COMMAND);
    HalWritePci16(Location, PCI_COMMAND, Command & ~COMMAND_DECODE);
    for (ULONG i = 0; i < Count;) {
        i += HalpReadBar(Location, i, i + 1 < Count, &Description->Bar[i]);
    }
    HalWritePci16(Location, PCI_COMMAND, Command);
    HalpRestoreInterrupts(Flags);
}

/* Marked as known when it is queued, not when it is scanned: two bridges may name the same bus. */
static void HalpFollowBridge(PHALP_PCI_SCAN Scan, const HAL_PCI_DESCRIPTION *Description)
{
    if (Description->HeaderType == PCI_BRIDGE_TYPE && !HalpIsPciBus(Description->SecondaryBus)) {
        HalpAddPciBus(Description->SecondaryBus);
        Scan->Queue[Scan->QueueLength++] = Description->SecondaryBus;
    }
}

/* Visits the function if there is one. Returns whether its device has more. */
static BOOLEAN HalpScanFunction(PHALP_PCI_SCAN Scan, ULONG Location)
{
    UCHAR Config[HAL_PCI_CONFIG_SIZE];
    HAL_PCI_DESCRIPTION Description = {.Location = (USHORT)Location};

    if (HalReadPci16(Location, 0) == PCI_INVALID_VENDORID) {
        return FALSE;
    }
    for (ULONG Offset = 0; Offset < sizeof(Config); Offset += sizeof(ULONG)) {
        ULONG Value = HalReadPci32(Location, Offset);
        memcpy(Config + Offset, &Value, sizeof(Value));
    }
    /* From a copy: what is parsed cannot change under the parser. */
    HalpDescribePciFunction(Config, &Description);
    HalpReadBars(&Description);
    Scan->Visit(&Description, Scan->Context);
    HalpFollowBridge(Scan, &Description);
    return Description.MultiFunction;
}

static void HalpScanBus(PHALP_PCI_SCAN Scan, ULONG Bus)
{
    for (ULONG Device = 0; Device < PCI_MAX_DEVICES; Device++) {
        /* The first function must exist, and only it says whether there are others. */
        if (HalpScanFunction(Scan, HAL_PCI_LOCATION(Bus, Device, 0))) {
            for (ULONG Function = 1; Function < PCI_MAX_FUNCTION; Function++) {
                HalpScanFunction(Scan, HAL_PCI_LOCATION(Bus, Device, Function));
            }
        }
    }
}

void HalScanPci(HAL_PCI_VISIT *Visit, PVOID Context)
{
    HALP_PCI_SCAN Scan = {Visit, Context, {0}, 0};

    if (HalpIsPciBus(0)) {
        Scan.QueueLength = 1;
    }
    for (ULONG i = 0; i < Scan.QueueLength; i++) {
        HalpScanBus(&Scan, Scan.Queue[i]);
    }
}
