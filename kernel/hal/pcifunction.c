/*
 * pcifunction.c - what a PCI function's configuration header and capability list say.
 *
 * Pure: only the 256 bytes given are read, and none of them is believed. The capability list is a
 * chain of offsets: one that points below the header's end, in circles or past the end finds
 * nothing more. A capability counts only if all of its registers fit.
 */
#include "halpci.h"
#include <nt/crt.h>

/* Offsets in the header. */
enum {
    PciVendor = 0x00,
    PciDevice = 0x02,
    PciStatus = 0x06,
    PciRevision = 0x08,
    PciProgIf = 0x09,
    PciSubClass = 0x0A,
    PciBaseClass = 0x0B,
    PciHeaderType = 0x0E,
    PciSecondaryBus = 0x19,
    PciSubordinateBus = 0x1A,
    PciCapabilities = 0x34,
    PciCardBusCapabilities = 0x14,
    PciInterruptLine = 0x3C,
    PciInterruptPin = 0x3D,
    PciHeaderEnd = 0x40
};
#define STATUS_HAS_CAPABILITIES 0x10
#define MULTI_FUNCTION 0x80
#define LAST_PIN 4
#define NO_LINE 0xFF

#define CAPABILITY_MSI 0x05
#define CAPABILITY_EXPRESS 0x10
#define CAPABILITY_MSIX 0x11
/* A list without loops has no more: each takes at least one of the ULONGs behind the header. */
#define MOST_CAPABILITIES ((HAL_PCI_CONFIG_SIZE - PciHeaderEnd) / 4)

#define MSI_64_BIT 0x0080
#define MSI_MASKABLE 0x0100
#define MSI_WANTED_SHIFT 1 /* three bits: logarithm of the number of messages */
#define MSI_WANTED_MOST 5
#define MSIX_SIZE 12
#define MSIX_ENTRIES 0x7FF /* number of messages - 1 */

/* Little-endian as the space is, wherever the bytes lie. */
static USHORT HalpGet16(const UCHAR *Config, ULONG Offset)
{
    return (USHORT)(Config[Offset] | Config[Offset + 1] << 8);
}

static ULONG HalpGet32(const UCHAR *Config, ULONG Offset)
{
    return HalpGet16(Config, Offset) | (ULONG)HalpGet16(Config, Offset + 2) << 16;
}

/* The capability has two options, which add registers at its end. */
static void HalpDescribeMsi(const UCHAR *Config, ULONG Offset, PHAL_PCI_DESCRIPTION Description)
{
    USHORT Control = HalpGet16(Config, Offset + 2);
    ULONG Wanted = Control >> MSI_WANTED_SHIFT & 7;
    ULONG Size = 10 + (Control & MSI_64_BIT ? 4 : 0);

    /* Mask and pending registers, with two bytes that align them. */
    Size += Control & MSI_MASKABLE ? 10 : 0;
    if (Offset + Size > HAL_PCI_CONFIG_SIZE || Wanted > MSI_WANTED_MOST) {
        return;
    }
    Description->MsiOffset = (UCHAR)Offset;
    Description->MsiMessages = (UCHAR)(1U << Wanted);
    Description->Msi64Bit = (Control & MSI_64_BIT) != 0;
    Description->MsiMaskable = (Control & MSI_MASKABLE) != 0;
}

/* The table's BAR and its offset there share a register. Whether it really lies in that BAR is
 * looked at by whoever maps it, when the BARs are known. */
static void HalpDescribeMsix(const UCHAR *Config, ULONG Offset, PHAL_PCI_DESCRIPTION Description)
{
    ULONG Table;

    if (Offset + MSIX_SIZE > HAL_PCI_CONFIG_SIZE) {
        return;
    }
    Table = HalpGet32(Config, Offset + 4);
    if ((Table & 7) < HAL_PCI_BARS) {
        Description->MsixOffset = (UCHAR)Offset;
        Description->MsixMessages = (HalpGet16(Config, Offset + 2) & MSIX_ENTRIES) + 1;
        Description->MsixBar = Table & 7;
        Description->MsixTableOffset = Table & ~7U;
    }
}

