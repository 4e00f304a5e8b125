/*
 * halpci.h - PCI functions inside the kernel: where they are, what they have, how they are told to
 * send messages instead of pulling a line.
 *
 * A location is bus << 8 | device << 3 | function, in segment 0, the only one. Pure types: parsers
 * of them are compiled on the host as well.
 */
#ifndef _HALPCI_H_
#define _HALPCI_H_

#include <ntdef.h>

#define HAL_PCI_BUSES 256
#define HAL_PCI_CONFIG_SIZE 256 /* of the part that every function has */
#define HAL_PCI_BARS 6
#define HAL_PCI_MAX_MESSAGES 16 /* that one function gets: as many vectors as a level has */

#define HAL_PCI_LOCATION(Bus, Device, Function) ((Bus) << 8 | (Device) << 3 | (Function))
#define HAL_PCI_BUS(Location) ((ULONG)(Location) >> 8 & 0xFF)
#define HAL_PCI_DEVICE(Location) ((ULONG)(Location) >> 3 & 0x1F)
#define HAL_PCI_FUNCTION(Location) ((ULONG)(Location)&7)

typedef enum _HAL_PCI_BAR_KIND {
    HalPciBarNone,
    HalPciBarPort,
    HalPciBarMemory32,
    HalPciBarMemory64 /* takes two registers: the next entry is none */
} HAL_PCI_BAR_KIND;

typedef struct _HAL_PCI_BAR {
    UCHAR Kind; /* HAL_PCI_BAR_KIND */
    BOOLEAN Prefetchable;
    ULONG64 Base; /* port or physical address; 0: the firmware gave it none */
    ULONG64 Size; /* a power of two */
} HAL_PCI_BAR, *PHAL_PCI_BAR;

/* A capability that was found: 0 for the offset of one that is not there or not whole. */
typedef struct _HAL_PCI_DESCRIPTION {
    USHORT Location;
    USHORT VendorId, DeviceId;
    UCHAR BaseClass, SubClass, ProgIf, Revision;
    UCHAR HeaderType; /* without the multi-function bit */
    BOOLEAN MultiFunction;
    UCHAR SecondaryBus, SubordinateBus; /* of a bridge */
    UCHAR InterruptLine;                /* 0: none that firmware knew of */
    UCHAR InterruptPin;                 /* 0: none */
    UCHAR ExpressOffset;
    UCHAR MsiOffset;
    UCHAR MsiMessages; /* how many it would like, a power of two */
    BOOLEAN Msi64Bit, MsiMaskable;
    UCHAR MsixOffset;
    USHORT MsixMessages;
    UCHAR MsixBar;         /* the table's */
    ULONG MsixTableOffset; /* in it */
    HAL_PCI_BAR Bar[HAL_PCI_BARS];
} HAL_PCI_DESCRIPTION, *PHAL_PCI_DESCRIPTION;

/*** pcifunction.c: pure ***/

/* All but the BARs, out of the first 256 bytes of configuration space, which may say anything. */
void HalpDescribePciFunction(const UCHAR Config[HAL_PCI_CONFIG_SIZE],
                             PHAL_PCI_DESCRIPTION Description);
/* A BAR from its value and what it reads after all ones were written; of a 64-bit BAR both halves,
 * of others the high ones are ignored. */
void HalpDescribePciBar(ULONG64 Value, ULONG64 Mask, PHAL_PCI_BAR Bar);
/* TRUE when a BAR with this low half takes the next register, too. */
BOOLEAN HalpIsPciBar64(ULONG Low);
/* The base class and subclass for people: "network controller". */
const char *HalPciClassName(UCHAR BaseClass, UCHAR SubClass);

/*** pciconfig.c: any IRQL ***/

/* Finds out how configuration space is reached: once, at start. */
void HalpInitializePci(void);
/* A bus was found: reaches it in memory if it lies there. */
void HalpAddPciBus(ULONG Bus);
BOOLEAN HalpIsPciBus(ULONG Bus);
BOOLEAN HalpIsPciBusInMemory(ULONG Bus);
/* Aligned accesses of 4, 2 and 1 bytes. A function that is not there reads as all ones. */
ULONG HalReadPci32(ULONG Location, ULONG Offset);
void HalWritePci32(ULONG Location, ULONG Offset, ULONG Value);
USHORT HalReadPci16(ULONG Location, ULONG Offset);
void HalWritePci16(ULONG Location, ULONG Offset, USHORT Value);
UCHAR HalReadPci8(ULONG Location, ULONG Offset);
void HalWritePci8(ULONG Location, ULONG Offset, UCHAR Value);
/* How it is reached, for people: "none", "ports CF8h/CFCh" or "memory". */
const char *HalQueryPciMechanism(void);

/*** pciscan.c: PASSIVE_LEVEL, before drivers use the functions ***/

/* Calls Visit for every function that bridges lead to, from bus 0 on, in order of location within a
 * bus; behind a bridge after the bridge. */
typedef void HAL_PCI_VISIT(const HAL_PCI_DESCRIPTION *Description, PVOID Context);
void HalScanPci(HAL_PCI_VISIT *Visit, PVOID Context);

/*** pcimessage.c: PASSIVE_LEVEL, the caller owns the function ***/

typedef struct _HAL_PCI_MESSAGE {
    ULONG64 Address; /* what the device writes Data to */
    ULONG Data;
    ULONG Vector;
    KIRQL Irql;
    ULONG Processor; /* that takes it */
} HAL_PCI_MESSAGE, *PHAL_PCI_MESSAGE;

/* How many messages the function can send: 0 when it has neither MSI nor MSI-X. */
ULONG HalQueryPciMessages(const HAL_PCI_DESCRIPTION *Description);
/* Vectors for *Count messages, at most HAL_PCI_MAX_MESSAGES; fewer may be given, never none:
 * STATUS_INSUFFICIENT_RESOURCES. All have the same IRQL, and one processor after another. */
NTSTATUS HalAllocatePciMessages(const HAL_PCI_DESCRIPTION *Description, PHAL_PCI_MESSAGE Messages,
                                PULONG Count);
void HalFreePciMessages(const HAL_PCI_MESSAGE *Messages, ULONG Count);
/* From now on the function sends messages and leaves its line alone; *Saved is for the reverse.
 * STATUS_DEVICE_CONFIGURATION_ERROR: its MSI-X table lies nowhere. */
NTSTATUS HalEnablePciMessages(const HAL_PCI_DESCRIPTION *Description,
                              const HAL_PCI_MESSAGE *Messages, ULONG Count, PUSHORT Saved);
/* No message is sent after this; one already under way may still arrive. */
void HalDisablePciMessages(const HAL_PCI_DESCRIPTION *Description, USHORT Saved);
/* Lets the function pull its line (Enable) or keeps it from doing so. */
void HalEnablePciLine(const HAL_PCI_DESCRIPTION *Description, BOOLEAN Enable);

#endif
