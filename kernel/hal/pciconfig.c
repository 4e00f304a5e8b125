/*
 * pciconfig.c - reading and writing PCI configuration space.
 *
 * Two ways lead there. Every PC has the port pair CF8h/CFCh: the location is written to the one,
 * the data are at the other; HalpPciLock keeps the pair together, and 256 bytes of each function
 * can be reached. PCI Express machines also have all 4096 bytes in memory, where the MCFG table
 * says; a bus is mapped there when the scan finds it, and needs no lock: each access is one
 * instruction.
 *
 * Firmware is known to name a wrong address, so memory is used only if the host bridge, 0:0.0,
 * looks the same both ways. All of this is fixed after the scan.
 */
#include "halp.h"
#include "halpci.h"
#include "kd.h"
#include "mm.h"

#define CONFIG_ADDRESS 0xCF8
#define CONFIG_DATA 0xCFC
#define CONFIG_ENABLE (1U << 31)
#define CONFIG_BUS_SIZE (1U << 20) /* of a bus in memory: 256 functions of 4 KB */
#define ABSENT MAXULONG

static BOOLEAN HalpPciPorts;                                           /* i  there is PCI at all */
static volatile UCHAR *HalpPciBus[HAL_PCI_BUSES];                      /* i  NULL: by ports */
static ULONG64 HalpPciBusKnown[HAL_PCI_BUSES / (8 * sizeof(ULONG64))]; /* i  bit map */
static HALP_LOCK HalpPciLock;

/* The register's address if the function's bus is in memory, else NULL. */
static volatile UCHAR *HalpPciRegister(ULONG Location, ULONG Offset)
{
    volatile UCHAR *Bus = HalpPciBus[HAL_PCI_BUS(Location)];

    return Bus != NULL ? Bus + ((Location & 0xFF) << 12 | Offset) : NULL;
}

/* Leaves the data port's address of the register; the lock is held. */
static USHORT HalpSelectPci(ULONG Location, ULONG Offset)
{
    HalpOut32(CONFIG_ADDRESS, CONFIG_ENABLE | Location << 8 | (Offset & 0xFC));
    return (USHORT)(CONFIG_DATA + (Offset & 3));
}

/* One reader and one writer for each width: emulators and chip sets want the width they are used
 * to. */
#define PCI_ACCESS(Type, Bits, ReadName, WriteName)                                                \
    Type ReadName(ULONG Location, ULONG Offset)                                                    \
    {                                                                                              \
        volatile UCHAR *Register = HalpPciRegister(Location, Offset);                              \
        Type Value = (Type)ABSENT;                                                                 \
                                                                                                   \
        if (Register != NULL) {                                                                    \
            return *(volatile Type *)Register;                                                     \
        }                                                                                          \
        if (HalpPciPorts && Offset < HAL_PCI_CONFIG_SIZE) {                                        \
            ULONG64 Flags = HalpAcquireLock(&HalpPciLock);                                         \
            Value = HalpIn##Bits(HalpSelectPci(Location, Offset));                                 \
            HalpReleaseLock(&HalpPciLock, Flags);                                                  \
        }                                                                                          \
        return Value;                                                                              \
    }                                                                                              \
    void WriteName(ULONG Location, ULONG Offset, Type Value)                                       \
    {                                                                                              \
        volatile UCHAR *Register = HalpPciRegister(Location, Offset);                              \
                                                                                                   \
        if (Register != NULL) {                                                                    \
            *(volatile Type *)Register = Value;                                                    \
        } else if (HalpPciPorts && Offset < HAL_PCI_CONFIG_SIZE) {                                 \
            ULONG64 Flags = HalpAcquireLock(&HalpPciLock);                                         \
            HalpOut##Bits(HalpSelectPci(Location, Offset), Value);                                 \
            HalpReleaseLock(&HalpPciLock, Flags);                                                  \
        }                                                                                          \
    }
PCI_ACCESS(ULONG, 32, HalReadPci32, HalWritePci32)
PCI_ACCESS(USHORT, 16, HalReadPci16, HalWritePci16)
PCI_ACCESS(UCHAR, 8, HalReadPci8, HalWritePci8)

const char *HalQueryPciMechanism(void)
{
    if (!HalpPciPorts) {
        return "none";
    }
    return HalpPciBus[0] != NULL ? "memory" : "ports CF8h/CFCh";
}

/* A machine without PCI does not keep the address: nothing is at the port. */
static BOOLEAN HalpProbePciPorts(void)
{
    ULONG Old = HalpIn32(CONFIG_ADDRESS);
    BOOLEAN Found;

    HalpOut32(CONFIG_ADDRESS, CONFIG_ENABLE);
    Found = HalpIn32(CONFIG_ADDRESS) == CONFIG_ENABLE;
    HalpOut32(CONFIG_ADDRESS, Old);
    return Found;
}

/* Maps the bus where the firmware says that it is. */
static volatile UCHAR *HalpMapPciBus(ULONG Bus)
{
    if (HalpPlatform.PciConfigBase == 0 || Bus > HalpPlatform.PciConfigLastBus) {
        return NULL;
    }
    return HalpMapRegisters(HalpPlatform.PciConfigBase + (ULONG64)Bus * CONFIG_BUS_SIZE,
                            CONFIG_BUS_SIZE);
}

/* The one bus that always exists is tried both ways. */
void HalpInitializePci(void)
{
    volatile UCHAR *First;

    HalpPciPorts = HalpProbePciPorts();
    if (!HalpPciPorts) {
        return;
    }
    HalpAddPciBus(0);
    First = HalpPciBus[0];
    if (First != NULL) {
        ULONG InMemory = *(volatile ULONG *)First;
        HalpPciBus[0] = NULL;
        if (InMemory == HalReadPci32(0, 0)) {
            HalpPciBus[0] = First;
        } else {
            KdPrintf("hal: no PCI configuration space at %I64x, where MCFG has it\n",
                     HalpPlatform.PciConfigBase);
            HalpPlatform.PciConfigBase = 0;
            MmUnmapIoSpace((PVOID)(ULONG_PTR)First, CONFIG_BUS_SIZE);
        }
    }
}

/* A bus that cannot be mapped, for lack of address space, is reached by ports. */
void HalpAddPciBus(ULONG Bus)
{
    HalpPciBusKnown[Bus / 64] |= 1ULL << Bus % 64;
    HalpPciBus[Bus] = HalpMapPciBus(Bus);
}

BOOLEAN HalpIsPciBus(ULONG Bus)
{
    return Bus < HAL_PCI_BUSES && (HalpPciBusKnown[Bus / 64] >> Bus % 64 & 1);
}

BOOLEAN HalpIsPciBusInMemory(ULONG Bus)
{
    return HalpPciBus[Bus] != NULL;
}
