/*
 * nt/pci.h - PCI configuration space, as drivers see it: its layout, and reading and writing it by
 * bus, device and function. A driver finds its device by looking at every slot, or at the device
 * objects named \Device\PCI0000_BB_DD_F (see nt/io_interrupt.h).
 */
#include <wdm.h>

#ifndef _NT_PCI_
#define _NT_PCI_

typedef enum _BUS_DATA_TYPE {
    ConfigurationSpaceUndefined = -1,
    Cmos,
    EisaConfiguration,
    Pos,
    CbusConfiguration,
    PCIConfiguration
} BUS_DATA_TYPE, *PBUS_DATA_TYPE;

/* SlotNumber of the routines below, as AsULONG. */
typedef struct _PCI_SLOT_NUMBER {
    union {
        struct {
            ULONG DeviceNumber : 5;
            ULONG FunctionNumber : 3;
            ULONG Reserved : 24;
        } bits;
        ULONG AsULONG;
    } u;
} PCI_SLOT_NUMBER, *PPCI_SLOT_NUMBER;

#define PCI_TYPE0_ADDRESSES 6
#define PCI_TYPE1_ADDRESSES 2
#define PCI_TYPE2_ADDRESSES 5

/* The header that every function has; type 0 is a device's, type 1 a bridge's. */
typedef struct _PCI_COMMON_CONFIG {
    USHORT VendorID; /* PCI_INVALID_VENDORID: no function there */
    USHORT DeviceID;
    USHORT Command; /* PCI_ENABLE_*, PCI_DISABLE_LEVEL_INTERRUPT */
    USHORT Status;
    UCHAR RevisionID;
    UCHAR ProgIf;
    UCHAR SubClass;
    UCHAR BaseClass;
    UCHAR CacheLineSize;
    UCHAR LatencyTimer;
    UCHAR HeaderType;
    UCHAR BIST;
    union {
        struct _PCI_HEADER_TYPE_0 {
            ULONG BaseAddresses[PCI_TYPE0_ADDRESSES];
            ULONG CIS;
            USHORT SubVendorID;
            USHORT SubSystemID;
            ULONG ROMBaseAddress;
            UCHAR CapabilitiesPtr;
            UCHAR Reserved1[3];
            ULONG Reserved2;
            UCHAR
            InterruptLine;      /* what the firmware routed the pin to; see HalGetInterruptVector */
            UCHAR InterruptPin; /* 0 none, 1 INTA# ... 4 INTD# */
            UCHAR MinimumGrant;
            UCHAR MaximumLatency;
        } type0;
        struct _PCI_HEADER_TYPE_1 {
            ULONG BaseAddresses[PCI_TYPE1_ADDRESSES];
            UCHAR PrimaryBus;
            UCHAR SecondaryBus;
            UCHAR SubordinateBus;
            UCHAR SecondaryLatency;
            UCHAR IOBase;
            UCHAR IOLimit;
            USHORT SecondaryStatus;
            USHORT MemoryBase;
            USHORT MemoryLimit;
            USHORT PrefetchBase;
            USHORT PrefetchLimit;
            ULONG PrefetchBaseUpper32;
            ULONG PrefetchLimitUpper32;
            USHORT IOBaseUpper16;
            USHORT IOLimitUpper16;
            UCHAR CapabilitiesPtr;
            UCHAR Reserved1[3];
            ULONG ROMBaseAddress;
            UCHAR InterruptLine;
            UCHAR InterruptPin;
            USHORT BridgeControl;
        } type1;
    } u;
    UCHAR DeviceSpecific[192]; /* capabilities lie somewhere in here */
} PCI_COMMON_CONFIG, *PPCI_COMMON_CONFIG;

#define PCI_COMMON_HDR_LENGTH (offsetof(PCI_COMMON_CONFIG, DeviceSpecific))
#define PCI_EXTENDED_CONFIG_LENGTH 0x1000
#define PCI_MAX_DEVICES 32
#define PCI_MAX_FUNCTION 8
#define PCI_INVALID_VENDORID 0xFFFF

#define PCI_ENABLE_IO_SPACE 0x0001
#define PCI_ENABLE_MEMORY_SPACE 0x0002
#define PCI_ENABLE_BUS_MASTER 0x0004
#define PCI_DISABLE_LEVEL_INTERRUPT 0x0400
#define PCI_STATUS_INTERRUPT_PENDING 0x0008
#define PCI_STATUS_CAPABILITIES_LIST 0x0010

