/*
 * pcibus.c - configuration space for drivers: any bytes, in the widest accesses that are aligned,
 * as hardware has them. No state of its own.
 */
#include "halp.h"
#include "halpci.h"

/* Bytes of configuration space that can be reached of a function. */
static ULONG HalpPciSpace(ULONG Location)
{
    return HalpIsPciBusInMemory(HAL_PCI_BUS(Location)) ? PCI_EXTENDED_CONFIG_LENGTH
                                                       : HAL_PCI_CONFIG_SIZE;
}

/* FALSE: such data or such a bus does not exist. */
static BOOLEAN HalpLocateSlot(BUS_DATA_TYPE Type, ULONG BusNumber, ULONG SlotNumber,
                              PULONG Location)
{
    PCI_SLOT_NUMBER Slot = {.u.AsULONG = SlotNumber};

    *Location = HAL_PCI_LOCATION(BusNumber, Slot.u.bits.DeviceNumber, Slot.u.bits.FunctionNumber);
    return Type == PCIConfiguration && HalpIsPciBus(BusNumber);
}

/* The widest access at Offset that is aligned and not longer than Length. */
static ULONG HalpAccessWidth(ULONG Offset, ULONG Length)
{
    if (Offset % 4 == 0 && Length >= 4) {
        return 4;
    }
    return Offset % 2 == 0 && Length >= 2 ? 2 : 1;
}

/* Piece by piece: a register is read in one access if the caller asks for all of it at once, which
 * matters for those that change while they are read. */
static void HalpReadPciBytes(ULONG Location, PUCHAR Buffer, ULONG Offset, ULONG Length)
{
    for (ULONG Width; Length > 0; Offset += Width, Buffer += Width, Length -= Width) {
        ULONG Value;
        Width = HalpAccessWidth(Offset, Length);
        Value = Width == 4   ? HalReadPci32(Location, Offset)
                : Width == 2 ? HalReadPci16(Location, Offset)
                             : HalReadPci8(Location, Offset);
        memcpy(Buffer, &Value, Width);
    }
}

/* No byte that was not given is written, not even with what it held: some registers clear the ones
 * that are written to them. */
static void HalpWritePciBytes(ULONG Location, const UCHAR *Buffer, ULONG Offset, ULONG Length)
{
    for (ULONG Width; Length > 0; Offset += Width, Buffer += Width, Length -= Width) {
        ULONG Value = 0;
        Width = HalpAccessWidth(Offset, Length);
        memcpy(&Value, Buffer, Width);
        if (Width == 4) {
            HalWritePci32(Location, Offset, Value);
        } else if (Width == 2) {
            HalWritePci16(Location, Offset, (USHORT)Value);
        } else {
            HalWritePci8(Location, Offset, (UCHAR)Value);
        }
    }
}

/* Drivers look for their device by asking every slot, so "nobody" is an answer in itself, and is
 * told apart from a bus that does not exist. */
ULONG NTAPI HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                                  PVOID Buffer, ULONG Offset, ULONG Length)
{
    static const USHORT Nobody = PCI_INVALID_VENDORID;
    ULONG Location;

    if (!HalpLocateSlot(BusDataType, BusNumber, SlotNumber, &Location)) {
        return 0;
    }
    if (HalReadPci16(Location, 0) == PCI_INVALID_VENDORID) {
        Length = min(Length, sizeof(Nobody));
        memcpy(Buffer, &Nobody, Length);
        return Length;
    }
    if (Offset >= HalpPciSpace(Location)) {
        return 0;
    }
    Length = min(Length, HalpPciSpace(Location) - Offset);
    HalpReadPciBytes(Location, Buffer, Offset, Length);
    return Length;
}

ULONG NTAPI HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                                  PVOID Buffer, ULONG Offset, ULONG Length)
{
    ULONG Location;

    if (!HalpLocateSlot(BusDataType, BusNumber, SlotNumber, &Location) ||
        HalReadPci16(Location, 0) == PCI_INVALID_VENDORID || Offset >= HalpPciSpace(Location)) {
        return 0;
    }
    Length = min(Length, HalpPciSpace(Location) - Offset);
    HalpWritePciBytes(Location, Buffer, Offset, Length);
    return Length;
}

/* From offset 0 on: for the header as a whole. */
ULONG NTAPI HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                          PVOID Buffer, ULONG Length)
{
    return HalGetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}

ULONG NTAPI HalSetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                          PVOID Buffer, ULONG Length)
{
    return HalSetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}