/* The first of a kind counts; that there are several is not foreseen for these. */
static void HalpDescribeCapability(const UCHAR *Config, ULONG Offset,
                                   PHAL_PCI_DESCRIPTION Description)
{
    switch (Config[Offset]) {
    case CAPABILITY_MSI:
        if (Description->MsiOffset == 0) {
            HalpDescribeMsi(Config, Offset, Description);
        }
        break;
    case CAPABILITY_MSIX:
        if (Description->MsixOffset == 0) {
            HalpDescribeMsix(Config, Offset, Description);
        }
        break;
    case CAPABILITY_EXPRESS:
        if (Description->ExpressOffset == 0) {
            Description->ExpressOffset = (UCHAR)Offset;
        }
        break;
    }
}

/* A limit on the steps instead of marks where one has been: simpler, and any list without a circle
 * is shorter. */
static void HalpWalkCapabilities(const UCHAR *Config, PHAL_PCI_DESCRIPTION Description)
{
    ULONG Head = Description->HeaderType == 2 ? PciCardBusCapabilities : PciCapabilities;
    ULONG Offset = Config[Head] & ~3U; /* the low two bits are reserved */

    if (!(HalpGet16(Config, PciStatus) & STATUS_HAS_CAPABILITIES)) {
        return;
    }
    for (ULONG i = 0; i < MOST_CAPABILITIES && Offset >= PciHeaderEnd; i++) {
        HalpDescribeCapability(Config, Offset, Description);
        Offset = Config[Offset + 1] & ~3U;
    }
}

void HalpDescribePciFunction(const UCHAR Config[HAL_PCI_CONFIG_SIZE],
                             PHAL_PCI_DESCRIPTION Description)
{
    /* Pins beyond D do not exist; a line without a pin is left over from something else. */
    UCHAR Pin = Config[PciInterruptPin];
    UCHAR Line = Config[PciInterruptLine];

    Description->VendorId = HalpGet16(Config, PciVendor);
    Description->DeviceId = HalpGet16(Config, PciDevice);
    Description->Revision = Config[PciRevision];
    Description->ProgIf = Config[PciProgIf];
    Description->SubClass = Config[PciSubClass];
    Description->BaseClass = Config[PciBaseClass];
    Description->HeaderType = Config[PciHeaderType] & ~MULTI_FUNCTION;
    Description->MultiFunction = (Config[PciHeaderType] & MULTI_FUNCTION) != 0;
    Description->InterruptPin = Pin <= LAST_PIN ? Pin : 0;
    Description->InterruptLine = Description->InterruptPin != 0 && Line != NO_LINE ? Line : 0;
    if (Description->HeaderType == 1) {
        Description->SecondaryBus = Config[PciSecondaryBus];
        Description->SubordinateBus = Config[PciSubordinateBus];
    }
    HalpWalkCapabilities(Config, Description);
}

#define BAR_PORT 1
#define BAR_TYPE_MASK 7
#define BAR_TYPE_64_BIT 4
#define BAR_PREFETCHABLE 8
#define BAR_PORT_MASK 0xFFFCU
#define BAR_MEMORY_MASK 0xFFFFFFFFFFFFFFF0ULL

BOOLEAN HalpIsPciBar64(ULONG Low)
{
    return (Low & BAR_TYPE_MASK) == BAR_TYPE_64_BIT;
}

/* Only address bits that the function decodes could be set: the lowest of them is the size. */
void HalpDescribePciBar(ULONG64 Value, ULONG64 Mask, PHAL_PCI_BAR Bar)
{
    ULONG64 Decoded;

    memset(Bar, 0, sizeof(*Bar));
    if (Value & BAR_PORT) {
        Decoded = Mask & BAR_PORT_MASK;
        Bar->Kind = HalPciBarPort;
        Bar->Base = Value & BAR_PORT_MASK;
    } else {
        BOOLEAN Wide = HalpIsPciBar64((ULONG)Value);
        ULONG64 Address = Wide ? BAR_MEMORY_MASK : BAR_MEMORY_MASK & MAXULONG;
        Decoded = Mask & Address;
        Bar->Kind = Wide ? HalPciBarMemory64 : HalPciBarMemory32;
        Bar->Base = Value & Address;
        Bar->Prefetchable = (Value & BAR_PREFETCHABLE) != 0;
    }
    Bar->Size = Decoded & (0 - Decoded);
    if (Bar->Size == 0) {
        memset(Bar, 0, sizeof(*Bar));
    }
}