#define PCI_MULTIFUNCTION 0x80
#define PCI_DEVICE_TYPE 0x00
#define PCI_BRIDGE_TYPE 0x01
#define PCI_CARDBUS_BRIDGE_TYPE 0x02
#define PCI_CONFIGURATION_TYPE(PciData) (((PPCI_COMMON_CONFIG)(PciData))->HeaderType & ~0x80)
#define PCI_MULTIFUNCTION_DEVICE(PciData)                                                          \
    ((((PPCI_COMMON_CONFIG)(PciData))->HeaderType & PCI_MULTIFUNCTION) != 0)

/* Base address registers. */
#define PCI_ADDRESS_IO_SPACE 0x00000001
#define PCI_ADDRESS_MEMORY_TYPE_MASK 0x00000006
#define PCI_ADDRESS_MEMORY_PREFETCHABLE 0x00000008
#define PCI_ADDRESS_IO_ADDRESS_MASK 0xfffffffc
#define PCI_ADDRESS_MEMORY_ADDRESS_MASK 0xfffffff0
#define PCI_TYPE_32BIT 0
#define PCI_TYPE_20BIT 2
#define PCI_TYPE_64BIT 4

/* A link of the capability list. */
typedef struct _PCI_CAPABILITIES_HEADER {
    UCHAR CapabilityID;
    UCHAR Next;
} PCI_CAPABILITIES_HEADER, *PPCI_CAPABILITIES_HEADER;
#define PCI_CAPABILITY_ID_POWER_MANAGEMENT 0x01
#define PCI_CAPABILITY_ID_MSI 0x05
#define PCI_CAPABILITY_ID_VENDOR_SPECIFIC 0x09
#define PCI_CAPABILITY_ID_PCI_EXPRESS 0x10
#define PCI_CAPABILITY_ID_MSIX 0x11

C_ASSERT(sizeof(PCI_COMMON_CONFIG) == 256 && sizeof(PCI_SLOT_NUMBER) == 4);
C_ASSERT(offsetof(PCI_COMMON_CONFIG, u.type0.CapabilitiesPtr) == 0x34);
C_ASSERT(offsetof(PCI_COMMON_CONFIG, u.type0.InterruptLine) == 0x3C);
C_ASSERT(offsetof(PCI_COMMON_CONFIG, u.type1.BridgeControl) == 0x3E);

/*
 * Reads Length bytes from Offset on of a function's configuration space. Any IRQL.
 *   BusDataType  PCIConfiguration: there is no other kind of bus data here
 *   SlotNumber   a PCI_SLOT_NUMBER; Offset  in bytes: up to 256, or 4096 on PCI Express
 * Returns the bytes read, fewer when the space ends before. 2, and PCI_INVALID_VENDORID in the
 * first two bytes: nobody answers in that slot. 0: no such bus or kind. WDK: HalGetBusDataByOffset.
 */
NTHALAPI ULONG NTAPI HalGetBusDataByOffset(_In_ BUS_DATA_TYPE BusDataType, _In_ ULONG BusNumber,
                                           _In_ ULONG SlotNumber, _Out_ PVOID Buffer,
                                           _In_ ULONG Offset, _In_ ULONG Length);
/* Writes; the parameters are those of HalGetBusDataByOffset. Returns the bytes written: 0 when
 * nobody is there. The driver must own the function, and know what it changes. Any IRQL. WDK:
 * HalSetBusDataByOffset. */
NTHALAPI ULONG NTAPI HalSetBusDataByOffset(_In_ BUS_DATA_TYPE BusDataType, _In_ ULONG BusNumber,
                                           _In_ ULONG SlotNumber, _In_ PVOID Buffer,
                                           _In_ ULONG Offset, _In_ ULONG Length);
/* HalGetBusData and HalSetBusData: the same from offset 0 on. Any IRQL. WDK. */
NTHALAPI ULONG NTAPI HalGetBusData(_In_ BUS_DATA_TYPE BusDataType, _In_ ULONG BusNumber,
                                   _In_ ULONG SlotNumber, _Out_ PVOID Buffer, _In_ ULONG Length);
NTHALAPI ULONG NTAPI HalSetBusData(_In_ BUS_DATA_TYPE BusDataType, _In_ ULONG BusNumber,
                                   _In_ ULONG SlotNumber, _In_ PVOID Buffer, _In_ ULONG Length);

#endif
